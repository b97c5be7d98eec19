// Package ingest turns a document into chunks: it reads, validates, cuts, hashes
// and compresses, on all cores and in bounded memory, and hands the chunks over
// in order. It knows nothing of where they are kept.
package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/jsonscan"
)

// A Chunk is a piece of a document.
type Chunk struct {
	Hash  codec.Hash
	Size  int         // in bytes, uncompressed
	ID    int64       // what Options.Known said, 0 if it did not know the hash
	Codec codec.Codec // of Data
	Data  []byte      // compressed, the receiver's to keep; nil if ID is not 0
}

// Options says how to cut and compress.
type Options struct {
	// Average returns the average chunk size in bytes to use for a document of
	// this size, which is -1 if it is large and not known.
	Average func(size int64) int
	// Known returns the id of a chunk that need not be compressed, 0 if there is
	// none. It is called from several goroutines.
	Known  func(codec.Hash) (int64, error)
	Effort codec.Effort
}

// A Result describes a document that was read to its end.
type Result struct {
	Size    int64 // in bytes
	Average int   // chunk size in bytes
	Source  idxdb.Source
}

const (
	// peekSize is how far a document of unknown size is read before its chunk
	// size is chosen.
	peekSize = 16 << 20

	smallSegment = 256 << 10
	largeSegment = 1 << 20
)

// Run reads r to its end and calls emit with each chunk, in order, in the
// calling goroutine. A chunk is emitted only after it and all before it were
// found to be JSON so far; that all of it is JSON is known when Run returns nil.
//
// Errors: a [*idxdb.SyntaxError]; those of r, emit and Options.Known; the
// context's. A Read of r that blocks cannot be called off: when the context
// ends, Run returns, and that one Read is left behind. In all other cases nobody
// reads r any more when Run returns.
func Run(ctx context.Context, r io.Reader, o Options, emit func(Chunk) error) (Result, error) {
	size := SizeOf(r)
	if size < 0 {
		head, err := peek(ctx, r)
		if err != nil {
			return Result{}, err
		}
		if len(head) < peekSize {
			size = int64(len(head))
			r = bytes.NewReader(head)
		} else {
			r = io.MultiReader(bytes.NewReader(head), r)
		}
	}
	average := o.Average(size)
	p, err := newPipeline(ctx, o, average)
	if err != nil {
		return Result{}, err
	}
	defer p.stop(ctx)
	go p.read(r)
	go p.validate()
	for range workers() {
		go p.work()
	}
	for {
		seg, err := p.next()
		if err != nil {
			return Result{}, err
		}
		if seg == nil {
			return Result{Size: p.size, Average: average, Source: p.scanner.Source()}, nil
		}
		for _, c := range seg.chunks {
			if err := emit(c); err != nil {
				return Result{}, err
			}
		}
	}
}

func workers() int { return max(1, min(runtime.GOMAXPROCS(0), 8)) }

// SizeOf returns how many bytes r has left if it can tell, else -1.
func SizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len())
	case interface{ Stat() (fs.FileInfo, error) }:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		offset := int64(0)
		if s, ok := r.(io.Seeker); ok {
			if offset, err = s.Seek(0, io.SeekCurrent); err != nil {
				return -1
			}
		}
		return max(0, info.Size()-offset)
	}
	return -1
}

// peek reads the beginning of r, in a goroutine so that the context can end the
// wait.
func peek(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		head []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		head := make([]byte, peekSize)
		n, err := fill(contextReader{ctx, r}, head)
		if err == io.EOF {
			err = nil
		}
		done <- result{head[:n], err}
	}()
	select {
	case res := <-done:
		if res.err != nil {
			return nil, fmt.Errorf("read the document: %w", res.err)
		}
		return res.head, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// contextReader fails once the context has ended.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// newScanner is here so that pipeline.go need not know what validates.
func newScanner() *jsonscan.Scanner { return new(jsonscan.Scanner) }

// fill is [io.ReadFull], except that it returns r's own error.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}
