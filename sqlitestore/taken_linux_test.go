package sqlitestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestReplacedAfterTheCommit takes the file or its log away between the commit
// and the last look: nobody may be told that nothing was saved.
func TestReplacedAfterTheCommit(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, path string){
		"File": func(t *testing.T, path string) { check(t, os.Rename(path, path+".away")) },
		"Log":  func(t *testing.T, path string) { check(t, os.Remove(path+"-wal")) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.idx")
			s := open(t, path)
			save(t, s, "key", "[1]")
			restore := sqlitestore.AfterCommit(func() { take(t, path) })
			_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader("[2]")}, idxdb.SaveOptions{})
			restore()
			if !errors.Is(err, idxdb.ErrOutcomeUnknown) || !errors.Is(err, idxdb.ErrReplaced) || strings.Contains(err.Error(), "nothing was saved") {
				t.Errorf("save: %v, want an unknown outcome, since the file was replaced", err)
			}
		})
	}
}

// TestIndexWithoutItsLog moves the file and its log away from under an open store,
// and forgets the index (-shm), which the store goes on using. Nobody may begin a
// new log under that, and the store may not copy its own into anything.
func TestIndexWithoutItsLog(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, path string){
		"Moved": func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".away"))
			must(t, os.Rename(path+"-wal", path+".away-wal"))
		},
		"FileAndLogDeleted": func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Remove(path+"-wal"))
		},
		"LogDeleted": func(t *testing.T, path string) { must(t, os.Remove(path+"-wal")) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.idx")
			s := open(t, path)
			for i := range 8 {
				save(t, s, "key", document(uint64(i), 100))
			}
			take(t, path)
			for _, o := range []sqlitestore.Options{{Create: true}, {ReadOnly: true}} {
				other, err := sqlitestore.Open(ctx, path, o)
				if err == nil {
					other.Close()
					t.Fatal("a second log was begun under the index of the first")
				}
				if o.Create && (!errors.Is(err, idxdb.ErrReplaced) || !strings.Contains(err.Error(), "rm -f team.idx-shm")) {
					t.Errorf("open: %v, want ErrReplaced with advice", err)
				}
			}
			if _, err := s.Vacuum(ctx, nil); !errors.Is(err, idxdb.ErrReplaced) {
				t.Errorf("vacuum: %v, want ErrReplaced", err)
			}
			if _, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader("[2]")}, idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrReplaced) {
				t.Errorf("save: %v, want ErrReplaced", err)
			}
			must(t, s.Close())

			must(t, removeIfThere(path+"-shm")) // as the message says
			again := open(t, path)
			clean(t, again)
			save(t, again, "new", "[1]")
			if name == "Moved" {
				must(t, removeIfThere(path+".away-shm"))
				moved := open(t, path+".away")
				clean(t, moved)
				if load(t, moved, "key", 8) != document(7, 100) {
					t.Error("the moved store has other content")
				}
			}
		})
	}
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
