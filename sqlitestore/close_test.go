package sqlitestore_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestCloseEndsEverything closes a store while a load, a save and a list are
// under way, and looks for goroutines that stay.
func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	path := filepath.Join(t.TempDir(), "team.idx")
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Create: true, Readers: 1})
	must(t, err)
	save(t, s, "key", document(1, 300_000))
	doc, err := s.Load(ctx, "key", idxdb.LoadOptions{})
	must(t, err)
	_, err = io.ReadFull(doc.Body, make([]byte, 10))
	must(t, err)

	closed := make(chan struct{})
	saving := &steppedReader{strings.NewReader(document(2, 100_000)), func() {
		select {
		case <-closed:
		default:
			must(t, s.Close())
			close(closed)
		}
	}}
	deadline, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err = s.Save(deadline, "other", idxdb.Documents{State: saving}, idxdb.SaveOptions{})
	if !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("save: %v, want ErrClosed", err)
	}
	if _, err := io.Copy(io.Discard, doc.Body); !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("load: %v, want ErrClosed", err)
	}
	must(t, doc.Body.Close())
	for _, err := range s.List(deadline, idxdb.ListOptions{}) {
		if !errors.Is(err, idxdb.ErrClosed) {
			t.Errorf("list: %v, want ErrClosed", err)
		}
	}
	must(t, s.Close())
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines are left of %d:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
	}
	// What was acknowledged is there.
	again := open(t, path)
	if load(t, again, "key", 0) != document(1, 300_000) {
		t.Error("the state has other content")
	}
	clean(t, again)
}
