package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestPackBases saves until all that frames were based on is history, and deletes
// what it was the newest content of: nothing is lost, and in the end nothing is
// kept whole for a frame's sake that no newest version uses, but a few chunks.
func TestPackBases(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 200_000)
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	l := newLines(1, 1500)
	texts := []string{""}
	for range 12 {
		for range 5 {
			l.change(10)
			texts = append(texts, l.String())
			save(t, s, "key", l.String())
		}
		vacuum(t, s)
		wantHistory(t, s, "key", texts)
	}
	clean(t, s)
	in, err := s.Inspect(ctx)
	must(t, err)
	newest := in.Chunks - in.PackedChunks
	if newest > 150 { // 95 KB in chunks of 1 KiB
		t.Errorf("%d of %d chunks are not packed", newest, in.Chunks)
	}
	// Frames are based on what the key's newest version has. A key that shares
	// only the history loses it.
	_, err = s.Clone(ctx, "key", "clone", true)
	must(t, err)
	save(t, s, "clone", document(5, 100))
	must(t, s.Delete(ctx, "key", idxdb.DeleteOptions{}))
	vacuum(t, s)
	wantHistory(t, s, "clone", texts)
	clean(t, s)
	must(t, s.Delete(ctx, "clone", idxdb.DeleteOptions{}))
	vacuum(t, s)
	clean(t, s)
	must(t, s.Close())
	for _, table := range []string{"chunk", "frame", "packed", "garbage"} {
		if n := number(t, path, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

// TestBaseGoesWithTheNewest deletes a chunk that a frame is based on, behind the
// store's back: the frame's versions are damaged, and say so.
func TestBaseGoesWithTheNewest(t *testing.T) {
	path, texts := packedFile(t)
	last := number(t, path, "SELECT max(id) FROM chunk")
	s := open(t, path)
	l := newLines(3, 1500)
	texts = append(texts, l.String())
	save(t, s, "key", l.String()) // shares nothing with those before
	must(t, s.Close())
	execSQL(t, path, fmt.Sprintf("DELETE FROM chunk WHERE id <= %d", last))
	s = open(t, path)
	if got, err := loadText(s, "key", idxdb.LoadOptions{}); err != nil || got != texts[len(texts)-1] {
		t.Errorf("the newest version: %v", err)
	}
	if _, err := loadText(s, "key", idxdb.LoadOptions{Version: 1}); err == nil {
		t.Error("the oldest version loads")
	}
	report, err := s.Verify(ctx, nil)
	must(t, err)
	if len(report.Damage) == 0 {
		t.Error("verify finds nothing")
	}
}
