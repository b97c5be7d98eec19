//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// umask is the process's, as it was at the start. There is no other way to read
// it on all systems than to set it.
var umask = readUmask()

func readUmask() fs.FileMode {
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	return fs.FileMode(mask) & fs.ModePerm
}

// SyncDir flushes the entries of dir to the disk, so that files created in it,
// renamed or removed are so after a power loss too. File systems that cannot do
// so for directories are taken to need no such thing.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if isUnsupported(err) || errors.Is(err, unix.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

func isUnsupported(err error) bool {
	return errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS)
}

// markInUse takes a lock on a temporary file, which ends with the file's
// descriptor. Where there are no locks, its age has to do.
func markInUse(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// isHeld reports whether somebody has a temporary file open that markInUse has
// locked, and whether that is known.
func isHeld(temp string) (held, known bool) {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return false, false
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	held = errors.Is(err, unix.EWOULDBLOCK)
	return held, held || err == nil
}
