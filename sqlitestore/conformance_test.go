package sqlitestore_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/sqlitestore"
	"github.com/idxdb/idxdb/storetest"
)

// packing is a store that vacuums after every third save, so that all that the
// suite loads from history was packed.
type packing struct {
	*sqlitestore.Store
	saves *atomic.Int64
}

func (p packing) Save(ctx context.Context, key string, docs idxdb.Documents, opts idxdb.SaveOptions) (idxdb.Saved, error) {
	saved, err := p.Store.Save(ctx, key, docs, opts)
	if err == nil && p.saves.Add(1)%3 == 0 {
		_, err = p.Vacuum(ctx, nil)
	}
	return saved, err
}

func TestConformancePacked(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 1<<20)
	var saves atomic.Int64
	storetest.Run(t, storetest.Config{
		Open: func(t testing.TB, dir string, o idxdb.OpenOptions) (idxdb.Store, error) {
			s, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "team.idx"),
				sqlitestore.Options{ReadOnly: o.ReadOnly, Create: o.Create})
			if err != nil {
				return nil, err
			}
			return packing{s, &saves}, nil
		},
		Steps: 120,
	})
}

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
