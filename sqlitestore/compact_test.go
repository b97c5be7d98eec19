package sqlitestore_test

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"testing"

	"github.com/idxdb/idxdb"
)

// TestVacuumCompacts deletes every chunk but some that lie scattered: those keep
// their ids and contents and move together, beside a load that goes on.
func TestVacuumCompacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	want := map[string]string{}
	for i := range 600 {
		key := fmt.Sprint("key/", i)
		text := document(uint64(i), 30)
		save(t, s, key, text)
		if i%2 == 0 {
			want[key] = text
		}
	}
	large := document(1000, 200_000)
	save(t, s, "large", large)
	for i := range 600 {
		if key := fmt.Sprint("key/", i); want[key] == "" {
			must(t, s.Delete(ctx, key, idxdb.DeleteOptions{}))
		}
	}
	must(t, s.Delete(ctx, "large", idxdb.DeleteOptions{}))
	must(t, s.Close())
	before := chunkRows(t, path)
	s = open(t, path)
	vacuum(t, s)
	must(t, s.Close())
	after := chunkRows(t, path)
	for id, hash := range before {
		if after[id] != "" && after[id] != hash {
			t.Errorf("chunk %d has other content", id)
		}
	}
	if len(after) < 300 || len(after) > 340 {
		t.Errorf("%d chunks are left", len(after))
	}
	const slack = "SELECT sum(unused) * 100 / sum(pgsize) FROM dbstat WHERE name = 'chunk'"
	if n := number(t, path, slack); n > 20 {
		t.Errorf("%d %% of the pages are empty", n)
	}

	// Beside a load, which keeps what it reads from being removed, but not from
	// being moved.
	s = open(t, path)
	save(t, s, "large", large)
	other := open(t, path)
	doc, err := other.Load(ctx, "large", idxdb.LoadOptions{})
	must(t, err)
	defer doc.Body.Close()
	got := make([]byte, len(large)/3)
	_, err = io.ReadFull(doc.Body, got)
	must(t, err)
	for key := range maps.Clone(want) {
		if len(want) > 10 {
			must(t, s.Delete(ctx, key, idxdb.DeleteOptions{}))
			delete(want, key)
		}
	}
	must(t, s.Compact(ctx))
	vacuum(t, s)
	rest, err := io.ReadAll(doc.Body)
	must(t, err)
	if string(got)+string(rest) != large {
		t.Error("a load beside it has other content")
	}
	for key, text := range want {
		if load(t, s, key, 0) != text {
			t.Errorf("%s has other content", key)
		}
	}
	clean(t, s)
}
