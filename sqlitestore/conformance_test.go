package sqlitestore_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/sqlitestore"
	"github.com/idxdb/idxdb/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Config{
		Open: func(t testing.TB, dir string, o idxdb.OpenOptions) (idxdb.Store, error) {
			s, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "team.idx"),
				sqlitestore.Options{ReadOnly: o.ReadOnly, Create: o.Create})
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		Files: func(t testing.TB, dir string) []string { return []string{filepath.Join(dir, "team.idx")} },
		Lock: func(t testing.TB, dir string) func() {
			lock := filelock.New(filepath.Join(dir, "team.idx.lock"), filelock.Options{})
			release, err := lock.Acquire(context.Background(), "test")
			if err != nil {
				t.Fatal(err)
			}
			return func() { release() }
		},
	})
}
