package fsstore

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Config{
		Open: func(t testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error) {
			return Open(context.Background(), dir, Options{ReadOnly: opts.ReadOnly, Create: opts.Create})
		},
		Skips: map[string]string{
			"history": "a directory keeps only the newest version",
		},
		Files: func(t testing.TB, dir string) []string {
			list, err := filepath.Glob(filepath.Join(dir, ownDir, "*", "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			return append(list, filepath.Join(dir, ownDir, formatFile))
		},
		Lock: func(t testing.TB, dir string) func() {
			l := filelock.New(filepath.Join(dir, ownDir, lockFile), filelock.Options{Create: true})
			release, err := l.Acquire(context.Background(), "test")
			if err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		},
	})
}
