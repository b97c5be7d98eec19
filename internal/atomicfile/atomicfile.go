// Package atomicfile writes files that are whole or not there.
//
// A [File] is written under a temporary name in the directory it belongs to,
// flushed to the disk, and only then renamed, and the directory flushed too: a
// reader sees the old file or the new one, and after a power loss it is one of
// the two. On Windows directories cannot be flushed; there the rename may be
// lost, but the file is still one of the two.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Options says how to write; the zero value gives the file the mode that the
// umask leaves of 0666.
type Options struct {
	// Mode is the permissions of the file, whatever the umask; 0 is 0666 less
	// the umask. See ModeFor.
	Mode fs.FileMode

	// Before is called before each operation on the file system, with its name
	// and path. Its error becomes the operation's. It is for tests that make
	// operations fail.
	Before func(op, path string) error
}

func (o Options) before(op, path string) error {
	if o.Before == nil {
		return nil
	}
	return o.Before(op, path)
}

// A File is a file being written under a temporary name. It must be ended with
// Commit or Close; Close after Commit does nothing.
type File struct {
	f    *os.File // nil once it is closed
	path string
	opts Options
}

// Create begins a new file that is to be at path. It touches nothing that is
// there.
func Create(path string, opts Options) (*File, error) {
	if err := opts.before("create", path); err != nil {
		return nil, err
	}
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	for range 1000 {
		f, err := os.OpenFile(filepath.Join(dir, tempName(name)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		markInUse(f)
		if opts.Mode != 0 {
			if err := f.Chmod(opts.Mode); err != nil && !isUnsupported(err) {
				f.Close()
				return nil, errors.Join(err, os.Remove(f.Name()))
			}
		}
		return &File{f: f, path: path, opts: opts}, nil
	}
	return nil, fmt.Errorf("%s: no free name for a temporary file", dir)
}

// Write appends p.
func (f *File) Write(p []byte) (int, error) {
	if f.f == nil {
		return 0, fs.ErrClosed
	}
	if err := f.opts.before("write", f.path); err != nil {
		return 0, err
	}
	return f.f.Write(p)
}

// Sync flushes what was written to the disk.
func (f *File) Sync() error {
	if f.f == nil {
		return fs.ErrClosed
	}
	if err := f.opts.before("sync", f.path); err != nil {
		return err
	}
	return f.f.Sync()
}

// Name returns the temporary file's path.
func (f *File) Name() string { return f.f.Name() }

// Stat describes the temporary file.
func (f *File) Stat() (fs.FileInfo, error) { return f.f.Stat() }

// Close removes the temporary file, unless the file was committed.
func (f *File) Close() error {
	if f.f == nil {
		return nil
	}
	name := f.f.Name()
	err := f.f.Close()
	f.f = nil
	if hookErr := f.opts.before("remove", name); hookErr != nil {
		return errors.Join(err, hookErr)
	}
	return errors.Join(err, os.Remove(name))
}

// Commit flushes the file and puts it at its path, in place of what is there.
// After an error the path holds what it held, but for an error of the last
// step, flushing the directory: then the new file is there, but may not survive
// a power loss. The temporary file is gone in either case.
func (f *File) Commit() error {
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	name := f.f.Name()
	err := f.f.Close() // some systems report only here that writing failed
	f.f = nil
	if err == nil {
		err = f.opts.before("rename", f.path)
	}
	if err == nil {
		err = os.Rename(name, f.path)
	}
	if err != nil {
		return errors.Join(err, removeTemp(name, f.opts))
	}
	dir := filepath.Dir(f.path)
	if err := f.opts.before("syncdir", dir); err != nil {
		return err
	}
	return SyncDir(dir)
}

func removeTemp(name string, opts Options) error {
	if err := opts.before("remove", name); err != nil {
		return err
	}
	return os.Remove(name)
}

// WriteFile puts a file with this content at path, in place of what is there,
// as [File.Commit] does.
func WriteFile(path string, content []byte, opts Options) error {
	f, err := Create(path, opts)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Commit()
}

// ModeFor returns the permissions for a new file in dir: 0666 less the umask. In
// a directory that is shared with a group (set-gid and group-writable) the group
// may read and write the file whatever the umask. Others may never do with the
// file what they may not do with the directory. If dir cannot be looked at, the
// umask alone decides.
func ModeFor(dir string) fs.FileMode {
	mode := 0o666 &^ umask
	info, err := os.Stat(dir)
	if err != nil {
		return mode
	}
	return modeIn(info.Mode(), mode)
}

func modeIn(dir, mode fs.FileMode) fs.FileMode {
	if dir&fs.ModeSetgid != 0 && dir&0o020 != 0 {
		mode |= 0o060
	}
	return mode & (dir | 0o770)
}

// MkdirAll makes dir and what is missing above it, each with the permissions
// that ModeFor gives files, plus those to search it; a directory in one that is
// shared with a group is shared with it too. New entries are flushed to the
// disk.
func MkdirAll(dir string, opts Options) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: errNotDir}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent, opts); err != nil {
			return err
		}
	}
	if err := opts.before("mkdir", dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); errors.Is(err, fs.ErrExist) {
		return nil // somebody else was faster
	} else if err != nil {
		return err
	}
	if info, err := os.Stat(parent); err == nil && info.Mode()&fs.ModeSetgid != 0 && info.Mode()&0o020 != 0 {
		mode := modeIn(info.Mode(), 0o777&^umask) | 0o070
		if err := os.Chmod(dir, mode|fs.ModeSetgid); err != nil && !isUnsupported(err) {
			return err
		}
	}
	if err := opts.before("syncdir", parent); err != nil {
		return err
	}
	return SyncDir(parent)
}
