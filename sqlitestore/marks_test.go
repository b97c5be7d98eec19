package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// TestMarkOfWhatIsNeeded has marks that a flipped bit made: they are found, and
// cost nothing.
func TestMarkOfWhatIsNeeded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	for i := range 5 {
		save(t, s, "key", document(1, 3000)+fmt.Sprint(" ", strings.Repeat(" ", i)))
		save(t, s, "other", document(uint64(10+i), 3000))
	}
	_, err := s.Vacuum(ctx, nil) // packs, so that some chunks are bases of frames
	must(t, err)
	must(t, s.Close())
	execSQL(t, path, "INSERT OR IGNORE INTO garbage SELECT id, 1 FROM chunk")

	s = open(t, path)
	report, err := s.Verify(ctx, nil)
	must(t, err)
	if len(report.Damage) != 1 || !strings.Contains(report.Damage[0].Detail, "marked as garbage") {
		t.Errorf("verify: %v", report.Damage)
	}
	vacuumed, err := s.Vacuum(ctx, nil)
	must(t, err)
	if vacuumed.ChunksRemoved != 0 || vacuumed.ChunksPending != 0 {
		t.Errorf("vacuum removed %d chunks, and left %d marked", vacuumed.ChunksRemoved, vacuumed.ChunksPending)
	}
	clean(t, s)
	if load(t, s, "key", 1) != document(1, 3000)+" " || load(t, s, "other", 5) != document(14, 3000) {
		t.Error("a version has other content")
	}
}

// TestMarkOfAFarEpoch has a mark whose epoch is not possible: vacuum must say so,
// and not try all epochs up to it.
func TestMarkOfAFarEpoch(t *testing.T) {
	path := newFile(t)
	execSQL(t, path, "INSERT INTO garbage VALUES (77, 1 << 40), (78, 1)")
	s := open(t, path)
	doc, err := s.Load(ctx, "key", idxdb.LoadOptions{}) // holds an epoch
	must(t, err)
	defer doc.Body.Close()
	deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := s.Vacuum(deadline, nil); !errors.Is(err, idxdb.ErrCorrupt) {
		t.Errorf("vacuum: %v, want ErrCorrupt", err)
	}
}

// TestRetryOfWhatIsDeletedMeanwhile repeats a save whose first success is an
// older version by now, and lets the key be deleted in the middle. The chunks of
// the older version are history, so they may have been marked before the save
// began, and may go at any time.
func TestRetryOfWhatIsDeletedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s, other := open(t, path), open(t, path)
	first := document(1, 20_000)
	opts := idxdb.SaveOptions{ID: idxdb.NewID()}
	_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(first)}, opts)
	must(t, err)
	save(t, s, "key", document(2, 20_000))
	packed, err := s.Pack(ctx) // marks the rows of what it packed
	must(t, err)
	if packed == 0 {
		t.Fatal("nothing was packed")
	}
	step := 0
	meanwhile := func() {
		if step++; step != 3 {
			return
		}
		check(t, other.Delete(ctx, "key", idxdb.DeleteOptions{}))
		_, err := other.Sweep(ctx)
		check(t, err)
		check(t, other.Purge(ctx))
		check(t, other.Mark(ctx))
	}
	docs := idxdb.Documents{State: &steppedReader{strings.NewReader(first), meanwhile}}
	saved, err := s.Save(ctx, "key", docs, opts)
	must(t, err)
	if step < 3 || saved.Unchanged || saved.Version.Number != 3 {
		t.Errorf("after %d steps it is version %d, unchanged %v", step, saved.Version.Number, saved.Unchanged)
	}
	if load(t, s, "key", 0) != first {
		t.Error("the save has other content")
	}
	_, err = other.Vacuum(ctx, nil)
	must(t, err)
	clean(t, s)
}
