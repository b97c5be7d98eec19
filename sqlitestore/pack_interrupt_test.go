package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// A countdown is a context that ends at the n-th look at it.
type countdown struct {
	context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	left   int
}

func newCountdown(n int) *countdown {
	c := &countdown{left: n}
	c.Context, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *countdown) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left <= 0 {
		c.cancel()
	}
	return c.Context.Err()
}

// TestVacuumInterruptedAnywhere ends a vacuum at each moment at which it can be
// ended. Everything reads back each time, and a later vacuum ends up where an
// undisturbed one does.
func TestVacuumInterruptedAnywhere(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 15_000)
	first := filepath.Join(t.TempDir(), "first.idx")
	s := open(t, first)
	texts := saveHistory(t, s, "key", 1, 5)
	save(t, s, "gone", document(3, 100))
	must(t, s.Delete(ctx, "gone", idxdb.DeleteOptions{}))
	must(t, s.Close())
	undisturbed := filepath.Join(t.TempDir(), "undisturbed.idx")
	write(snapshot(t, first))(t, undisturbed)
	s = open(t, undisturbed)
	vacuum(t, s)
	want, err := s.Inspect(ctx)
	must(t, err)

	interrupted := 0
	for n := 1; ; n++ {
		path := filepath.Join(t.TempDir(), "team.idx")
		write(snapshot(t, first))(t, path)
		s := open(t, path)
		_, err := s.Vacuum(newCountdown(n), nil)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d looks: %v", n, err)
		}
		if n%3 == 0 || err == nil { // the others take their turn in other runs of the loop
			wantHistory(t, s, "key", texts)
			clean(t, s)
		}
		// What was begun does not keep anybody from saving, or going back.
		save(t, s, "other", texts[1+n%5])
		vacuum(t, s)
		if got := load(t, s, "key", int64(1+n%5)); got != texts[1+n%5] {
			t.Errorf("interrupted after %d looks and finished later, a version has other content", n)
		}
		must(t, s.Delete(ctx, "other", idxdb.DeleteOptions{}))
		vacuum(t, s)
		got, err2 := s.Inspect(ctx)
		must(t, err2)
		if got.Chunks != want.Chunks || got.GarbageSize > got.PackedSize/2 {
			t.Errorf("interrupted after %d looks: %+v at last, want %+v", n, got, want)
		}
		clean(t, s)
		must(t, s.Close())
		if err == nil {
			break
		}
		interrupted++
	}
	t.Logf("interrupted at %d moments", interrupted)
	if interrupted < 20 {
		t.Errorf("it can be interrupted only %d times", interrupted)
	}
}

// TestSaveBesidePacking lets a vacuum in another handle take each of its steps at
// each moment at which a save can be stopped. The save is of content that older
// versions have, so that it may refer to chunks that are being packed.
func TestSaveBesidePacking(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 1<<20)
	sqlitestore.SetStageLimit(t, 8<<10) // several turns a save
	old := document(1, 4_000)
	newer := document(4, 4_000)
	mixed := fixNumbers(old[:len(old)/3] + ",\n" + document(2, 1_000)[1:15_000] + "1" + old[2*len(old)/3:])
	steps := []func(t *testing.T, s *sqlitestore.Store){
		func(t *testing.T, s *sqlitestore.Store) { _, err := s.Pack(ctx); check(t, err) },
		func(t *testing.T, s *sqlitestore.Store) { _, err := s.Sweep(ctx); check(t, err) },
		func(t *testing.T, s *sqlitestore.Store) {
			_, err := s.Pack(ctx)
			check(t, err)
			check(t, s.DropFrames(ctx))
		},
		func(t *testing.T, s *sqlitestore.Store) { _, err := s.Sweep(ctx); check(t, err) },
	}
	total := countReads(t, mixed)
	moments := []int{0, 1, total / 2, total}
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
						s, packer := open(t, path), open(t, path)
						save(t, s, "key", old)
						save(t, s, "key", newer)
						moment := 0
						step := func() {
							for i := range steps {
								if at[i] == moment {
									steps[i](t, packer)
								}
							}
							moment++
						}
						step()
						docs := idxdb.Documents{
							State:  &steppedReader{strings.NewReader(mixed), step},
							Search: &steppedReader{strings.NewReader(`{"q":1}`), step},
						}
						if _, err := s.Save(ctx, "key", docs, idxdb.SaveOptions{}); err != nil {
							t.Fatalf("save: %v", err)
						}
						texts := []string{"", old, newer, mixed}
						wantHistory(t, s, "key", texts)
						vacuum(t, packer)
						wantHistory(t, s, "key", texts)
						clean(t, s)
						must(t, s.Close())
						must(t, packer.Close())
						// All that the newest version needs is whole.
						if n := number(t, path, "SELECT count(*) FROM packed JOIN chunk ON id BETWEEN first AND first + count - 1"); n != 0 && d == 0 {
							t.Errorf("%d chunks are stored twice", n)
						}
					})
				}
			}
		}
	}
	if tested < 35 {
		t.Errorf("only %d interleavings", tested)
	}
}

// TestVacuumsAtOnce runs vacuums in two handles beside saves and loads.
func TestVacuumsAtOnce(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 30_000)
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	texts := saveHistory(t, s, "key", 1, 10)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		other := open(t, path)
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := other.Vacuum(ctx, nil); err != nil {
					t.Errorf("vacuum: %v", err)
					return
				}
			}
		})
	}
	l := newLines(5, 1500)
	for i := range 25 {
		l.change(8)
		text := l.String()
		if i%4 == 3 {
			text = texts[1+i%9] // what is packed by now
		}
		texts = append(texts, text)
		save(t, s, "key", text)
		v := 1 + i*7%(len(texts)-1)
		if got := load(t, s, "key", int64(v)); got != texts[v] {
			t.Errorf("version %d has other content", v)
		}
	}
	close(done)
	wg.Wait()
	wantHistory(t, s, "key", texts)
	vacuum(t, s)
	wantHistory(t, s, "key", texts)
	clean(t, s)
	must(t, s.Close())
	if n := number(t, path, "SELECT count(*) FROM garbage"); n != 0 {
		t.Errorf("%d marks are left", n)
	}
}

// TestRandomHistories saves, goes back, deletes, clones, renames, vacuums, is
// interrupted, and compares every version after each step with what was saved.
func TestRandomHistories(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 15_000)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	keys := []string{"a", "b", "c"}
	model := map[string]map[int64]string{} // live versions
	last := map[string]int64{}
	put := func(key, text string) {
		saved := save(t, s, key, text)
		if model[key] == nil {
			model[key] = map[int64]string{}
		}
		if saved.Unchanged != (model[key][last[key]] == text) {
			t.Errorf("saving %s again: unchanged is %v", key, saved.Unchanged)
		}
		last[key] = max(last[key], saved.Version.Number)
		model[key][saved.Version.Number] = text
	}
	l := newLines(seed, 400)
	steps := 60
	if testing.Short() {
		steps = 25
	}
	for step := range steps {
		key, to := keys[r.IntN(3)], keys[r.IntN(3)]
		what := r.IntN(12)
		switch {
		case what < 5 || model[key] == nil:
			what = 0
			l.change(6)
			put(key, l.String())
		case what == 5: // go back
			for _, text := range model[key] {
				put(key, text)
				break
			}
		case what == 6 && r.IntN(3) == 0:
			must(t, s.Delete(ctx, key, idxdb.DeleteOptions{}))
			delete(model, key)
		case what == 7 && model[to] == nil:
			_, err := s.Clone(ctx, key, to, true)
			must(t, err)
			model[to] = map[int64]string{}
			offset := last[to]
			for v, text := range model[key] {
				model[to][v+offset] = text
				last[to] = max(last[to], v+offset)
			}
		case what == 8 && model[to] == nil:
			must(t, s.Rename(ctx, key, to))
			offset := last[to]
			model[to] = map[int64]string{}
			for v, text := range model[key] {
				model[to][v+offset] = text
				last[to] = max(last[to], v+offset)
			}
			delete(model, key)
		case what == 9:
			if _, err := s.Vacuum(newCountdown(1+r.IntN(60)), nil); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("step %d: an interrupted vacuum: %v", step, err)
			}
		case what == 10:
			must(t, s.Close())
			s = open(t, path)
		default:
			vacuum(t, s)
		}
		for key, versions := range model {
			for v, want := range versions {
				if got := load(t, s, key, v); got != want {
					t.Fatalf("after step %d, of kind %d: version %d of %s has other content", step, what, v, key)
				}
			}
		}
	}
	vacuum(t, s)
	clean(t, s)
}
