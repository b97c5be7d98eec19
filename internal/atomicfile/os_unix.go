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
