package fsstore

import (
	"errors"
	"io/fs"
	"os"

	"github.com/idxdb/idxdb/internal/atomicfile"
)

// A disk does everything that changes the file system, so that tests can make
// any single operation fail, or all after it.
type disk struct {
	before func(op, path string) error // nil outside of tests
}

func (d *disk) hook(op, path string) error {
	if d.before == nil {
		return nil
	}
	return d.before(op, path)
}

func (d *disk) rename(from, to string) error {
	if err := d.hook("rename", to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// remove removes a file or an empty directory, if there is one.
func (d *disk) remove(path string) error {
	if err := d.hook("remove", path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) removeAll(path string) error {
	if err := d.hook("removeAll", path); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

func (d *disk) syncDir(dir string) error {
	if err := d.hook("syncdir", dir); err != nil {
		return err
	}
	return atomicfile.SyncDir(dir)
}

func (d *disk) mkdirAll(dir string) error {
	return atomicfile.MkdirAll(dir, atomicfile.Options{Before: d.before})
}

// create makes a new file with these permissions.
func (d *disk) create(path string, mode fs.FileMode) (*os.File, error) {
	if err := d.hook("create", path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	// File systems without permissions refuse, and need none.
	_ = f.Chmod(mode)
	return f, nil
}

func (d *disk) write(f *os.File, p []byte) error {
	if err := d.hook("write", f.Name()); err != nil {
		return err
	}
	_, err := f.Write(p)
	return err
}

// syncFile flushes the file at path.
func (d *disk) syncFile(path string) error {
	if err := d.hook("sync", path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// put writes v to path, whole or not at all.
func (d *disk) put(path string, mode fs.FileMode, v any) error {
	text, err := encode(v)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, text, atomicfile.Options{Mode: mode, Before: d.before})
}
