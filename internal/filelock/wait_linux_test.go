package filelock

import (
	"os"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

func TestOnWait(t *testing.T) {
	path := newPath(t)
	holder := New(path, Options{Create: true})
	told := make(chan idxdb.Holder, 10)
	l := New(path, Options{Create: true, Timeout: 1300 * time.Millisecond, OnWait: func(h idxdb.Holder) { told <- h }})
	mustRelease(t, mustAcquire(t, l, "at once"))

	release := mustAcquire(t, holder, "hold")
	go func() {
		time.Sleep(100 * time.Millisecond)
		if err := release(); err != nil {
			t.Error(err)
		}
	}()
	mustRelease(t, mustAcquire(t, l, "soon"))
	if len(told) != 0 {
		t.Error("told of a short wait")
	}

	release = mustAcquire(t, holder, "hold")
	defer release()
	start := time.Now()
	if _, err := l.Acquire(t.Context(), "late"); err == nil {
		t.Fatal("the lock is held, and was acquired")
	}
	if took := time.Since(start); took < 1300*time.Millisecond {
		t.Errorf("it gave up after %s", took)
	}
	select {
	case h := <-told:
		if h.PID != os.Getpid() || h.Operation != "hold" {
			t.Errorf("told of %v", h)
		}
	default:
		t.Error("told of nobody")
	}
	if len(told) != 0 {
		t.Error("told twice")
	}
}
