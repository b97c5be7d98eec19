package fsstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/idxdb/idxdb"
)

// Load opens one document of key. See [idxdb.Store]. Of an older version it says
// that it is not kept (idxdb.ErrNotFound and idxdb.ErrUnsupported).
func (s *Store) Load(ctx context.Context, key string, opts idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.load(ctx, key, opts)
	if err != nil {
		return nil, idxdb.OpError("load", key, err)
	}
	return d, nil
}

func (s *Store) load(ctx context.Context, key string, opts idxdb.LoadOptions) (*idxdb.Document, error) {
	if err := idxdb.CheckKey(key); err != nil {
		return nil, err
	}
	if err := s.usable(ctx, false); err != nil {
		return nil, err
	}
	doc := opts.DocOrDefault()
	if doc != idxdb.StateDoc && doc != idxdb.SearchDoc {
		return nil, fmt.Errorf("%w: there is no document %q, only %q and %q", idxdb.ErrUsage, doc, idxdb.StateDoc, idxdb.SearchDoc)
	}
	for try := range maxLooks {
		pause(try)
		v, err := s.look(ctx, key)
		if err != nil {
			return nil, err
		}
		if err := v.has(opts.Version, doc); err != nil {
			return nil, err
		}
		f, err := v.open(doc)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue // replaced since
		}
		d := v.head.doc(doc)
		return &idxdb.Document{
			Version: v.version, Doc: doc, Size: d.File.Size,
			Body: &body{s: s, f: f, left: d.File.Size, sum: sha256.New(), want: d.Digest,
				where: idxdb.CorruptError{Key: key, Version: v.version.Number, Doc: doc}},
		}, nil
	}
	return nil, errChanging
}

// has returns nil if v is this version, 0 for any, and has this document.
func (v *view) has(number int64, doc idxdb.Doc) error {
	switch {
	case v.head == nil && number == 0:
		return &idxdb.NotFoundError{Key: v.key}
	case number != 0 && number <= v.last() && number > 0 && (v.head == nil || number != v.head.Number):
		return fmt.Errorf("%w: %w: a directory keeps only the newest version",
			&idxdb.NotFoundError{Key: v.key, Version: number}, idxdb.ErrUnsupported)
	case v.head == nil || number != 0 && number != v.head.Number:
		return &idxdb.NotFoundError{Key: v.key, Version: number}
	case v.head.doc(doc) == nil:
		return &idxdb.NotFoundError{Key: v.key, Version: v.head.Number, Doc: doc}
	}
	return nil
}

// body reads a document and compares it with its digest. It gives the last bytes
// only together with the verdict.
type body struct {
	s     *Store
	f     *os.File
	left  int64
	sum   hash.Hash
	want  string
	where idxdb.CorruptError
	err   error // the end, for good
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.s.closed.Load() {
		return 0, idxdb.ErrClosed
	}
	if b.left > 0 && len(p) == 0 {
		return 0, nil
	}
	n, err := b.f.Read(p[:min(int64(len(p)), b.left)])
	b.sum.Write(p[:n])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.err = io.EOF
		if got := digestName(b.sum.Sum(nil)); got != b.want {
			b.err = b.corrupt("its digest is " + got + ", not " + b.want)
		}
	case err == io.EOF:
		b.err = b.corrupt("the file ends too early")
	case err != nil:
		b.err = err
	}
	return n, b.err
}

func (b *body) corrupt(detail string) error {
	e := b.where
	e.Detail = detail + " (" + b.f.Name() + ")"
	return &e
}

func (b *body) Close() error { return b.f.Close() }

// WriteTo is there so that copying uses large reads.
func (b *body) WriteTo(w io.Writer) (n int64, err error) {
	buf := make([]byte, max(bytes.MinRead, min(bufferSize, b.left)))
	for {
		m, err := b.Read(buf)
		if m > 0 {
			k, writeErr := w.Write(buf[:m])
			n += int64(k)
			if writeErr != nil {
				return n, writeErr
			}
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
