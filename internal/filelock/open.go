package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
	"github.com/idxdb/idxdb"
)

// maxTries bounds how often the lock file may be deleted or replaced by others
// while it is being opened.
const maxTries = 1000

// lockFile waits for the kernel's lock on the file that path names when the
// wait is over.
func lockFile(path string, opts Options) (*flock.Flock, error) {
	for range maxTries {
		if err := ensure(path, opts); err != nil {
			return nil, err
		}
		// Exclusive locks on NFS need a descriptor that may write.
		f := flock.New(path, flock.SetFlag(os.O_RDWR|openFlags))
		if err := f.Lock(); errors.Is(err, fs.ErrNotExist) {
			continue // deleted since
		} else if err != nil {
			return nil, openError(path, err)
		}
		// The file may have been deleted while we waited. Whoever comes next
		// would make a new one, and lock that.
		locked, err := f.Stat()
		if err != nil {
			_ = f.Unlock()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		named, err := os.Lstat(path)
		if err == nil && os.SameFile(locked, named) {
			return f, nil
		}
		_ = f.Unlock()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("lock %s: something deletes or replaces it again and again", path)
}

// ensure makes sure that the lock file exists and may be written.
func ensure(path string, opts Options) error {
	for try := 0; ; try++ {
		// First without O_CREAT: in sticky directories fs.protected_regular
		// refuses it on files of others, even where they may be written.
		f, err := os.OpenFile(path, os.O_RDWR|openFlags, 0)
		switch {
		case err == nil:
			info, err := f.Stat()
			f.Close()
			if err == nil && !info.Mode().IsRegular() {
				err = fmt.Errorf("%w: it is not a regular file", idxdb.ErrNotStore)
			}
			if err != nil {
				return fmt.Errorf("lock %s: %w", path, err)
			}
			return nil
		case errors.Is(err, fs.ErrPermission) && try < 5:
			// Perhaps just created, and its mode not yet set.
			time.Sleep(10 * time.Millisecond)
			continue
		case !errors.Is(err, fs.ErrNotExist) || !opts.Create || try >= maxTries:
			return openError(path, err)
		}
		if err := create(path, opts.Mode); err != nil && !errors.Is(err, fs.ErrExist) {
			return openError(path, err)
		}
	}
}

func create(path string, mode fs.FileMode) error {
	perm := mode
	if mode == 0 {
		perm = 0o666
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|openFlags, perm)
	if err != nil {
		return err
	}
	if mode != 0 {
		err = f.Chmod(mode) // the umask took some
	}
	return errors.Join(err, f.Close())
}

func openError(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) || isReadOnlyFS(err) {
		return fmt.Errorf("lock %s: %w: changing this store needs write permission on its lock file and directory: %w",
			path, idxdb.ErrReadOnly, err)
	}
	return fmt.Errorf("lock %s: %w", path, err)
}
