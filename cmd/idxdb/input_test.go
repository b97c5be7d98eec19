package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"testing/synctest"
)

// never is a pipe whose other side does nothing.
type never struct{ block chan struct{} }

func (n never) Read([]byte) (int, error)  { <-n.block; return 0, io.EOF }
func (n never) Write([]byte) (int, error) { <-n.block; return 0, io.EOF }

func TestPipesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pipe := never{make(chan struct{})}
		ended := make(chan error, 2)
		go func() {
			_, err := (&pipeReader{ctx: ctx, r: pipe}).Read(make([]byte, 1))
			ended <- err
		}()
		go func() {
			_, err := (&pipeWriter{ctx, pipe}).Write(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		if len(ended) > 0 {
			t.Errorf("it ended by itself: %v", <-ended)
		}
		cancel()
		for range 2 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("it ended with %v", err)
			}
		}
		close(pipe.block)
	})
}

func TestPipeReader(t *testing.T) {
	want := generate(300_000, "pipe")
	got, err := io.ReadAll(&pipeReader{ctx: t.Context(), r: iotest.HalfReader(bytes.NewReader(want))})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d of %d bytes, %v", len(got), len(want), err)
	}
	broken := errors.New("broken")
	_, err = io.ReadAll(&pipeReader{ctx: t.Context(), r: iotest.ErrReader(broken)})
	if !errors.Is(err, broken) {
		t.Errorf("it ended with %v", err)
	}
}

// A store must find the size of a regular file, and see that a pipe has none.
func TestInputSize(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(name, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	m := new(meter)
	in, err := openInput(t.Context(), name, m)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	s, ok := in.Reader.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		t.Fatalf("%T has no Stat", in.Reader)
	}
	if info, err := s.Stat(); err != nil || info.Size() != 2 {
		t.Errorf("Stat: %v, %v", info, err)
	}
	if _, err := io.ReadAll(in); err != nil || m.done != 2 || m.total != 2 {
		t.Errorf("%v; the meter has %d of %d bytes", err, m.done, m.total)
	}

	a := &app{stdin: bytes.NewReader([]byte("{}"))}
	in, err = a.stdinInput(t.Context(), false, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := in.Reader.(interface{ Stat() (fs.FileInfo, error) }); ok {
		t.Errorf("a pipe has a size")
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != "{}" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := in.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestFileEndsWithTheContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(name, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	in, err := openInput(ctx, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cancel()
	if _, err := in.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}

func TestOpenInputErrors(t *testing.T) {
	if _, err := openInput(t.Context(), filepath.Join(t.TempDir(), "missing"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openInput(ctx, "whatever", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}
