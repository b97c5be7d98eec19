//go:build linux

package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "store.lock") }

// openPath is a path that other users can reach.
func openPath(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "filelock") // the parents of t.TempDir are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "store.lock")
}

func mustAcquire(t *testing.T, l *Lock, op string) func() error {
	t.Helper()
	release, err := l.Acquire(context.Background(), op)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func mustRelease(t *testing.T, release func() error) {
	t.Helper()
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func createLock(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
}

// waitBlocked waits until process pid is blocked on some flock.
func waitBlocked(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		locks, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(locks)) {
			f := strings.Fields(line)
			if len(f) > 5 && f[1] == "->" && f[5] == fmt.Sprint(pid) {
				return
			}
		}
	}
	t.Fatalf("process %d never blocked", pid)
}

func TestExcludesProcesses(t *testing.T) {
	path := newPath(t)
	l := New(path, Options{Create: true, Timeout: 100 * time.Millisecond})
	release := mustAcquire(t, l, "first")
	mustRelease(t, release)
	mustRelease(t, release) // again: nothing

	c := startChild(t, "hold", path, "vacuum")
	if got := c.line(t); got != "ok" {
		t.Fatal(got)
	}
	_, err := l.Acquire(context.Background(), "save")
	var locked *idxdb.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, idxdb.ErrLocked) {
		t.Fatalf("got %v, want a LockedError", err)
	}
	host, _ := os.Hostname()
	h := locked.Holder
	if h.PID != c.cmd.Process.Pid || h.Operation != "vacuum" || h.Host != host || h.User == "" ||
		!strings.Contains(h.Command, filepath.Base(os.Args[0])) || time.Since(h.Since) > time.Minute {
		t.Errorf("holder is %+v", h)
	}
	if locked.Err != nil || locked.Waited < 100*time.Millisecond || locked.Path != path {
		t.Errorf("error is %+v", locked)
	}
	if h, held, err := l.Holder(); err != nil || !held || h.PID != c.cmd.Process.Pid {
		t.Errorf("Holder: %v, %v, %v", h, held, err)
	}
	c.finish(t)
	// The wait that timed out gets the lock now, for an instant.
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, held, err := l.Holder(); err != nil || !held {
			break
		}
	}
	if h, held, err := l.Holder(); err != nil || held || h != (idxdb.Holder{}) {
		t.Errorf("Holder after release: %v, %v, %v", h, held, err)
	}
	release = mustAcquire(t, l, "save")
	if h, held, err := l.Holder(); err != nil || !held || h.PID != os.Getpid() || h.Operation != "save" {
		t.Errorf("own Holder: %v, %v, %v", h, held, err)
	}
	mustRelease(t, release)
}

func TestKilledHolder(t *testing.T) {
	path := newPath(t)
	createLock(t, path)
	c := startChild(t, "hold", path, "save")
	c.line(t)
	c.kill()
	l := New(path, Options{})
	h, held, err := l.Holder()
	if err != nil || held {
		t.Fatalf("held by %v, %v, %v", h, held, err)
	}
	if h.PID != c.cmd.Process.Pid {
		t.Errorf("the dead holder's record should still be readable, got %v", h)
	}
	mustRelease(t, mustAcquire(t, l, "next"))
}

func TestProcessesQueueInOrder(t *testing.T) {
	path := newPath(t)
	out := filepath.Join(filepath.Dir(path), "out")
	release := mustAcquire(t, New(path, Options{Create: true}), "hold")
	var children []*child
	for _, name := range strings.Split("abcdef", "") {
		c := startChild(t, "append", path, out, name)
		waitBlocked(t, c.cmd.Process.Pid)
		children = append(children, c)
	}
	mustRelease(t, release)
	for _, c := range children {
		if got := c.line(t); got != "ok" {
			t.Error(got)
		}
		c.finish(t)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "abcdef" {
		t.Errorf("order %q, %v", got, err)
	}
}

func TestGoroutinesQueueInOrder(t *testing.T) {
	l := New(newPath(t), Options{Create: true})
	release := mustAcquire(t, l, "hold")
	var wg sync.WaitGroup
	var order []int // guarded by the lock itself
	for i := range 8 {
		wg.Go(func() {
			release, err := l.Acquire(context.Background(), "append")
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, i)
			if err := release(); err != nil {
				t.Error(err)
			}
		})
		for queued(l) != i+1 {
			time.Sleep(time.Millisecond)
		}
	}
	mustRelease(t, release)
	wg.Wait()
	if fmt.Sprint(order) != "[0 1 2 3 4 5 6 7]" {
		t.Errorf("order %v", order)
	}
}

func queued(l *Lock) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

func TestProcessBeforeLaterGoroutine(t *testing.T) {
	path := newPath(t)
	l := New(path, Options{Create: true, Timeout: 10 * time.Second})
	release := mustAcquire(t, l, "hold")
	c := startChild(t, "hold", path, "child")
	waitBlocked(t, c.cmd.Process.Pid)
	mine := make(chan error, 1)
	go func() {
		release, err := l.Acquire(context.Background(), "second")
		if err == nil {
			err = release()
		}
		mine <- err
	}()
	waitBlocked(t, os.Getpid())
	mustRelease(t, release)
	if got := c.line(t); got != "ok" {
		t.Fatal(got)
	}
	select {
	case err := <-mine:
		t.Fatalf("the goroutine overtook the process (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	c.finish(t)
	if err := <-mine; err != nil {
		t.Error(err)
	}
}

func TestContextEndsWait(t *testing.T) {
	path := newPath(t)
	createLock(t, path)
	c := startChild(t, "hold", path, "save")
	c.line(t)
	l := New(path, Options{Timeout: -1})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := l.Acquire(ctx, "save")
	if !errors.Is(err, idxdb.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := l.Acquire(ctx, "save"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, idxdb.ErrLocked) {
		t.Errorf("with an ended context: got %v", err)
	}

	// The next Acquire takes over the goroutine that stayed in the kernel.
	done := make(chan error, 1)
	go func() {
		release, err := l.Acquire(context.Background(), "second")
		if err == nil {
			err = release()
		}
		done <- err
	}()
	for queued(l) != 1 {
		time.Sleep(time.Millisecond)
	}
	c.finish(t)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if l.attempts != 1 {
		t.Errorf("%d goroutines waited in the kernel, want 1", l.attempts)
	}
}

func TestAbandonedWaitGivesBack(t *testing.T) {
	path := newPath(t)
	createLock(t, path)
	first := startChild(t, "hold", path, "save")
	first.line(t)
	l := New(path, Options{Timeout: time.Millisecond})
	if _, err := l.Acquire(context.Background(), "save"); !errors.Is(err, idxdb.ErrLocked) {
		t.Fatalf("got %v", err)
	}
	waitBlocked(t, os.Getpid())
	second := startChild(t, "hold", path, "save")
	waitBlocked(t, second.cmd.Process.Pid)
	first.finish(t)
	if got := second.line(t); got != "ok" {
		t.Fatal(got)
	}
	second.finish(t)
}

func TestLockFileDeletedWhileWaiting(t *testing.T) {
	path := newPath(t)
	createLock(t, path)
	c := startChild(t, "hold", path, "save")
	c.line(t)
	l := New(path, Options{Create: true})
	type result struct {
		release func() error
		err     error
	}
	got := make(chan result, 1)
	go func() {
		release, err := l.Acquire(context.Background(), "mine")
		got <- result{release, err}
	}()
	waitBlocked(t, os.Getpid())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.finish(t)
	r := <-got
	if r.err != nil {
		t.Fatal(r.err)
	}
	// What it holds is what others find under the name.
	h, held, err := New(path, Options{}).Holder()
	if err != nil || !held || h.Operation != "mine" {
		t.Errorf("Holder: %v, %v, %v", h, held, err)
	}
	mustRelease(t, r.release)
}

func TestNoLockFile(t *testing.T) {
	path := newPath(t)
	l := New(path, Options{})
	if _, err := l.Acquire(context.Background(), "save"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, held, err := l.Holder(); held || err != nil {
		t.Errorf("Holder: %v, %v", held, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was created: %v", err)
	}
	if _, err := OpenRanges(path, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenRanges: %v", err)
	}
	inNowhere := New(filepath.Join(path, "x"), Options{Create: true})
	if _, err := inNowhere.Acquire(context.Background(), "save"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestMode(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for mode, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o660: 0o660, 0o644: 0o644} {
		path := newPath(t)
		mustRelease(t, mustAcquire(t, New(path, Options{Create: true, Mode: mode}), "save"))
		info, err := os.Stat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("mode %v: got %v, %v, want %v", mode, info.Mode(), err, want)
		}
	}
}

func TestClose(t *testing.T) {
	l := New(newPath(t), Options{Create: true})
	release := mustAcquire(t, l, "hold")
	waiting := make(chan error, 1)
	go func() {
		_, err := l.Acquire(context.Background(), "wait")
		waiting <- err
	}()
	for queued(l) != 1 {
		time.Sleep(time.Millisecond)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("waiting: %v", err)
	}
	if _, err := l.Acquire(context.Background(), "late"); !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	mustRelease(t, release)
}

func TestForeignFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	target, link, pipe := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(target, []byte("precious"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(target, link), syscall.Mkfifo(pipe, 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(link, Options{Create: true}).Acquire(context.Background(), "save"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a symbolic link: %v", err)
	}
	if got, _ := os.ReadFile(target); string(got) != "precious" {
		t.Errorf("its target was changed to %q", got)
	}
	if _, err := New(pipe, Options{}).Acquire(context.Background(), "save"); !errors.Is(err, idxdb.ErrNotStore) {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := New(dir, Options{}).Acquire(context.Background(), "save"); err == nil {
		t.Error("a directory: no error")
	}
}

func TestReadOnlyLockFile(t *testing.T) {
	path := openPath(t, 0o755)
	createLock(t, path)
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	for role, want := range map[string]string{
		"nobody-hold|" + path + "|save":       "read-only",
		"nobody-share|" + path + "|7":         "ok",
		"nobody-exclusive|" + path + "|7|7":   "read-only",
		"nobody-share|" + path + "x|7":        "", // there is none: some other error
		"nobody-exclusive|" + path + "|-1|-1": "", // no such number
	} {
		c := startChild(t, strings.Split(role, "|")...)
		got := c.line(t)
		if want == "" && (got == "ok" || got == "read-only" || got == "refused") || want != "" && got != want {
			t.Errorf("%s: got %q, want %q", role, got, want)
		}
		c.finish(t)
	}
}

// Linux may refuse O_CREAT on files of others in sticky directories
// (fs.protected_regular), though they may be written.
func TestFileOfAnotherUserInStickyDirectory(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to be two users")
	}
	path := openPath(t, 0o777|fs.ModeSticky)
	createLock(t, path)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "nobody-hold", path, "save")
	if got := c.line(t); got != "ok" {
		t.Error(got)
	}
	c.finish(t)
}
