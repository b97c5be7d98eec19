package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/ingest"
)

func document(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	b.WriteString(`{"source":{"type":"website","config":{"url":"http://example.com/x"}},"ids":[`)
	for b.Len() < n {
		fmt.Fprintf(&b, "\"%016x%016x\",\n", r.Uint64(), r.Uint64())
	}
	b.WriteString("0]}")
	return b.String()
}

func options() ingest.Options {
	return ingest.Options{
		Average: codec.AverageFor,
		Known:   func(codec.Hash) (int64, error) { return 0, nil },
		Effort:  codec.Fast,
	}
}

// run ingests r and puts the chunks together again.
func run(t *testing.T, r io.Reader, o ingest.Options) (string, ingest.Result, error) {
	t.Helper()
	var whole []byte
	var dec codec.Decoder
	res, err := ingest.Run(context.Background(), r, o, func(c ingest.Chunk) error {
		start := len(whole)
		var err error
		if whole, err = dec.Decode(whole, c.Codec, c.Size, c.Data); err != nil {
			return err
		}
		if codec.Sum(whole[start:]) != c.Hash {
			return errors.New("the hash is of something else")
		}
		return nil
	})
	return string(whole), res, err
}

// opaque hides how long a reader is.
type opaque struct{ io.Reader }

func TestChunksAreTheDocument(t *testing.T) {
	for _, size := range []int{2, 100, 5_000, 300_000, 3_000_000, 20_000_000} {
		want := document(size)
		if size == 2 {
			want = "{}"
		}
		for name, r := range map[string]io.Reader{
			"Known":   strings.NewReader(want),
			"Unknown": opaque{strings.NewReader(want)},
			"Slow":    opaque{iotest.HalfReader(strings.NewReader(want))},
		} {
			got, res, err := run(t, r, options())
			if err != nil || got != want {
				t.Fatalf("%d bytes, %s: %v, or other content", len(want), name, err)
			}
			if res.Size != int64(len(want)) {
				t.Errorf("%d bytes, %s: size %d", len(want), name, res.Size)
			}
			if size > 2 && res.Source != (idxdb.Source{Type: "website", Identifier: "example.com"}) {
				t.Errorf("%d bytes, %s: source %+v", len(want), name, res.Source)
			}
			average := codec.AverageFor(int64(len(want)))
			if size == 20_000_000 && name != "Known" {
				average = codec.AverageFor(-1)
			}
			if res.Average != average {
				t.Errorf("%d bytes, %s: average %d, want %d", len(want), name, res.Average, average)
			}
		}
	}
}

func TestKnownChunksAreNotCompressed(t *testing.T) {
	doc := document(2_000_000)
	ids := map[codec.Hash]int64{}
	_, err := ingest.Run(context.Background(), strings.NewReader(doc), options(), func(c ingest.Chunk) error {
		ids[c.Hash] = int64(len(ids) + 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Known = func(h codec.Hash) (int64, error) { return ids[h], nil }
	changed := doc[:1_000_000] + "\"changed\",\n" + doc[1_000_000+strings.IndexByte(doc[1_000_000:], '\n')+1:]
	known, unknown := 0, 0
	_, err = ingest.Run(context.Background(), strings.NewReader(fix(changed)), o, func(c ingest.Chunk) error {
		switch {
		case c.ID != 0 && c.Data == nil && c.ID == ids[c.Hash]:
			known++
		case c.ID == 0 && c.Data != nil:
			unknown++
		default:
			t.Errorf("chunk with id %d and %d bytes", c.ID, len(c.Data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if unknown == 0 || unknown > 6 || known < 100 {
		t.Errorf("after a small change %d chunks are known and %d are not", known, unknown)
	}
}

// fix closes the string that the splice in TestKnownChunksAreNotCompressed may
// have cut.
func fix(s string) string {
	at := strings.Index(s, "\"changed\"")
	line := strings.LastIndexByte(s[:at], '\n') + 1
	return s[:line] + s[at:]
}

func TestNotJSONIsEmittedOnlySoFar(t *testing.T) {
	doc := []byte(document(3_000_000))
	at := 2_000_000 + bytes.IndexByte(doc[2_000_000:], '\n')
	doc[at] = 'x'
	emitted := 0
	_, err := ingest.Run(context.Background(), bytes.NewReader(doc), options(), func(c ingest.Chunk) error {
		emitted += c.Size
		return nil
	})
	var syntax *idxdb.SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != int64(at) || !errors.Is(err, idxdb.ErrInvalidJSON) {
		t.Errorf("%v, want a syntax error at %d", err, at)
	}
	if emitted > at {
		t.Errorf("%d bytes were emitted, but %d is no JSON", emitted, at)
	}
}

func TestErrorsEndIt(t *testing.T) {
	doc := document(3_000_000)
	boom := errors.New("boom")
	nothing := func(ingest.Chunk) error { return nil }

	_, err := ingest.Run(context.Background(), io.MultiReader(strings.NewReader(doc[:2_000_000]), iotest.ErrReader(boom)), options(), nothing)
	if !errors.Is(err, boom) {
		t.Errorf("read: %v", err)
	}
	_, err = ingest.Run(context.Background(), strings.NewReader(doc), options(), func(ingest.Chunk) error { return boom })
	if !errors.Is(err, boom) {
		t.Errorf("emit: %v", err)
	}
	o := options()
	o.Known = func(codec.Hash) (int64, error) { return 0, boom }
	if _, err = ingest.Run(context.Background(), strings.NewReader(doc), o, nothing); !errors.Is(err, boom) {
		t.Errorf("known: %v", err)
	}
	o = options()
	o.Average = func(int64) int { return 12345 }
	if _, err = ingest.Run(context.Background(), strings.NewReader(doc), o, nothing); err == nil {
		t.Error("an impossible chunk size was accepted")
	}
	for _, empty := range []io.Reader{strings.NewReader(""), opaque{strings.NewReader("")}, strings.NewReader(" \n")} {
		if _, err = ingest.Run(context.Background(), empty, options(), nothing); !errors.Is(err, idxdb.ErrInvalidJSON) {
			t.Errorf("empty: %v", err)
		}
	}
}

// TestContextEndsABlockedRead is for a pipe whose writer says nothing any more.
func TestContextEndsABlockedRead(t *testing.T) {
	for _, known := range []bool{true, false} {
		r, w := io.Pipe()
		defer w.Close()
		var src io.Reader = r
		if known {
			src = sized{r, 10_000_000}
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			io.WriteString(w, `["begun`)
			time.Sleep(10 * time.Millisecond)
			cancel()
		}()
		_, err := ingest.Run(ctx, src, options(), func(ingest.Chunk) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
	}
}

type sized struct {
	io.Reader
	n int
}

func (s sized) Len() int { return s.n }

func TestSizeOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := ingest.SizeOf(f); got != 1000 {
		t.Errorf("file: %d", got)
	}
	if _, err := f.Seek(400, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got := ingest.SizeOf(f); got != 600 {
		t.Errorf("file from 400 on: %d", got)
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	defer pw.Close()
	if got := ingest.SizeOf(pr); got != -1 {
		t.Errorf("pipe: %d", got)
	}
	if got := ingest.SizeOf(strings.NewReader("abc")); got != 3 {
		t.Errorf("string: %d", got)
	}
	if got := ingest.SizeOf(opaque{strings.NewReader("abc")}); got != -1 {
		t.Errorf("opaque reader: %d", got)
	}
}

// TestCutReaderIsNoEnd is for a response body that was cut off, and for an error
// that wraps the end of something else.
func TestCutReaderIsNoEnd(t *testing.T) {
	for _, cut := range []error{io.ErrUnexpectedEOF, fmt.Errorf("chunk: %w", io.EOF), fmt.Errorf("chunk: %w", io.ErrUnexpectedEOF)} {
		for _, known := range []bool{true, false} {
			var r io.Reader = io.MultiReader(strings.NewReader("12"), iotest.ErrReader(cut))
			if known {
				r = sized{r, 100}
			}
			_, err := ingest.Run(context.Background(), r, options(), func(ingest.Chunk) error { return nil })
			if !errors.Is(err, cut) {
				t.Errorf("size known %v, reader fails with %v: %v", known, cut, err)
			}
		}
	}
}
