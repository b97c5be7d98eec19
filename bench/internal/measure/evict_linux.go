package measure

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Evict drops the files in dir from the page cache. It returns false if the
// system cannot do that. No file in dir may be an SQLite database that this
// process has open: closing another descriptor of it would drop its locks.
func Evict(dir string) (bool, error) {
	unix.Sync() // dirty pages stay
	return true, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}
