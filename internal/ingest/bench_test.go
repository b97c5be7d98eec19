package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/ingest"
)

// benchState returns about n bytes shaped like an index state: pairs of a hash
// and a path, as JSON with two spaces of indentation.
func benchState(n int) []byte {
	r := rand.New(rand.NewPCG(1, 1))
	b := []byte("{\n  \"version\": 1,\n  \"blobs\": [\n")
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "      [\n        \"%016x%016x%016x%016x\",\n        \"packages/plugin-%d/test/fixtures/case-%d/input.js\"\n      ],\n",
			r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), i/64, i%64)
	}
	return append(b, "      []\n  ]\n}"...)
}

// BenchmarkRun is everything that happens to a document before it is stored:
// read, validate, cut, hash and compress. dup is the share of its chunks that
// the store has.
func BenchmarkRun(b *testing.B) {
	for _, size := range []int{5 << 20, 64 << 20} {
		state := benchState(size)
		for _, c := range []struct {
			dup    int // in a hundred
			effort codec.Effort
			name   string
		}{{100, codec.Small, "small"}, {99, codec.Small, "small"}, {0, codec.Small, "small"}, {0, codec.Fast, "fast"}} {
			if size > 5<<20 && c.dup == 0 && c.effort == codec.Small {
				continue // seconds, and nothing new
			}
			b.Run(fmt.Sprintf("size=%dMiB/dup=%d%%/effort=%s", size>>20, c.dup, c.name), func(b *testing.B) {
				b.SetBytes(int64(len(state)))
				b.ReportAllocs()
				opts := ingest.Options{
					Average: codec.AverageFor,
					Known: func(h codec.Hash) (int64, error) {
						if int(h[0])*100 < c.dup*256 {
							return 1, nil
						}
						return 0, nil
					},
					Effort: c.effort,
				}
				for b.Loop() {
					ingestAll(b, bytes.NewReader(state), opts)
				}
			})
		}
	}
}

// BenchmarkRunPipe is the same where the size is not known.
func BenchmarkRunPipe(b *testing.B) {
	state := benchState(64 << 20)
	b.SetBytes(int64(len(state)))
	b.ReportAllocs()
	opts := ingest.Options{
		Average: codec.AverageFor,
		Known:   func(codec.Hash) (int64, error) { return 1, nil },
	}
	for b.Loop() {
		ingestAll(b, struct{ io.Reader }{bytes.NewReader(state)}, opts)
	}
}

func ingestAll(b *testing.B, r io.Reader, opts ingest.Options) {
	result, err := ingest.Run(context.Background(), r, opts, func(ingest.Chunk) error { return nil })
	if err != nil || result.Size == 0 {
		b.Fatal(result, err)
	}
}
