package filelock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/idxdb/idxdb"
	"golang.org/x/sys/unix"
)

// rangeBase is the offset of the byte that stands for number 0: far behind
// everything that is ever written into the lock file.
const rangeBase = 1 << 40

// Ranges are locks on numbers, held as byte locks (open file description locks)
// far behind the end of the lock file. They end with the process that holds
// them. They have nothing to do with the lock of [Lock], except on NFS, where
// the two exclude each other. The methods may be called from many goroutines.
//
// Whoever deletes the lock file hides all locks on it from those who come
// later. Shared locks that this process has on a deleted file are found out
// (idxdb.ErrReplaced), those of other processes cannot be.
type Ranges struct {
	path string
	opts Options

	mu     sync.Mutex
	file   *os.File // carries the shared locks; may be read-only
	shares map[int64]int
	closed bool
}

// OpenRanges opens the lock file at path for locks on numbers, read-only if it
// may not be written: shared locks need no more. Of opts it uses Create and
// Mode. The caller closes the Ranges. Errors: fs.ErrNotExist, and those of the
// file system.
func OpenRanges(path string, opts Options) (*Ranges, error) {
	f, err := openShared(path, opts)
	if err != nil {
		return nil, err
	}
	return &Ranges{path: path, opts: opts, file: f, shares: map[int64]int{}}, nil
}

func openShared(path string, opts Options) (*os.File, error) {
	flag := os.O_RDWR
	err := ensure(path, opts)
	if errors.Is(err, idxdb.ErrReadOnly) {
		flag, err = os.O_RDONLY, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flag|openFlags, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	return f, nil
}

// Share takes a shared lock on n, without waiting. ok is false if somebody has
// n exclusively. Each successful Share is undone by one Unshare; a number may be
// shared many times at once. Errors: idxdb.ErrReplaced if the lock file was
// deleted while this process shares numbers, idxdb.ErrClosed.
func (r *Ranges) Share(n int64) (ok bool, err error) {
	if err := checkNumbers(n, n); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.currentLocked(); err != nil {
		return false, err
	}
	if r.shares[n] == 0 {
		if ok, err := setLock(r.file, unix.F_RDLCK, n, n); !ok {
			return false, err
		}
	}
	r.shares[n]++
	return true, nil
}

// Unshare undoes one Share of n.
func (r *Ranges) Unshare(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.shares[n] {
	case 0:
		return
	case 1:
		delete(r.shares, n)
		if !r.closed {
			// It cannot fail on an open descriptor, except for want of kernel
			// memory; then n stays locked until Close, which only delays others.
			_, _ = setLock(r.file, unix.F_UNLCK, n, n)
		}
	default:
		r.shares[n]--
	}
}

// TryExclusive takes all numbers from from to to (both included) exclusively,
// without waiting. ok is false if anyone, this process included, shares one of
// them or has one exclusively. The caller calls release once it is done.
// Errors: idxdb.ErrReadOnly if the lock file may not be written,
// idxdb.ErrReplaced, idxdb.ErrClosed.
func (r *Ranges) TryExclusive(from, to int64) (release func() error, ok bool, err error) {
	if err := checkNumbers(from, to); err != nil {
		return nil, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.currentLocked(); err != nil {
		return nil, false, err
	}
	// A description of its own: on r.file it would turn this process's shared
	// locks into exclusive ones instead of meeting them.
	f, err := os.OpenFile(r.path, os.O_RDWR|openFlags, 0)
	if err != nil {
		return nil, false, openError(r.path, err)
	}
	ok, err = setLock(f, unix.F_WRLCK, from, to)
	if !ok {
		f.Close()
		return nil, false, err
	}
	if err := r.sameFileLocked(f); err != nil {
		f.Close()
		return nil, false, err
	}
	return sync.OnceValue(f.Close), true, nil // closing the only descriptor unlocks
}

// Close gives up all shared locks. Exclusive ones stay until they are released.
func (r *Ranges) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return r.file.Close()
}

// currentLocked makes sure that r.file is the file that others open by path.
func (r *Ranges) currentLocked() error {
	if r.closed {
		return fmt.Errorf("lock %s: %w", r.path, idxdb.ErrClosed)
	}
	named, err := os.Lstat(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("lock %s: %w", r.path, err)
	}
	mine, statErr := r.file.Stat()
	if statErr != nil {
		return fmt.Errorf("lock %s: %w", r.path, statErr)
	}
	if err == nil && os.SameFile(mine, named) {
		return nil
	}
	if len(r.shares) > 0 {
		return r.replaced()
	}
	f, err := openShared(r.path, r.opts)
	if err != nil {
		return err
	}
	r.file.Close()
	r.file = f
	return nil
}

func (r *Ranges) sameFileLocked(f *os.File) error {
	mine, err1 := r.file.Stat()
	other, err2 := f.Stat()
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("lock %s: %w", r.path, err)
	}
	if !os.SameFile(mine, other) {
		return r.replaced()
	}
	return nil
}

func (r *Ranges) replaced() error {
	return fmt.Errorf("lock %s: %w: the lock file was deleted while it was in use", r.path, idxdb.ErrReplaced)
}

func checkNumbers(from, to int64) error {
	if from < 0 || to < from || to >= 1<<62 {
		return fmt.Errorf("%w: no such lock numbers: %d to %d", idxdb.ErrUsage, from, to)
	}
	return nil
}

// setLock reports false without an error if another holds a lock in the way.
func setLock(f *os.File, kind int16, from, to int64) (bool, error) {
	lk := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: rangeBase + from, Len: to - from + 1}
	for {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lk)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return false, nil
		}
		return false, fmt.Errorf("lock numbers %d to %d of %s: %w", from, to, f.Name(), err)
	}
}
