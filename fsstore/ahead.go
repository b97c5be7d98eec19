package fsstore

import (
	"context"
	"io"
	"iter"
)

// blocks are a document on its way, read by a goroutine of its own: a Read that
// blocks cannot be called off, and is left behind when the context ends.
type blocks struct {
	full   chan block  // closed when the goroutine has ended
	free   chan []byte // buffers
	cancel context.CancelFunc
}

type block struct {
	data []byte
	err  error
}

func readAhead(ctx context.Context, r io.Reader) *blocks {
	const buffers = 3
	ctx, cancel := context.WithCancel(ctx)
	b := &blocks{make(chan block, buffers+1), make(chan []byte, buffers), cancel}
	for range buffers {
		b.free <- make([]byte, bufferSize)
	}
	go func() {
		defer close(b.full)
		for {
			var buf []byte
			select {
			case buf = <-b.free:
			case <-ctx.Done():
				return
			}
			n, err := fillBuffer(ctx, r, buf)
			if n > 0 {
				b.full <- block{data: buf[:n]}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				b.full <- block{err: err}
				return
			}
		}
	}()
	return b
}

// fillBuffer is [io.ReadFull], except that it returns r's own error, and ends
// with the context.
func fillBuffer(ctx context.Context, r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// each yields the blocks until the document or the context ends. The receiver
// gives the buffers back.
func (b *blocks) each(ctx context.Context) iter.Seq[block] {
	return func(yield func(block) bool) {
		for {
			select {
			case next, ok := <-b.full:
				if !ok || !yield(next) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// stop ends the reading and waits for that, so that the reader is the caller's
// again; only if the context has ended, a Read may be left behind.
func (b *blocks) stop(ctx context.Context) {
	b.cancel()
	for range b.each(ctx) {
	}
}
