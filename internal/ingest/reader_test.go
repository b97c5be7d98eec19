package ingest_test

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/ingest"
)

// slowReader gives its first part at once, and then a byte at a time, late.
type slowReader struct {
	first   string
	reading atomic.Bool
	reads   atomic.Int64
}

func (r *slowReader) Read(p []byte) (int, error) {
	r.reading.Store(true)
	defer r.reading.Store(false)
	if r.first != "" {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	r.reads.Add(1)
	time.Sleep(50 * time.Millisecond)
	p[0] = ' '
	return 1, nil
}

// TestNobodyReadsAfterRun ends Run by every error but the context's while a Read
// is under way: the reader is the caller's again when Run returns.
func TestNobodyReadsAfterRun(t *testing.T) {
	boom := errors.New("boom")
	good := document(1 << 20) // several segments
	for name, test := range map[string]struct {
		first string
		known error
		emit  error
		want  error
	}{
		"NotJSON": {first: strings.Repeat("x", 1<<20), want: idxdb.ErrInvalidJSON},
		"Known":   {first: good, known: boom, want: boom},
		"Emit":    {first: good, emit: boom, want: boom},
	} {
		t.Run(name, func(t *testing.T) {
			r := &slowReader{first: test.first}
			o := options()
			o.Known = func(codec.Hash) (int64, error) { return 0, test.known }
			emit := func(ingest.Chunk) error { return test.emit }
			// More segments than one, so that the error comes before the end.
			_, err := ingest.Run(t.Context(), sized{struct{ io.Reader }{r}, 2 << 20}, o, emit)
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			reads := r.reads.Load()
			if r.reading.Load() {
				t.Error("a Read is under way after Run")
			}
			time.Sleep(120 * time.Millisecond)
			if n := r.reads.Load(); n != reads {
				t.Errorf("%d Reads after Run", n-reads)
			}
		})
	}
}
