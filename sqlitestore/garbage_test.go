package sqlitestore_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// document returns a JSON array of n random numbers: of one seed always the
// same, of two seeds nothing in common.
func document(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	b.WriteString("[0")
	for range n {
		fmt.Fprintf(&b, ",\n%d", r.Uint64())
	}
	b.WriteString("]")
	return b.String()
}

// A steppedReader calls step before each Read, with how many there were.
type steppedReader struct {
	r    io.Reader
	step func()
}

func (s *steppedReader) Read(p []byte) (int, error) {
	s.step()
	return s.r.Read(p[:min(len(p), 40_000)])
}

// TestSaveBesideCollection lets the collector, in a handle of its own, take each
// of its steps at each moment at which the save can be stopped. The save is of
// content that the collector wants: chunks of a deleted key.
func TestSaveBesideCollection(t *testing.T) {
	sqlitestore.SetStageLimit(t, 64<<10) // several turns a save
	old := document(1, 20_000)
	// The new document begins and ends as the old one, so that it has chunks the
	// store had from the beginning, new ones, and ones that it stored itself.
	mixed := old[:len(old)/3] + ",\n" + document(2, 5_000)[1:30_000] + "0" + old[2*len(old)/3:]
	mixed = fixNumbers(mixed)

	steps := []struct {
		name string
		run  func(t *testing.T, s *sqlitestore.Store)
	}{
		{"delete", func(t *testing.T, s *sqlitestore.Store) {
			if err := s.Delete(ctx, "old", idxdb.DeleteOptions{}); err != nil && !errors.Is(err, idxdb.ErrNotFound) {
				t.Error(err)
			}
		}},
		{"purge", func(t *testing.T, s *sqlitestore.Store) { check(t, s.Purge(ctx)) }},
		{"mark", func(t *testing.T, s *sqlitestore.Store) { check(t, s.Mark(ctx)) }},
		{"sweep", func(t *testing.T, s *sqlitestore.Store) { _, err := s.Sweep(ctx); check(t, err) }},
	}
	total := countReads(t, mixed)
	if total < 8 {
		t.Fatalf("the save can be stopped only %d times", total)
	}
	// The steps come in order, each at one of a few moments (0: before the save).
	moments := []int{0, 1, total / 2, total - 1, total}
	tested := 0
	for _, a := range moments {
		for _, b := range moments {
			for _, c := range moments {
				for _, d := range moments {
					if a > b || b > c || c > d {
						continue
					}
					tested++
					at := []int{a, b, c, d}
					t.Run(fmt.Sprint(at), func(t *testing.T) {
						path := filepath.Join(t.TempDir(), "team.idx")
						s, collector := open(t, path), open(t, path)
						save(t, s, "old", old)
						moment := 0
						step := func() {
							for i := range steps {
								if at[i] == moment {
									steps[i].run(t, collector)
								}
							}
							moment++
						}
						step()
						docs := idxdb.Documents{
							State:  &steppedReader{strings.NewReader(mixed), step},
							Search: &steppedReader{strings.NewReader(`{"q":1}`), step},
						}
						if _, err := s.Save(ctx, "new", docs, idxdb.SaveOptions{}); err != nil {
							t.Fatalf("save: %v", err)
						}
						if got := load(t, s, "new", 0); got != mixed {
							t.Error("the save has other content")
						}
						if _, err := collector.Vacuum(ctx, nil); err != nil {
							t.Error(err)
						}
						if got := load(t, s, "new", 0); got != mixed {
							t.Error("after a vacuum the save has other content")
						}
						clean(t, s)
					})
				}
			}
		}
	}
	if tested < 50 {
		t.Errorf("only %d interleavings", tested)
	}
}

// fixNumbers mends numbers that splicing gave a leading zero.
func fixNumbers(s string) string { return strings.ReplaceAll(s, "\n0", "\n1") }

func countReads(t *testing.T, state string) int {
	s := open(t, filepath.Join(t.TempDir(), "count.idx"))
	n := 0
	step := func() { n++ }
	docs := idxdb.Documents{
		State:  &steppedReader{strings.NewReader(state), step},
		Search: &steppedReader{strings.NewReader(`{"q":1}`), step},
	}
	if _, err := s.Save(ctx, "new", docs, idxdb.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	return n
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func clean(t testing.TB, s *sqlitestore.Store) {
	t.Helper()
	report, err := s.Verify(ctx, nil)
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("verify: %v, %v", report.Damage, err)
	}
}

func TestLoadBesideCollection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s, collector := open(t, path), open(t, path)
	want := document(1, 300_000)
	save(t, s, "key", want)
	doc, err := s.Load(ctx, "key", idxdb.LoadOptions{})
	must(t, err)
	begin := make([]byte, 1000)
	_, err = io.ReadFull(doc.Body, begin)
	must(t, err)

	must(t, collector.Delete(ctx, "key", idxdb.DeleteOptions{}))
	report, err := collector.Vacuum(ctx, nil)
	must(t, err)
	if report.ChunksRemoved != 0 || report.ChunksPending == 0 {
		t.Errorf("a vacuum beside a load removed %d chunks and left %d", report.ChunksRemoved, report.ChunksPending)
	}
	rest, err := io.ReadAll(doc.Body)
	must(t, err)
	if string(begin)+string(rest) != want {
		t.Error("the load has other content")
	}
	must(t, doc.Body.Close())

	report, err = collector.Vacuum(ctx, nil)
	must(t, err)
	if report.ChunksRemoved == 0 || report.ChunksPending != 0 || report.SizeAfter >= report.SizeBefore {
		t.Errorf("a vacuum after the load: %+v", report)
	}
	clean(t, s)
}

// TestChunkIDsAreNotUsedAgain pins what loads rely on: a row id names one content
// for ever.
func TestChunkIDsAreNotUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	seen := map[int64]string{}
	for i := range 5 {
		save(t, s, "key", document(uint64(i), 3000))
		must(t, s.Close())
		for id, hash := range chunkRows(t, path) {
			if before, ok := seen[id]; ok && before != hash {
				t.Errorf("chunk %d was given out twice", id)
			}
			seen[id] = hash
		}
		s = open(t, path)
		must(t, s.Delete(ctx, "key", idxdb.DeleteOptions{}))
		_, err := s.Vacuum(ctx, nil)
		must(t, err)
	}
	if left := chunkRows(t, path); len(left) != 0 {
		t.Errorf("%d chunks are left of nothing", len(left))
	}
}
