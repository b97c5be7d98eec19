package data

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// FromGit writes a state in the ctxc layout for each of the last n commits of
// the repository's current branch (first parents only) into dir/NAME/NNN, where
// NAME is the repository's, and returns the series. Blob ids are the sha256 of
// path and content, as ctxc computes them.
func FromGit(ctx context.Context, repo, dir string, n int) (Series, error) {
	abs, err := filepath.Abs(repo)
	if err != nil {
		return nil, err
	}
	g := &history{repo: abs, name: strings.TrimSuffix(filepath.Base(abs), ".git"), known: map[string]string{}, ids: map[string]string{}}
	list, err := g.git(ctx, "log", "--first-parent", "--format=%H %cI", fmt.Sprintf("--max-count=%d", n), "HEAD")
	if err != nil {
		return nil, err
	}
	commits := strings.Split(strings.TrimSpace(string(list)), "\n")
	if len(commits) < 2 {
		return nil, fmt.Errorf("%s has fewer than two commits", repo)
	}
	objects, err := g.openObjects(ctx)
	if err != nil {
		return nil, err
	}
	for i := range commits {
		line := commits[len(commits)-1-i] // oldest first
		commit, date, _ := strings.Cut(line, " ")
		if err := g.goTo(ctx, objects, commit); err != nil {
			return nil, errors.Join(err, objects.close())
		}
		if err := g.write(filepath.Join(dir, g.name, fmt.Sprintf("%03d", i)), commit, date); err != nil {
			return nil, errors.Join(err, objects.close())
		}
	}
	if err := objects.close(); err != nil {
		return nil, err
	}
	all, err := Folders(dir)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// A history is a repository at one commit, seen as an indexer sees it.
type history struct {
	repo  string
	name  string
	known map[string]string // blob id by git object and path

	order      []string          // paths: changed files keep their place, new ones go to the end
	ids        map[string]string // blob id by path
	checkpoint string
	added      []string // since the checkpoint
	deleted    []string
}

// checkpointAfter is how many notes of added and deleted blobs make the indexer
// begin anew.
const checkpointAfter = 1000

func (g *history) goTo(ctx context.Context, objects *objects, commit string) error {
	tree, err := g.git(ctx, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return err
	}
	here := map[string]bool{}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(tree), "\x00"), "\x00") {
		about, path, ok := strings.Cut(entry, "\t")
		fields := strings.Fields(about)
		if !ok || len(fields) != 3 || fields[1] != "blob" || fields[0] == "120000" {
			continue // a submodule or a symbolic link
		}
		id, ok := g.known[fields[2]+path]
		if !ok {
			if id, err = objects.blobID(fields[2], path); err != nil {
				return err
			}
			g.known[fields[2]+path] = id
		}
		here[path] = true
		before, had := g.ids[path]
		if before == id {
			continue
		}
		if had {
			g.deleted = append(g.deleted, before)
		} else {
			g.order = append(g.order, path)
		}
		g.ids[path] = id
		g.added = append(g.added, id)
	}
	kept := g.order[:0]
	for _, path := range g.order {
		if here[path] {
			kept = append(kept, path)
			continue
		}
		g.deleted = append(g.deleted, g.ids[path])
		delete(g.ids, path)
	}
	g.order = kept
	if g.checkpoint == "" || len(g.added)+len(g.deleted) > checkpointAfter {
		sum := sha256.New()
		for _, path := range g.order {
			io.WriteString(sum, g.ids[path])
		}
		g.checkpoint = fmt.Sprintf("%x", sum.Sum(nil))
		g.added, g.deleted = nil, nil
	}
	return nil
}

// The documents, in the order of ctxc's members.
type (
	document struct {
		Version int          `json:"version"`
		Context contextState `json:"contextState"`
		Source  source       `json:"source"`
	}
	contextState struct {
		Mode       string      `json:"mode"`
		Checkpoint string      `json:"checkpointId"`
		Added      []string    `json:"addedBlobs"`
		Deleted    []string    `json:"deletedBlobs"`
		Blobs      [][2]string `json:"blobs,omitempty"`
	}
	source struct {
		Type     string       `json:"type"`
		Config   sourceConfig `json:"config"`
		Resolved string       `json:"resolvedRef"`
		SyncedAt string       `json:"syncedAt"`
	}
	sourceConfig struct {
		Owner string `json:"owner"`
		Repo  string `json:"repo"`
		Ref   string `json:"ref"`
	}
)

func (g *history) write(dir, commit, date string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	doc := document{
		Version: 1,
		Context: contextState{
			Mode:       "search-only",
			Checkpoint: g.checkpoint,
			Added:      append([]string{}, g.added...), // [] and not null
			Deleted:    append([]string{}, g.deleted...),
		},
		Source: source{Type: "github", Config: sourceConfig{Owner: g.name, Repo: g.name, Ref: "HEAD"}, Resolved: commit, SyncedAt: date},
	}
	if err := writeJSON(filepath.Join(dir, "search.json"), doc); err != nil {
		return err
	}
	doc.Context.Mode = "full"
	for _, path := range g.order {
		doc.Context.Blobs = append(doc.Context.Blobs, [2]string{g.ids[path], path})
	}
	return writeJSON(filepath.Join(dir, "state.json"), doc)
}

// writeJSON formats as JSON.stringify(v, null, 2) does.
func writeJSON(path string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return os.WriteFile(path, bytes.TrimSuffix(b.Bytes(), []byte("\n")), 0o666)
}

func (g *history) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", g.repo}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s in %s: %w: %s", args[0], g.repo, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// objects is a running git cat-file --batch.
type objects struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (g *history) openObjects(ctx context.Context) (*objects, error) {
	cmd := exec.CommandContext(ctx, "git", "-C", g.repo, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &objects{cmd, in, bufio.NewReaderSize(out, 1<<20)}, cmd.Start()
}

func (o *objects) blobID(object, path string) (string, error) {
	if _, err := fmt.Fprintln(o.in, object); err != nil {
		return "", err
	}
	header, err := o.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("git cat-file: %w", err)
	}
	var name, kind string
	var size int64
	if _, err := fmt.Sscan(header, &name, &kind, &size); err != nil {
		return "", fmt.Errorf("git cat-file said %q", strings.TrimSpace(header))
	}
	sum := sha256.New()
	io.WriteString(sum, path)
	if _, err := io.CopyN(sum, o.out, size); err != nil {
		return "", err
	}
	_, err = o.out.Discard(1) // the line feed behind each object
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}

func (o *objects) close() error {
	o.in.Close()
	return o.cmd.Wait()
}
