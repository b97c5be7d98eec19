package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// A benchState is an index state: pairs of a hash and a path, as JSON with two
// spaces of indentation.
type benchState struct {
	text  []byte
	pairs []int // where the hashes begin
	r     *rand.Rand
}

func newBenchState(size int) *benchState {
	s := &benchState{r: rand.New(rand.NewPCG(1, 1))}
	s.text = append(s.text, "{\n  \"version\": 1,\n  \"blobs\": [\n"...)
	for i := 0; len(s.text) < size; i++ {
		s.pairs = append(s.pairs, len(s.text)+len("      [\n        \""))
		s.text = fmt.Appendf(s.text, "      [\n        \"%s\",\n        \"packages/plugin-%d/test/fixtures/case-%d/input.js\"\n      ],\n", s.hash(), i/64, i%64)
	}
	s.text = append(s.text, "      []\n  ]\n}"...)
	return s
}

func (s *benchState) hash() string {
	return fmt.Sprintf("%016x%016x%016x%016x", s.r.Uint64(), s.r.Uint64(), s.r.Uint64(), s.r.Uint64())
}

// change gives n files another hash.
func (s *benchState) change(n int) {
	for range n {
		copy(s.text[s.pairs[s.r.IntN(len(s.pairs))]:], s.hash())
	}
}

func (s *benchState) docs() idxdb.Documents {
	return idxdb.Documents{State: bytes.NewReader(s.text)}
}

func openBench(b *testing.B, path string) *sqlitestore.Store {
	b.Helper()
	s, err := sqlitestore.Open(context.Background(), path, sqlitestore.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchStore(b *testing.B) *sqlitestore.Store {
	b.Helper()
	s := openBench(b, filepath.Join(b.TempDir(), "bench.idx"))
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func benchSave(b *testing.B, s *sqlitestore.Store, key string, docs idxdb.Documents) {
	b.Helper()
	saved, err := s.Save(context.Background(), key, docs, idxdb.SaveOptions{})
	if err != nil || saved.Unchanged {
		b.Fatal(saved, err)
	}
}

// BenchmarkSaveNext saves a state of which a few files changed; dup is the share
// of chunks that the store has.
func BenchmarkSaveNext(b *testing.B) {
	for _, c := range []struct{ size, changes, dup int }{{5, 5, 99}, {5, 60, 95}, {64, 5, 99}} {
		b.Run(fmt.Sprintf("store=sqlite/size=%dMiB/dup=%d%%", c.size, c.dup), func(b *testing.B) {
			s, state := benchStore(b), newBenchState(c.size<<20)
			benchSave(b, s, "key", state.docs())
			b.SetBytes(int64(len(state.text)))
			b.ReportAllocs()
			for b.Loop() {
				state.change(c.changes)
				benchSave(b, s, "key", state.docs())
			}
		})
	}
}

// BenchmarkSaveUnchanged saves a state that the store has.
func BenchmarkSaveUnchanged(b *testing.B) {
	b.Run("store=sqlite/size=5MiB/dup=100%", func(b *testing.B) {
		s, state := benchStore(b), newBenchState(5<<20)
		benchSave(b, s, "key", state.docs())
		b.SetBytes(int64(len(state.text)))
		b.ReportAllocs()
		for b.Loop() {
			saved, err := s.Save(context.Background(), "key", state.docs(), idxdb.SaveOptions{})
			if err != nil || !saved.Unchanged {
				b.Fatal(saved, err)
			}
		}
	})
}

// BenchmarkSaveFirst saves a state of which the store has nothing, in a store of
// its own each time, whose making is not timed.
func BenchmarkSaveFirst(b *testing.B) {
	for _, size := range []int{5, 64} {
		b.Run(fmt.Sprintf("store=sqlite/size=%dMiB/dup=0%%", size), func(b *testing.B) {
			state := newBenchState(size << 20)
			b.SetBytes(int64(len(state.text)))
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				dir, err := os.MkdirTemp(b.TempDir(), "")
				if err != nil {
					b.Fatal(err)
				}
				s := openBench(b, filepath.Join(dir, "bench.idx"))
				b.StartTimer()
				benchSave(b, s, "key", state.docs())
				b.StopTimer()
				if err := errors.Join(s.Close(), os.RemoveAll(dir)); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkLoad loads the newest of some versions, verified.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{5, 64} {
		b.Run(fmt.Sprintf("store=sqlite/size=%dMiB", size), func(b *testing.B) {
			s, state := benchStore(b), newBenchState(size<<20)
			for range 5 {
				benchSave(b, s, "key", state.docs())
				state.change(60)
			}
			b.SetBytes(int64(len(state.text)))
			b.ReportAllocs()
			for b.Loop() {
				doc, err := s.Load(context.Background(), "key", idxdb.LoadOptions{})
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, doc.Body)
				if err != nil || n != doc.Size {
					b.Fatal(n, err)
				}
				if err := doc.Body.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkList lists 10,000 keys.
func BenchmarkList(b *testing.B) {
	const keys = 10_000
	s := benchStore(b)
	var batch []idxdb.BatchItem
	for i := range keys {
		batch = append(batch, idxdb.BatchItem{Key: fmt.Sprintf("owner/repository-%05d@main", i), Open: func() (idxdb.Documents, func(), error) {
			return idxdb.Documents{State: bytes.NewReader(fmt.Appendf(nil, `{"version":1,"number":%d}`, i))}, func() {}, nil
		}})
	}
	if _, err := s.SaveBatch(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
	for _, names := range []bool{true, false} {
		columns := "all"
		if names {
			columns = "names"
		}
		b.Run(fmt.Sprintf("store=sqlite/keys=%d/columns=%s", keys, columns), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range s.List(context.Background(), idxdb.ListOptions{NamesOnly: names}) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != keys {
					b.Fatalf("%d keys", n)
				}
			}
		})
	}
}
