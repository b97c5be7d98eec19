package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
	"github.com/idxdb/idxdb/sqlitestore"
)

var ctx = context.Background()

// open opens the store at path, makes it if need be, and closes it at the end of
// the test.
func open(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", path, err)
		}
	})
	return s
}

func save(t testing.TB, s idxdb.Store, key, state string) idxdb.Saved {
	t.Helper()
	saved, err := s.Save(ctx, key, idxdb.Documents{State: strings.NewReader(state)}, idxdb.SaveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// newFile makes a closed store with one key and returns its path.
func newFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// execSQL changes a file behind the store's back.
func execSQL(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range statements {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want error
	}{
		{"NothingThere", func(t *testing.T, path string) {}, idxdb.ErrNotFound},
		{"Directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }, idxdb.ErrNotStore},
		{"EmptyFile", write(""), idxdb.ErrNotStore},
		{"ShortFile", write("SQLite format 3\x00"), idxdb.ErrNotStore},
		{"Text", write(strings.Repeat("not a database\n", 1000)), idxdb.ErrNotStore},
		{"OtherApplication", func(t *testing.T, path string) {
			execSQL(t, path, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
		}, idxdb.ErrNotStore},
		{"NetworkMode", change(fmt.Sprintf("PRAGMA application_id = %d", schema.ApplicationIDNetwork)), idxdb.ErrNewerFormat},
		{"NewerFormat", func(t *testing.T, path string) {
			must(t, os.Rename(newFile(t), path))
			setFormat(t, path, 99, 99, 2, 99)
		}, idxdb.ErrNewerFormat},
		{"FormatOfHeaderOnly", change("PRAGMA user_version = 99"), idxdb.ErrCorrupt},
		{"OlderThanAny", change("PRAGMA user_version = 0"), idxdb.ErrCorrupt},
		{"Trigger", change("CREATE TRIGGER x AFTER INSERT ON version BEGIN DELETE FROM version; END"), idxdb.ErrCorrupt},
		{"View", change("CREATE VIEW x AS SELECT 1"), idxdb.ErrCorrupt},
		{"MissingIndex", change("DROP INDEX key_by_hash"), idxdb.ErrCorrupt},
		{"TableReplaced", change("DROP TABLE garbage", "CREATE VIEW garbage AS SELECT 1 AS chunk_id, 2 AS epoch"), idxdb.ErrCorrupt},
		{"NoMetaRow", change("DELETE FROM meta"), idxdb.ErrCorrupt},
		{"MetaChanged", change("UPDATE meta SET epoch = epoch + 1"), idxdb.ErrCorrupt},
		{"HardLink", func(t *testing.T, path string) {
			must(t, os.Link(newFile(t), path))
		}, idxdb.ErrUnsupported},
		{"CutShort", func(t *testing.T, path string) {
			must(t, os.Rename(newFile(t), path))
			must(t, os.Truncate(path, 3*schema.PageSize))
		}, idxdb.ErrCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.idx")
			test.make(t, path)
			before := snapshot(t, path)
			for _, readOnly := range []bool{true, false} {
				s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{ReadOnly: readOnly})
				if err == nil {
					s.Close()
					t.Fatalf("readOnly=%v: it was opened", readOnly)
				}
				if !errors.Is(err, test.want) {
					t.Errorf("readOnly=%v: %v, want %v", readOnly, err, test.want)
				}
			}
			if snapshot(t, path) != before {
				t.Error("what is refused was changed")
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(content string) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(content), 0o644)) }
}

func change(statements ...string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		must(t, os.Rename(newFile(t), path))
		execSQL(t, path, statements...)
	}
}

// snapshot returns the content of a file, "" if there is none.
func snapshot(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(data)
}

func TestReadOnlyCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := sqlitestore.Open(ctx, filepath.Join(dir, "team.idx"), sqlitestore.Options{ReadOnly: true, Create: true})
	if !errors.Is(err, idxdb.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open for reading what does not exist: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("it left %v", entries)
	}
}

func TestLastCloseLeavesOnlyTheLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	a, b := open(t, path), open(t, path)
	save(t, a, "key", `{"a":1}`)
	save(t, b, "key", `{"a":2}`)
	load(t, a, "key", 0)
	must(t, a.Close())
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Errorf("the WAL went while the store was open: %v", err)
	}
	must(t, b.Close())
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "team.idx team.idx.lock" {
		t.Errorf("left behind: %s", got)
	}
	// What is left is the whole store.
	copied := filepath.Join(t.TempDir(), "copy.idx")
	must(t, os.WriteFile(copied, []byte(snapshot(t, path)), 0o644))
	if got := load(t, open(t, copied), "key", 0); got != `{"a":2}` {
		t.Errorf("the copy has %s", got)
	}
}

// TestReplacedFile does what administrators do: nothing may be acknowledged that
// is not in the file that the path names.
func TestReplacedFile(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path string){
		"Deleted": func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"Moved":   func(t *testing.T, path string) { must(t, os.Rename(path, path+".old")) },
		"Replaced": func(t *testing.T, path string) {
			must(t, os.Rename(newFile(t), path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.idx")
			s := open(t, path)
			save(t, s, "key", `{"a":1}`)
			replace(t, path)
			_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(`{"a":2}`)}, idxdb.SaveOptions{})
			if !errors.Is(err, idxdb.ErrReplaced) {
				t.Errorf("save: %v, want ErrReplaced", err)
			}
			if err := s.Delete(ctx, "key", idxdb.DeleteOptions{}); !errors.Is(err, idxdb.ErrReplaced) {
				t.Errorf("delete: %v, want ErrReplaced", err)
			}
			if _, err := s.Vacuum(ctx, nil); !errors.Is(err, idxdb.ErrReplaced) {
				t.Errorf("vacuum: %v, want ErrReplaced", err)
			}
		})
	}
}

func TestSymbolicLinkSharesTheLock(t *testing.T) {
	path := newFile(t)
	link := filepath.Join(t.TempDir(), "link.idx")
	must(t, os.Symlink(path, link))
	s := open(t, link)
	if s.Path() != path {
		t.Errorf("opened as %s, want %s", s.Path(), path)
	}
	if _, err := os.Stat(link + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second lock file: %v", err)
	}
}

func load(t testing.TB, s idxdb.Store, key string, version int64) string {
	t.Helper()
	doc, err := s.Load(ctx, key, idxdb.LoadOptions{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	defer doc.Body.Close()
	content, err := io.ReadAll(doc.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
