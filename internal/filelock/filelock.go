// Package filelock is the lock file that lies beside a store, and the record in
// it that says who holds the lock.
//
// The kernel's lock (flock) decides who may write. It ends with the process
// that holds it, however that ends. The record is only text for those who wait:
// it may be missing, old or garbage, and nothing is ever decided by it.
//
// Waiters block in the kernel, which serves them in the order of their arrival.
// Polling would give the lock to whoever happens to look at the right moment.
// Within a process, waiters form a queue of their own, and only the first of
// them waits in the kernel.
//
// What it does not do: the lock excludes those who ask for it, nobody else. On
// NFS, Linux emulates flock by a byte-range lock on the whole file: it excludes
// other clients unless the mount says nolock or local_lock, but not processes on
// the server itself, and it collides with the byte locks of [Ranges]. On Windows
// the record begins at the second byte, since the first is locked for reading
// too.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/idxdb/idxdb"
)

// waitNotice is how long a wait lasts before OnWait is called.
const waitNotice = time.Second

// DefaultTimeout is how long Acquire waits if Options does not say.
const DefaultTimeout = 30 * time.Second

// Options says how to lock; the zero value waits 30 seconds for a lock file
// that must exist.
type Options struct {
	Timeout time.Duration // longest wait of an Acquire; 0 is DefaultTimeout, < 0 is no limit but the context's
	Create  bool          // make the lock file if it does not exist
	Mode    fs.FileMode   // permissions of a new lock file, whatever the umask; 0 is 0666 less the umask

	// OnWait, if set, is called once for each Acquire that has waited a second,
	// from a goroutine of its own, with who holds the lock.
	OnWait func(idxdb.Holder)
}

// A Lock is an exclusive lock on a file. Its methods may be called from many
// goroutines at once.
type Lock struct {
	path string
	opts Options

	mu       sync.Mutex
	queue    []*waiter    // in order of arrival
	attempt  bool         // a goroutine is waiting in the kernel for queue[0], or for nobody any more
	held     *flock.Flock // not nil while somebody in this process has the lock
	closed   bool
	attempts int // how many goroutines were started, for tests
}

// A waiter is told once what became of its wait.
type waiter struct {
	granted chan grant // holds one
}

type grant struct {
	file *flock.Flock
	err  error
}

// New returns the lock on the file at path. It does no I/O.
func New(path string, opts Options) *Lock {
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	return &Lock{path: path, opts: opts}
}

// Path returns the path of the lock file.
func (l *Lock) Path() string { return l.path }

// Acquire waits for the lock and writes operation (one or two words, such as
// "save") and who this process is into the lock file. The caller calls release,
// once it is done; calling it again does nothing. An error of release says that
// the file could not be unlocked; it is unlocked at the latest when the process
// ends.
//
// Errors: a [*idxdb.LockedError] that names the holder if the timeout or the
// context ends the wait; idxdb.ErrReadOnly if the lock file may not be written;
// fs.ErrNotExist if there is none and Options.Create is not set; the context's
// error if it has ended already; idxdb.ErrClosed after Close.
//
// A wait in the kernel cannot be called off. If the context ends, a goroutine
// stays behind, for the next Acquire to take over. If it gets the lock when
// nobody wants it any more, it gives it back at once.
func (l *Lock) Acquire(ctx context.Context, operation string) (release func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", l.path, err)
	}
	start := time.Now()
	w := &waiter{granted: make(chan grant, 1)}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, fmt.Errorf("lock %s: %w", l.path, idxdb.ErrClosed)
	}
	l.queue = append(l.queue, w)
	l.startLocked()
	l.mu.Unlock()

	if l.opts.OnWait != nil {
		notice := time.AfterFunc(waitNotice, func() {
			// Whoever cannot be seen cannot be named.
			if h, held, err := l.Holder(); err == nil && held {
				l.opts.OnWait(h)
			}
		})
		defer notice.Stop()
	}
	var timeout <-chan time.Time
	if l.opts.Timeout > 0 {
		t := time.NewTimer(l.opts.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case g := <-w.granted:
		return l.begin(g, operation)
	case <-ctx.Done():
	case <-timeout:
	}
	if g, ok := l.leave(w); ok { // it came at the last moment
		return l.begin(g, operation)
	}
	return nil, &idxdb.LockedError{
		Path:   l.path,
		Holder: readRecord(l.path),
		Waited: time.Since(start),
		Err:    ctx.Err(),
	}
}

// begin makes a granted lock the caller's.
func (l *Lock) begin(g grant, operation string) (func() error, error) {
	if g.err != nil {
		return nil, g.err
	}
	writeRecord(l.path, Self(operation))
	return sync.OnceValue(func() error { return l.release(g.file) }), nil
}

// leave takes w out of the queue, unless it was granted the lock.
func (l *Lock) leave(w *waiter) (grant, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case g := <-w.granted:
		return g, true
	default:
	}
	if i := slices.Index(l.queue, w); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	return grant{}, false
}

// startLocked sends a goroutine to wait in the kernel, if one is needed. It does
// so while this process still has the lock: asking only after giving it back
// could overtake a process that was woken but has not run yet.
func (l *Lock) startLocked() {
	if l.attempt || len(l.queue) == 0 {
		return
	}
	l.attempt = true
	l.attempts++
	go l.wait()
}

// wait gets the kernel's lock and hands it to the first of the queue.
func (l *Lock) wait() {
	file, err := lockFile(l.path, l.opts)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempt = false
	if len(l.queue) == 0 {
		if err == nil {
			// Nobody is left to tell of an error, and the lock ends with the
			// descriptor in any case.
			_ = file.Unlock()
		}
		return
	}
	w := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	if err == nil {
		l.held = file
	}
	w.granted <- grant{file, err}
	l.startLocked() // for the next one, to have its place in the kernel's queue
}

func (l *Lock) release(file *flock.Flock) error {
	clearRecord(l.path)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = nil
	if err := file.Unlock(); err != nil {
		return fmt.Errorf("unlock %s: %w", l.path, err)
	}
	return nil
}

// Holder returns who holds the lock now, in this process or another. held says
// what the kernel says; h is what the lock file says, which is the last holder's
// record, zero if that is missing or garbage. A record with held == false was
// left by a process that ended before it released the lock.
//
// To look, Holder asks for a shared lock without waiting. It gives it back at
// once and keeps nobody from their place in the queue.
func (l *Lock) Holder() (h idxdb.Holder, held bool, err error) {
	l.mu.Lock()
	held = l.held != nil
	l.mu.Unlock()
	if held {
		return readRecord(l.path), true, nil
	}
	probe := flock.New(l.path, flock.SetFlag(os.O_RDONLY|openFlags))
	free, err := probe.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return idxdb.Holder{}, false, nil
	case err != nil:
		return idxdb.Holder{}, false, fmt.Errorf("look who holds %s: %w", l.path, err)
	}
	h = readRecord(l.path)
	if free {
		err = probe.Unlock()
	}
	return h, !free, err
}

// Close makes all who wait fail with idxdb.ErrClosed. A lock that is held stays
// so until it is released.
func (l *Lock) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, w := range l.queue {
		w.granted <- grant{err: fmt.Errorf("lock %s: %w", l.path, idxdb.ErrClosed)}
	}
	l.queue = nil
	return nil
}
