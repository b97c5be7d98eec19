package peer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/idxdb/idxdb/bench/internal/data"
)

// process is what the peers have in common that are programs: the documents lie
// in files, and every operation is a process that is started and ends.
type process struct {
	dir string
	env []string
}

func newProcess(dir string, env ...string) process {
	// No settings of the user's, and none of the system's.
	env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+dir, "LC_ALL=C", "TMPDIR="+os.TempDir())
	return process{dir: dir, env: env}
}

// documents is where the files to be saved lie.
func (p *process) documents() string { return filepath.Join(p.dir, "documents") }

func (p *process) state() string { return filepath.Join(p.documents(), "state.json") }

// Prepare implements Peer.
func (p *process) Prepare(v data.Version) error {
	if err := os.MkdirAll(p.documents(), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(p.state(), v.State, 0o666); err != nil || v.Search == nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.documents(), "search.json"), v.Search, 0o666)
}

// Close implements Peer.
func (p *process) Close() error { return nil }

// run runs a program in the directory of the documents.
func (p *process) run(stdout io.Writer, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout = p.dir, p.env, stdout
	if _, err := os.Stat(p.documents()); err == nil {
		cmd.Dir = p.documents()
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(name), args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}

// DD is a plain file written by a process: dd with conv=fsync into a temporary,
// then rename and fsync of the directory.
var DD = Kind{Name: "plain file by dd (process)", Open: func(dir string) (Peer, error) {
	return &dd{process: newProcess(dir)}, installed("dd")
}}

type dd struct {
	process
	saves int
}

func (p *dd) target() string { return filepath.Join(p.dir, "state") }

func (p *dd) Prepare(v data.Version) error {
	if p.saves > 0 { // keep the blocks of the version before, so that the next ones are new
		if err := os.Link(p.target(), fmt.Sprintf("%s.%d", p.target(), p.saves)); err != nil {
			return err
		}
	}
	p.saves++
	return p.process.Prepare(v)
}

func (p *dd) Save() error {
	temp := p.target() + ".temp"
	if err := p.run(nil, "dd", "if="+p.state(), "of="+temp, "bs=1M", "conv=fsync", "status=none"); err != nil {
		return err
	}
	if err := os.Rename(temp, p.target()); err != nil {
		return err
	}
	return syncDir(p.dir)
}

func (p *dd) Load(w io.Writer) error { return p.run(w, "dd", "if="+p.target(), "bs=1M", "status=none") }

// IdxdbProcess is the product's command line, program and all: one process a
// save, which opens the file and closes it.
func IdxdbProcess(program string) Kind {
	return Kind{Name: "idxdb (process)", Open: func(dir string) (Peer, error) {
		return &idxdbProcess{newProcess(dir), program}, nil
	}}
}

type idxdbProcess struct {
	process
	program string
}

func (p *idxdbProcess) store() string { return filepath.Join(p.dir, "bench.idx") }

func (p *idxdbProcess) Save() error {
	return p.run(nil, p.program, "-s", p.store(), "save", Key, p.state())
}

func (p *idxdbProcess) Load(w io.Writer) error {
	return p.run(w, p.program, "-s", p.store(), "load", Key)
}
