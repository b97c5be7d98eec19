//go:build linux

package sqlitestore_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// TestBackupPutInPlaceOfAnOpenStore: the log of the file that was there before
// must not be replayed into the backup, and what was saved is in the file that was
// moved away.
func TestBackupPutInPlaceOfAnOpenStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	must(t, s.Close())
	backup, moved := path+".backup", path+".moved"
	must(t, os.WriteFile(backup, []byte(snapshot(t, path)), 0o644))

	s, idle := open(t, path), open(t, path)
	for i := range 50 {
		save(t, s, "key", document(uint64(i), 100))
	}
	last := load(t, s, "key", 0)
	must(t, os.Rename(path, moved))
	must(t, os.Rename(backup, path))

	after := open(t, path) // before the old ones know
	if got := load(t, after, "key", 0); got != `{"a":1}` {
		t.Errorf("the backup has %.100s", got)
	}
	save(t, after, "key", `{"a":2}`)
	_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(`{"a":3}`)}, idxdb.SaveOptions{})
	if !errors.Is(err, idxdb.ErrReplaced) {
		t.Errorf("save to the old file: %v, want ErrReplaced", err)
	}
	if _, err := idle.Vacuum(ctx, nil); !errors.Is(err, idxdb.ErrReplaced) {
		t.Errorf("vacuum of the old file: %v, want ErrReplaced", err)
	}
	must(t, s.Close())
	must(t, idle.Close())
	clean(t, after)
	if got := load(t, after, "key", 0); got != `{"a":2}` {
		t.Errorf("the new file has %.100s", got)
	}
	old := open(t, moved)
	clean(t, old)
	if got := load(t, old, "key", 0); got != last {
		t.Errorf("the file that was moved away has %.100s", got)
	}
}

// TestCloseOfAMovedStore: SQLite itself does not bring the log into a file that
// was moved.
func TestCloseOfAMovedStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	must(t, os.Rename(path, path+".moved"))
	must(t, s.Close())
	if got := load(t, open(t, path+".moved"), "key", 0); got != `{"a":1}` {
		t.Errorf("the moved file has %s", got)
	}
	// And a new store in its place begins empty.
	n := 0
	for _, err := range open(t, path).List(ctx, idxdb.ListOptions{}) {
		must(t, err)
		n++
	}
	if n != 0 {
		t.Errorf("a new store has %d keys", n)
	}
}

func TestLogDeletedUnderAnOpenStore(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm"} {
		path := filepath.Join(t.TempDir(), "team.idx")
		s := open(t, path)
		save(t, s, "key", `{"a":1}`)
		must(t, os.Remove(path+suffix))
		_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(`{"a":2}`)}, idxdb.SaveOptions{})
		if !errors.Is(err, idxdb.ErrReplaced) {
			t.Errorf("%s deleted: %v, want ErrReplaced", suffix, err)
		}
	}
}

// TestCopyWithItsLog: a log that was copied together with its file, attributes
// and all, is that file's.
func TestCopyWithItsLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	copied := filepath.Join(t.TempDir(), "copy.idx")
	// Another process: closing the files would drop this one's locks.
	for _, suffix := range []string{"", "-wal"} {
		if out, err := exec.Command("cp", "-a", path+suffix, copied+suffix).CombinedOutput(); err != nil {
			t.Fatalf("cp -a: %v: %s", err, out)
		}
	}
	if got := load(t, open(t, copied), "key", 0); got != `{"a":1}` {
		t.Errorf("the copy has %s", got)
	}
}
