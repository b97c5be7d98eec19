package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// Load implements idxdb.Store.
func (s *Store) Load(ctx context.Context, key string, opts idxdb.LoadOptions) (*idxdb.Document, error) {
	doc, err := s.load(ctx, key, opts)
	if err != nil {
		return nil, idxdb.OpError("load", key, err)
	}
	return doc, nil
}

func (s *Store) load(ctx context.Context, key string, opts idxdb.LoadOptions) (*idxdb.Document, error) {
	if err := idxdb.CheckKey(key); err != nil {
		return nil, err
	}
	doc := opts.DocOrDefault()
	var v *schema.Version
	var runs []codec.Run
	var chunks int64
	var average int
	release, err := s.snapshot(ctx, func(cn *conn, _ int64) error {
		k, err := cn.liveKey(key)
		if err != nil {
			return err
		}
		if v, err = cn.version(k, opts.Version); err != nil {
			return err
		}
		if doc != idxdb.StateDoc && (doc != idxdb.SearchDoc || !v.SearchSize.Valid) {
			return &idxdb.NotFoundError{Key: key, Version: v.Number, Doc: doc}
		}
		runs, chunks, average, err = cn.runs(key, v, doc)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &idxdb.Document{Version: publicVersion(key, v), Doc: doc}
	out.Size = out.Version.Info(doc).Size
	digest := v.StateDigest
	if doc == idxdb.SearchDoc {
		digest = v.SearchDigest
	}
	l := &loader{
		s:       s,
		key:     key,
		version: v,
		runs:    runs,
		size:    out.Size,
		batch:   chunksAtATime(average),
		want:    codec.Hash(digest),
		fail: func(detail string, err error) error {
			return &idxdb.CorruptError{Key: key, Version: v.Number, Doc: doc, Detail: detail, Err: err}
		},
		digest:  codec.NewDigest(),
		release: release,
	}
	if chunks > out.Size { // no chunk is empty
		release()
		return nil, l.fail(fmt.Sprintf("a document of %d bytes cannot have %d chunks", out.Size, chunks), nil)
	}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.unlink = context.AfterFunc(s.ctx, func() { l.cancel(idxdb.ErrClosed) })
	out.Body = l
	return out, nil
}

// A loader is the Body of a document: one goroutine fetches rows, several decode
// and verify, Read and WriteTo deliver in order. Close may be called while another
// goroutine is in one of them, and ends it: who gives up a copy between stores
// closes the source while the destination may still be reading.
type loader struct {
	s       *Store
	ctx     context.Context
	cancel  context.CancelCauseFunc
	unlink  func() bool
	key     string
	version *schema.Version
	runs    []codec.Run
	batch   int64 // chunks to fetch at a time

	unpacker unpacker // belongs to the goroutine that fetches
	size     int64
	want     codec.Hash
	fail     func(detail string, err error) error
	release  func()

	mu      sync.Mutex // for all below
	ordered chan *batch
	current []byte // decoded, not yet delivered
	last    *batch // that current belongs to
	digest  *codec.Digest
	done    int64 // bytes delivered or in current
	err     error // sticky
	closed  bool
}

// Read implements io.Reader.
func (l *loader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.current) == 0 {
		if l.err == nil {
			l.err = l.advance()
		}
		if l.err != nil {
			return 0, l.err
		}
	}
	n := copy(p, l.current)
	l.current = l.current[n:]
	return n, nil
}

// WriteTo implements io.WriterTo. It spares a copy.
func (l *loader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		piece, err := l.take()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(piece) // which may block, so Close must not wait for it
		written += int64(n)
		if err != nil {
			l.giveBack(piece[n:])
			return written, err
		}
	}
}

// take returns what is to be delivered next. It stays valid until the next Read
// or take.
func (l *loader) take() (piece []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.current) == 0 {
		if l.err == nil {
			l.err = l.advance()
		}
		if l.err != nil {
			return nil, l.err
		}
	}
	piece, l.current = l.current, nil
	return piece, nil
}

// giveBack takes back what was not delivered.
func (l *loader) giveBack(piece []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.current = piece
	}
}

// advance is next, but does not call damaged what was collected while it was
// read: where no epoch can be held, nothing keeps a chunk from that.
func (l *loader) advance() error {
	err := l.next()
	if l.s.ranges != nil || !errors.Is(err, idxdb.ErrCorrupt) {
		return err
	}
	var now *schema.Version
	lookErr := l.s.view(l.ctx, func(cn *conn) error {
		k, err := cn.liveKey(l.key)
		if err != nil {
			return err
		}
		now, err = cn.version(k, l.version.Number)
		return err
	})
	switch {
	case errors.Is(lookErr, idxdb.ErrNotFound), lookErr == nil && string(now.SaveID) != string(l.version.SaveID):
		return fmt.Errorf("%w: it was deleted and collected while it was read, which cannot be prevented without permission to write to %s",
			&idxdb.NotFoundError{Key: l.key, Version: l.version.Number}, lockPath(l.s.path))
	case errors.Is(lookErr, idxdb.ErrReplaced):
		return lookErr
	}
	return err
}

// next makes the next batch current. It returns io.EOF only after the whole
// document was compared with its digest.
func (l *loader) next() error {
	if l.closed {
		return idxdb.ErrClosed
	}
	if l.ordered == nil {
		if err := l.start(); err != nil {
			return err
		}
	}
	l.s.recycle(l.last)
	l.last = nil
	var b *batch
	var ok bool
	select {
	case b, ok = <-l.ordered:
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
	if !ok {
		if l.ctx.Err() != nil {
			return context.Cause(l.ctx)
		}
		if l.done != l.size || l.digest.Sum() != l.want {
			return l.fail("its chunks are intact, but they are not those that were saved", nil)
		}
		return io.EOF
	}
	select {
	case <-b.done:
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
	if b.err != nil {
		return b.err
	}
	for _, c := range b.chunks {
		l.digest.Add(c.size, c.hash)
	}
	l.done += int64(len(b.out))
	if l.done > l.size {
		return l.fail(fmt.Sprintf("its chunks have more than its %d bytes", l.size), nil)
	}
	l.current, l.last = b.out, b
	return nil
}

// Close implements io.Closer.
func (l *loader) Close() error {
	l.cancel(idxdb.ErrClosed) // ends a Read that waits
	l.unlink()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.ordered != nil {
		for range l.ordered { // until the fetcher has stopped
		}
	}
	l.current = nil
	if l.err == nil || l.err == io.EOF {
		l.err = idxdb.ErrClosed
	}
	l.release()
	return nil
}
