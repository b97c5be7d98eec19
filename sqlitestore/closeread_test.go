package sqlitestore_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// TestDocumentClosedWhileItIsRead closes documents at several moments while
// another goroutine reads them, through both ways to read.
func TestDocumentClosedWhileItIsRead(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	save(t, s, "key", document(1, 3_000_000))
	for i := range 20 {
		doc, err := s.Load(ctx, "key", idxdb.LoadOptions{})
		must(t, err)
		read := make(chan error, 1)
		go func() {
			var r io.Reader = doc.Body
			if i%2 == 0 {
				r = struct{ io.Reader }{r} // without WriteTo
			}
			_, err := io.Copy(io.Discard, r)
			read <- err
		}()
		time.Sleep(time.Duration(i) * time.Millisecond)
		must(t, doc.Body.Close())
		if err := <-read; err != nil && !errors.Is(err, idxdb.ErrClosed) {
			t.Errorf("read: %v", err)
		}
		if _, err := doc.Body.Read(make([]byte, 1)); !errors.Is(err, idxdb.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
	}
}

// TestCopyGivenUp ends copies between two stores at several moments: the Read
// that the destination leaves behind is one of a document that is closed then.
func TestCopyGivenUp(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "a.idx"))
	save(t, a, "key", document(1, 3_000_000))
	for i := range 10 {
		b := open(t, filepath.Join(t.TempDir(), "b.idx"))
		short, cancel := context.WithTimeout(ctx, time.Duration(2+i*6)*time.Millisecond)
		_, err := idxdb.Copy(short, b, a, idxdb.CopyOptions{})
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("copy: %v", err)
		}
	}
}
