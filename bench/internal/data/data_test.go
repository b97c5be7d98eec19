package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

type state struct {
	Context struct {
		Checkpoint string   `json:"checkpointId"`
		Added      []string `json:"addedBlobs"`
		Deleted    []string `json:"deletedBlobs"`
		Blobs      [][2]string
	} `json:"contextState"`
	Source struct{ ResolvedRef string }
}

func parse(t *testing.T, v Version) (s state) {
	t.Helper()
	if err := json.Unmarshal(v.State, &s); err != nil {
		t.Fatal(err)
	}
	if v.Search != nil && !json.Valid(v.Search) {
		t.Fatalf("the search document is not JSON: %s", v.Search)
	}
	return s
}

// changed counts the blobs of b that a does not have.
func changed(a, b state) (n int) {
	had := map[[2]string]bool{}
	for _, blob := range a.Context.Blobs {
		had[blob] = true
	}
	for _, blob := range b.Context.Blobs {
		if !had[blob] {
			n++
		}
	}
	return n
}

func TestIndex(t *testing.T) {
	x := NewIndex("test", 300_000, 40, 62, 7)
	var versions []state
	var texts [][]byte
	for i := range x.Len() {
		v, err := x.Version(i)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, bytes.Clone(v.State))
		versions = append(versions, parse(t, v))
		if i == 0 {
			if size := len(v.State); size < 270_000 || size > 330_000 {
				t.Errorf("the state has %d bytes, want about 300000", size)
			}
			continue
		}
		if n := changed(versions[i-1], versions[i]); n < 50 || n > 62 {
			t.Errorf("version %d: %d files changed, want about 62", i, n)
		}
	}
	if versions[39].Context.Checkpoint == versions[0].Context.Checkpoint {
		t.Error("no checkpoint was made")
	}
	seen := map[string]bool{}
	for _, blob := range versions[39].Context.Blobs {
		if seen[blob[1]] {
			t.Fatalf("path %s is there twice", blob[1])
		}
		seen[blob[1]] = true
	}
	for _, i := range []int{20, 3, 39} { // out of order, by another generator
		again := NewIndex("test", 300_000, 40, 62, 7)
		if _, err := again.Version(30); err != nil {
			t.Fatal(err)
		}
		v, err := again.Version(i)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(v.State, texts[i]) {
			t.Errorf("version %d is another one the second time", i)
		}
	}
}

func TestEmbeddings(t *testing.T) {
	e := NewEmbeddings("test", 500_000, 3, 1, 7)
	a, err := e.Version(0)
	if err != nil {
		t.Fatal(err)
	}
	if size := len(a.State); size < 450_000 || size > 550_000 || !json.Valid(a.State) {
		t.Errorf("%d bytes, valid JSON: %v", size, json.Valid(a.State))
	}
	first := bytes.Clone(a.State)
	b, err := e.Version(1)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, b.State) || !json.Valid(b.State) {
		t.Error("version 1 is version 0, or not JSON")
	}
	if again, err := e.Version(0); err != nil || !bytes.Equal(again.State, first) {
		t.Error("version 0 is another one the second time", err)
	}
}

func TestFromGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: ", err)
	}
	repo := filepath.Join(t.TempDir(), "project")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", repo, "-c", "user.name=bench", "-c", "user.email=bench@localhost"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(repo, 0o777); err != nil {
		t.Fatal(err)
	}
	git("init", "-q")
	write("b.txt", "one")
	write("c<&>.txt", "")
	git("add", "-A")
	git("commit", "-qm", "first")
	write("b.txt", "two")
	write("a \"quoted\" é.txt", "new")
	git("rm", "-q", "--cached", "c<&>.txt")
	git("add", "b.txt", "a \"quoted\" é.txt")
	git("commit", "-qm", "second")

	series, err := FromGit(context.Background(), repo, t.TempDir(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if series.Name() != "project" || series.Len() != 2 {
		t.Fatalf("series %q of %d versions", series.Name(), series.Len())
	}
	v, err := series.Version(1)
	if err != nil {
		t.Fatal(err)
	}
	id := func(path, text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(path+text))) }
	got := parse(t, v)
	want := [][2]string{{id("b.txt", "two"), "b.txt"}, {id("a \"quoted\" é.txt", "new"), "a \"quoted\" é.txt"}}
	if fmt.Sprint(got.Context.Blobs) != fmt.Sprint(want) {
		t.Errorf("blobs\n%v, want\n%v", got.Context.Blobs, want)
	}
	if len(got.Context.Added) != 2 || len(got.Context.Deleted) != 2 || len(got.Source.ResolvedRef) != 40 {
		t.Errorf("added %v, deleted %v, ref %q", got.Context.Added, got.Context.Deleted, got.Source.ResolvedRef)
	}
	if first, err := series.Version(0); err != nil || !bytes.Contains(first.State, []byte(`"c<&>.txt"`)) ||
		!bytes.Contains(first.State, []byte("\"addedBlobs\": [],\n")) || bytes.HasSuffix(first.State, []byte("\n")) {
		t.Errorf("version 0 is not formatted as JSON.stringify does (%v):\n%s", err, first.State)
	}
}

func TestFolders(t *testing.T) {
	if _, err := Folders(t.TempDir()); err == nil {
		t.Error("an empty folder has no error")
	}
	if _, err := Folders(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing folder has no error")
	}
}
