package ingest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/jsonscan"
)

// A segment is a stretch of whole chunks on its way through the pipeline.
type segment struct {
	buf    *[]byte
	fresh  []byte // what was read into buf, behind what the segment before left
	cuts   []int  // the end of each chunk in buf
	chunks []Chunk
	done   chan struct{} // one for validation, one for hashing
	users  atomic.Int32  // of buf
}

// A pipeline is one goroutine that reads and cuts, one that validates, several
// that hash and compress, and the caller, who receives in order.
type pipeline struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	o       Options
	chunker *codec.Chunker
	scanner *jsonscan.Scanner
	size    int64 // of what was read

	toHash     chan *segment
	toValidate chan *segment
	ordered    chan *segment
	free       *sync.Pool
	unread     chan struct{} // closed when nobody reads the document any more
}

// Buffers and encoders outlive a pipeline: for a small document they cost more
// than all the rest.
var (
	smallSegments = bufferPool(smallSegment)
	largeSegments = bufferPool(largeSegment)
	encoders      = sync.Pool{New: func() any { return codec.NewEncoder() }}
)

func bufferPool(length int) *sync.Pool {
	return &sync.Pool{New: func() any { b := make([]byte, length); return &b }}
}

func newPipeline(ctx context.Context, o Options, average int) (*pipeline, error) {
	chunker, err := codec.NewChunker(average)
	if err != nil {
		return nil, err
	}
	free := smallSegments
	if average > 8<<10 {
		free = largeSegments
	}
	p := &pipeline{
		o:       o,
		chunker: chunker,
		scanner: newScanner(),
		// Channels are short: what is in them is memory.
		toHash:     make(chan *segment, workers()),
		toValidate: make(chan *segment, workers()),
		ordered:    make(chan *segment, 2*workers()),
		free:       free,
		unread:     make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	return p, nil
}

// stop ends all goroutines, and waits until nobody reads the document any more.
// Only if ctx ends, which is the caller's, may one Read stay behind.
func (p *pipeline) stop(ctx context.Context) {
	p.cancel(context.Canceled)
	select {
	case <-p.unread:
	case <-ctx.Done():
	}
}

// cause returns why the pipeline stopped, nil if it did not.
func (p *pipeline) cause() error { return context.Cause(p.ctx) }

// read fills segments and cuts them. What is left behind the last cut begins
// the next segment.
func (p *pipeline) read(r io.Reader) {
	defer close(p.unread)
	defer close(p.ordered)
	defer close(p.toHash)
	defer close(p.toValidate)
	var carry []byte
	for final := false; !final; {
		pooled := p.free.Get().(*[]byte)
		buf := *pooled
		kept := copy(buf, carry)
		n, err := fill(contextReader{p.ctx, r}, buf[kept:])
		if err == io.EOF {
			final = true
		} else if err != nil {
			p.cancel(fmt.Errorf("read the document: %w", err))
			return
		}
		p.size += int64(n)
		data := buf[:kept+n]
		seg := &segment{buf: pooled, fresh: data[kept:], done: make(chan struct{}, 2)}
		end := 0
		for end < len(data) {
			cut := p.chunker.Cut(data[end:], final)
			if cut == 0 {
				break
			}
			end += cut
			seg.cuts = append(seg.cuts, end)
		}
		carry = append(carry[:0], data[end:]...)
		seg.users.Store(2)
		for _, to := range []chan *segment{p.ordered, p.toValidate, p.toHash} {
			select {
			case to <- seg:
			case <-p.ctx.Done():
				return
			}
		}
	}
}

// next returns the next segment, validated and hashed, or nil at the end.
func (p *pipeline) next() (*segment, error) {
	select {
	case seg, ok := <-p.ordered:
		if !ok {
			return nil, p.cause()
		}
		for range 2 { // validated and hashed
			select {
			case <-seg.done:
			case <-p.ctx.Done():
				return nil, p.cause()
			}
		}
		return seg, nil
	case <-p.ctx.Done():
		return nil, p.cause()
	}
}

func (p *pipeline) release(seg *segment) {
	if seg.users.Add(-1) == 0 {
		p.free.Put(seg.buf)
	}
}

func (p *pipeline) validate() {
	var last *segment
	finish := func(seg *segment) {
		p.release(seg)
		seg.done <- struct{}{}
	}
	for seg := range p.toValidate {
		if last != nil {
			finish(last)
		}
		if _, err := p.scanner.Write(seg.fresh); err != nil {
			p.cancel(err)
			return
		}
		last = seg
	}
	if p.ctx.Err() != nil || last == nil {
		return
	}
	if err := p.scanner.Close(); err != nil {
		p.cancel(err)
		return
	}
	finish(last)
}

func (p *pipeline) work() {
	enc := encoders.Get().(*codec.Encoder)
	defer encoders.Put(enc)
	for seg := range p.toHash {
		start := 0
		seg.chunks = make([]Chunk, len(seg.cuts))
		for i, end := range seg.cuts {
			if err := p.hash(enc, (*seg.buf)[start:end], &seg.chunks[i]); err != nil {
				p.cancel(err)
				return
			}
			start = end
		}
		p.release(seg)
		seg.done <- struct{}{}
	}
}

func (p *pipeline) hash(enc *codec.Encoder, raw []byte, c *Chunk) (err error) {
	c.Size = len(raw)
	c.Hash = codec.Sum(raw)
	if c.ID, err = p.o.Known(c.Hash); err != nil || c.ID != 0 {
		return err
	}
	var data []byte
	c.Codec, data = enc.Encode(raw, p.o.Effort)
	c.Data = append(make([]byte, 0, len(data)), data...)
	return nil
}
