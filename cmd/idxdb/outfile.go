package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/atomicfile"
)

// writeFile makes the file called name hold what write writes. A regular file is
// replaced only when all of it is on the disk; anything else, such as a named
// pipe or a device, is written to.
func writeFile(ctx context.Context, name string, write func(io.Writer) error) error {
	mode := fs.FileMode(0) // of a new file, as the umask says
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%w: %s is a directory, not a FILE", idxdb.ErrUsage, name)
	case err == nil && !info.Mode().IsRegular():
		return writeInPlace(ctx, name, write)
	case err == nil:
		mode = info.Mode().Perm()
		// Behind a symbolic link, the file is replaced and not the link.
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write: %w", err)
	}
	return writeAtomic(name, mode, write)
}

func writeInPlace(ctx context.Context, name string, write func(io.Writer) error) error {
	// Opening a named pipe waits for its reader.
	f, err := await(ctx, func() (*os.File, error) { return os.OpenFile(name, os.O_WRONLY, 0) })
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	err = write(&pipeWriter{ctx, f})
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("write: %w", cerr)
	}
	return err
}

func writeAtomic(name string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(name)
	atomicfile.RemoveStale(name)
	f, err := atomicfile.Create(name, atomicfile.Options{Mode: mode})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write %s: the directory %s does not exist", name, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("write %s: no permission to make files in %s", name, dir)
	case err != nil:
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err // its path is that of the temporary file
		}
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if cerr := f.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("write %s: %w", name, cerr)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
