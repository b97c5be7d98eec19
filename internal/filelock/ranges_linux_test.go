package filelock

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/idxdb/idxdb"
)

func openRanges(t *testing.T, path string) *Ranges {
	t.Helper()
	r, err := OpenRanges(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func share(t *testing.T, r *Ranges, n int64, want bool) {
	t.Helper()
	if ok, err := r.Share(n); err != nil || ok != want {
		t.Fatalf("Share(%d): %v, %v, want %v", n, ok, err, want)
	}
}

// tryExclusive releases at once what it got.
func tryExclusive(t *testing.T, r *Ranges, from, to int64, want bool) {
	t.Helper()
	release, ok, err := r.TryExclusive(from, to)
	if err != nil || ok != want {
		t.Fatalf("TryExclusive(%d, %d): %v, %v, want %v", from, to, ok, err, want)
	}
	if ok {
		mustRelease(t, release)
		mustRelease(t, release)
	}
}

func TestRangesInOneProcess(t *testing.T) {
	path := newPath(t)
	r, other := openRanges(t, path), openRanges(t, path)
	share(t, r, 5, true)
	share(t, r, 5, true)
	share(t, other, 5, true)
	for _, who := range []*Ranges{r, other} {
		tryExclusive(t, who, 5, 5, false)
		tryExclusive(t, who, 0, 1<<40, false)
		tryExclusive(t, who, 0, 4, true)
		tryExclusive(t, who, 6, 1<<40, true)
	}
	other.Unshare(5)
	r.Unshare(5)
	tryExclusive(t, other, 5, 5, false) // still shared once
	share(t, other, 5, true)            // and an attempt took nothing away
	other.Unshare(5)
	r.Unshare(5)
	r.Unshare(5) // once too often: nothing
	release, ok, err := r.TryExclusive(3, 7)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	for n, want := range map[int64]bool{2: true, 3: false, 5: false, 7: false, 8: true} {
		share(t, r, n, want)
	}
	mustRelease(t, release)
	share(t, r, 5, true)
	if _, err := r.Share(-1); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("Share(-1): %v", err)
	}
	if _, _, err := r.TryExclusive(3, 2); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("TryExclusive(3, 2): %v", err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	tryExclusive(t, other, 0, 100, true)
	if _, err := r.Share(1); !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, _, err := r.TryExclusive(1, 1); !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	r.Unshare(5)
}

func TestRangesAcrossProcesses(t *testing.T) {
	path := newPath(t)
	r := openRanges(t, path)

	sharer := startChild(t, "share", path, "5")
	if got := sharer.line(t); got != "ok" {
		t.Fatal(got)
	}
	share(t, r, 5, true)
	r.Unshare(5)
	tryExclusive(t, r, 1, 9, false)
	sharer.kill()
	tryExclusive(t, r, 1, 9, true)

	owner := startChild(t, "exclusive", path, "1", "9")
	if got := owner.line(t); got != "ok" {
		t.Fatal(got)
	}
	share(t, r, 5, false)
	share(t, r, 10, true)
	owner.finish(t)
	share(t, r, 5, true)
	refused := startChild(t, "exclusive", path, "1", "9")
	if got := refused.line(t); got != "refused" {
		t.Error(got)
	}
	refused.finish(t)
}

// The lock on the file and the locks on numbers know nothing of each other, and
// the record's writes touch no numbers.
func TestRangesBesideLock(t *testing.T) {
	path := newPath(t)
	r := openRanges(t, path)
	share(t, r, 0, true)
	l := New(path, Options{})
	release := mustAcquire(t, l, "save")
	tryExclusive(t, r, 0, 0, false)
	tryExclusive(t, r, 1, 1, true)
	mustRelease(t, release)
	tryExclusive(t, r, 0, 0, false)
	if _, held, err := l.Holder(); held || err != nil {
		t.Errorf("Holder: %v, %v", held, err)
	}
	mustRelease(t, mustAcquire(t, l, "save"))
	_, err := l.Acquire(canceled(), "save")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestRangesLockFileDeleted(t *testing.T) {
	path := newPath(t)
	r := openRanges(t, path)
	share(t, r, 1, true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Share(2); !errors.Is(err, idxdb.ErrReplaced) {
		t.Errorf("Share: %v", err)
	}
	if _, _, err := r.TryExclusive(2, 2); !errors.Is(err, idxdb.ErrReplaced) {
		t.Errorf("TryExclusive: %v", err)
	}
	r.Unshare(1)
	share(t, r, 2, true) // with nothing to lose, it goes over to the new file
	tryExclusive(t, openRanges(t, path), 2, 2, false)
}
