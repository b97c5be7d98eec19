package fsstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// ctxc runs a script that follows the rules of ctxc's own store.
func ctxc(t *testing.T, dir string, args ...string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: nothing stands in for ctxc")
	}
	cmd := exec.Command(node, append([]string{filepath.Join("testdata", "ctxc.mjs"), dir}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ctxc %q: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

const stateA = `{"version":1,"contextState":{"blobs":[],"name":"a"},"source":{"type":"github","config":{"owner":"o","repo":"r"},"resolvedRef":"abc","syncedAt":"2026-01-02T03:04:05Z"}}`
const stateB = `{"contextState":{"blobs":["b"]}}`

func TestCtxcReadsWhatWeWrite(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for key, state := range map[string]string{"owner/repo@main": stateA, "owner_repo_main": stateB, ".": stateB, "ключ/ветка": stateA, "plain": stateA} {
		save(t, s, key, state, `{"contextState":{"blobs":[]}}`)
	}
	var names []string
	if err := json.Unmarshal([]byte(ctxc(t, dir, "list")), &names); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	// Keys of other characters only have no name but one with a hash.
	want := []string{"-" + keyHash("ключ/ветка")[:8], "owner_repo_main", "plain"}
	if s := plainName("ключ/ветка"); s != "" {
		t.Fatalf("the key has the plain name %q", s)
	}
	// Of the two that have one name for ctxc, the second has one with a hash.
	for _, key := range []string{"owner/repo@main", "owner_repo_main"} {
		if name := "owner_repo_main-" + keyHash(key)[:8]; slices.Contains(names, name) {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(names, want) || len(names) != 4 {
		t.Errorf("ctxc lists %q, want %q", names, want)
	}
	if got := ctxc(t, dir, "load", "plain"); got != stateA {
		t.Errorf("ctxc loads %s", got)
	}
	if got := ctxc(t, dir, "load", ""); got != stateB {
		t.Errorf("ctxc loads from the root %s", got)
	}
	ctxc(t, dir, "delete", "plain")
	if _, _, err := load(s, "plain", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrNotFound) {
		t.Errorf("what ctxc deleted: %v", err)
	}
	if saved := save(t, s, "plain", stateB, ""); saved.Version.Number != 2 {
		t.Errorf("saved again as version %d", saved.Version.Number)
	}
}

func TestWeReadWhatCtxcWrites(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	ctxc(t, dir, "save", "owner/repo@main", stateA, `{"s":1}`)
	ctxc(t, dir, "save", "@@", stateB, `{"s":2}`)

	// A reader writes nothing.
	readOnly := open(t, dir, Options{ReadOnly: true})
	got := content(t, readOnly)
	want := ". v1 " + stateB + ` {"s":2}` + "\nowner_repo_main v1 " + stateA + ` {"s":1}` + "\n"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, ownDir)); !os.IsNotExist(err) {
		t.Errorf("reading made %s (%v)", ownDir, err)
	}
	_, v, err := load(readOnly, "owner_repo_main", idxdb.LoadOptions{})
	if err != nil || v.Source.Identifier != "o/r" || v.Source.Ref != "abc" || v.SavedAt.IsZero() || v.ID.IsZero() {
		t.Errorf("version %+v, %v", v, err)
	}
	// All agree on the id; the number is the next one.
	s := open(t, dir, Options{})
	if _, again, err := load(s, "owner_repo_main", idxdb.LoadOptions{}); err != nil || again.ID != v.ID || again.Number != 1 {
		t.Errorf("another reader: %+v, %v", again, err)
	}
	if _, err := s.Vacuum(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := content(t, open(t, dir, Options{})); got != want {
		t.Errorf("after vacuum: got %s", got)
	}

	// What ctxc saves is a conflict for those who did not see it.
	saved, err := s.Save(ctx, "owner_repo_main", docs(`"ours"`, ""), idxdb.SaveOptions{If: idxdb.IfMatch(v.ID).And(idxdb.IfVersion(1))})
	if err != nil || saved.Version.Number != 2 {
		t.Fatalf("save over what was seen: %+v, %v", saved, err)
	}
	ctxc(t, dir, "save", "owner/repo@main", stateB, `{"s":3}`)
	for _, cond := range []idxdb.Condition{idxdb.IfVersion(2), idxdb.IfMatch(saved.Version.ID), idxdb.IfVersion(0)} {
		_, err = s.Save(ctx, "owner_repo_main", docs(`"lost?"`, ""), idxdb.SaveOptions{If: cond})
		if e, ok := errors.AsType[*idxdb.ConflictError](err); !ok || e.Current == nil || e.Current.Number != 3 {
			t.Errorf("%v: %v", cond, err)
		}
		if err := s.Delete(ctx, "owner_repo_main", idxdb.DeleteOptions{If: cond}); !errors.Is(err, idxdb.ErrConflict) {
			t.Errorf("delete %v: %v", cond, err)
		}
	}
	// In one process, other bytes never have a number that was said of some.
	ctxc(t, dir, "save", "owner/repo@main", stateA, `{"s":4}`)
	if _, v, err := load(s, "owner_repo_main", idxdb.LoadOptions{}); err != nil || v.Number != 4 {
		t.Errorf("a second save of ctxc: version %d, %v", v.Number, err)
	}
	if saved := save(t, s, "owner_repo_main", `"ours again"`, ""); saved.Version.Number != 5 {
		t.Errorf("our next save is version %d", saved.Version.Number)
	}
	if got := ctxc(t, dir, "load", "owner_repo_main"); !strings.Contains(got, "ours again") {
		t.Errorf("ctxc loads %s", got)
	}
}

// Only the bytes make a version: a copy of the directory is the same store.
func TestCopiedDirectoryIsTheSame(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	first := save(t, s, "a/b", stateA, stateB).Version
	save(t, s, "c", stateB, "")
	want := content(t, s)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	again := open(t, copied, Options{})
	if got := content(t, again); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, v, err := load(again, "a/b", idxdb.LoadOptions{})
	if err != nil || v.ID != first.ID || !v.SavedAt.Equal(first.SavedAt) || v.SavedBy != first.SavedBy {
		t.Errorf("version %+v, %v", v, err)
	}
	saved, err := again.Save(context.Background(), "a/b", docs(stateA, stateB), idxdb.SaveOptions{If: idxdb.IfMatch(first.ID)})
	if err != nil || !saved.Unchanged {
		t.Errorf("saved as %+v, %v", saved, err)
	}
}
