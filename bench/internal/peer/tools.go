package peer

import (
	"io"
	"strconv"
)

// Git commits the documents to a repository. Objects are written as they come;
// Pack is for afterwards. Everything that was acknowledged survives a power loss,
// as with the others.
var Git = Kind{Name: "git (process)", Slow: true, Open: func(dir string) (Peer, error) { return openGit(dir, "all") }}

// GitUnsynced is the same without fsync, where only the size is of interest.
var GitUnsynced = Kind{Name: Git.Name, Slow: true, Open: func(dir string) (Peer, error) { return openGit(dir, "none") }}

func openGit(dir, fsync string) (Peer, error) {
	if err := installed("git"); err != nil {
		return nil, err
	}
	p := &git{process: newProcess(dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_DIR="+dir+"/repository", "GIT_WORK_TREE="+dir+"/documents",
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@localhost", "GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@localhost")}
	if err := p.run(nil, "git", "init", "--quiet"); err != nil {
		return nil, err
	}
	return p, p.run(nil, "git", "config", "core.fsync", fsync)
}

type git struct{ process }

func (p *git) Save() error {
	if err := p.run(nil, "git", "-c", "gc.auto=0", "add", "--all", "."); err != nil {
		return err
	}
	return p.run(nil, "git", "-c", "gc.auto=0", "commit", "--quiet", "--message=state")
}

func (p *git) Load(w io.Writer) error { return p.run(w, "git", "show", "HEAD:state.json") }

// A Packer is a Peer that can make what it keeps smaller.
type Packer interface {
	// Pack returns when it is done. Hard looks longer.
	Pack(hard bool) error
	// Kept is the directory of what is kept.
	Kept() string
}

func (p *git) Pack(hard bool) error {
	args := []string{"gc", "--quiet", "--prune=now"}
	if hard {
		args = append(args, "--aggressive")
	}
	return p.run(nil, "git", args...)
}

func (p *git) Kept() string { return p.dir + "/repository/objects" }

// Restic backs the documents up to a local repository.
var Restic = Kind{Name: "restic (process)", Slow: true, Open: func(dir string) (Peer, error) {
	if err := installed("restic"); err != nil {
		return nil, err
	}
	p := &restic{newProcess(dir, "RESTIC_REPOSITORY="+dir+"/repository", "RESTIC_PASSWORD=bench", "RESTIC_CACHE_DIR="+dir+"/cache")}
	return p, p.run(nil, "restic", "--quiet", "init")
}}

type restic struct{ process }

func (p *restic) Save() error { return p.run(nil, "restic", "--quiet", "backup", ".") }

func (p *restic) Load(w io.Writer) error {
	return p.run(w, "restic", "--quiet", "dump", "latest", "/state.json")
}

func (p *restic) Pack(bool) error { return p.run(nil, "restic", "--quiet", "prune") }
func (p *restic) Kept() string    { return p.dir + "/repository" }

// Borg makes archives of the documents, compressed by lz4, in a local repository
// that is not encrypted.
var Borg = Kind{Name: "borg (process)", Slow: true, Open: func(dir string) (Peer, error) {
	if err := installed("borg"); err != nil {
		return nil, err
	}
	p := &borg{process: newProcess(dir, "BORG_REPO="+dir+"/repository", "BORG_BASE_DIR="+dir, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes")}
	return p, p.run(nil, "borg", "init", "--encryption=none")
}}

type borg struct {
	process
	saves int
}

func (p *borg) archive() string { return "::v" + strconv.Itoa(p.saves) }

func (p *borg) Save() error {
	p.saves++
	return p.run(nil, "borg", "create", "--compression=lz4", p.archive(), ".")
}

func (p *borg) Load(w io.Writer) error {
	return p.run(w, "borg", "extract", "--stdout", p.archive(), "state.json")
}

func (p *borg) Pack(bool) error { return p.run(nil, "borg", "compact") }
func (p *borg) Kept() string    { return p.dir + "/repository" }
