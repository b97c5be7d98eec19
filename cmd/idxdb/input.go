package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/idxdb/idxdb"
	"golang.org/x/term"
)

// An input is a document that is to be saved. The store may find its size with
// Stat or not at all.
type input struct {
	io.Reader
	size  int64 // in bytes; -1 if not known
	close func() error
}

// Close ends the use of the input.
func (in *input) Close() error { return in.close() }

// openInput opens the file called name, and tells m what is read from it.
func openInput(ctx context.Context, name string, m *meter) (*input, error) {
	// Opening a named pipe waits for its writer.
	f, err := await(ctx, func() (*os.File, error) { return os.Open(name) })
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close() // nothing was read from it
		return nil, fmt.Errorf("%w: %s is a directory, not a FILE", idxdb.ErrUsage, name)
	}
	return newInput(ctx, f, f.Close, m), nil
}

// stdinInput is stdin as an input. Asked says that the user wrote "-", and so
// may want to type or paste the document.
func (a *app) stdinInput(ctx context.Context, asked bool, m *meter) (*input, error) {
	keepOpen := func() error { return nil }
	f, ok := a.stdin.(*os.File)
	if !ok {
		return &input{&pipeReader{ctx: ctx, r: a.stdin, m: m}, -1, keepOpen}, nil
	}
	if !asked && term.IsTerminal(int(f.Fd())) {
		return nil, fmt.Errorf("%w: name a FILE, pipe the state in, or write - to type it", idxdb.ErrUsage)
	}
	return newInput(ctx, f, keepOpen, m), nil
}

func newInput(ctx context.Context, f *os.File, done func() error, m *meter) *input {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		m.addTotal(info.Size())
		return &input{&fileReader{ctx, f, m}, info.Size(), done}
	}
	return &input{&pipeReader{ctx: ctx, r: f, m: m}, -1, done}
}

// fileReader reads a regular file, until the context ends.
type fileReader struct {
	ctx context.Context
	f   *os.File
	m   *meter
}

func (r *fileReader) Stat() (fs.FileInfo, error) { return r.f.Stat() }

func (r *fileReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.f.Read(p)
	r.m.add(int64(n))
	return n, err
}

// pipeReader reads what may never come: a wait for it ends with the context.
type pipeReader struct {
	ctx context.Context
	r   io.Reader
	m   *meter
	buf []byte // of its own, since a read that was given up may yet write to it
}

func (r *pipeReader) Read(p []byte) (int, error) {
	if r.buf == nil {
		r.buf = make([]byte, 1<<16) // as much as a pipe holds
	}
	buf := r.buf[:min(len(p), len(r.buf))]
	n, err := await(r.ctx, func() (int, error) { return r.r.Read(buf) })
	if n > 0 {
		copy(p, buf[:n])
		r.m.add(int64(n))
	}
	return n, err
}

// pipeWriter writes to somebody who may never read: a wait for it ends with the
// context. What was given to a write that ended so must not be changed.
type pipeWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	return await(w.ctx, func() (int, error) { return w.w.Write(p) })
}

// await returns what f does, or the context's error if that ends first. Then f
// is left to itself.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
