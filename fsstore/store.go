package fsstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/atomicfile"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/internal/netfs"
)

// Options says how to open a store; the zero value opens one that exists, to
// read and write.
type Options struct {
	ReadOnly bool          // every change fails with idxdb.ErrReadOnly, and nothing is written
	Create   bool          // make the store if the directory does not exist or is empty
	Timeout  time.Duration // longest wait for other writers; 0 is 30 s, < 0 is no limit but the context's

	// OnWait, if set, is called once for each wait for other writers that has lasted
	// a second, with who is in the way. It is called from a goroutine of its own.
	OnWait func(idxdb.Holder)

	// Warn is told, in a sentence, what people should know though nothing failed:
	// that an unfinished save was dropped because ctxc had saved since, that a
	// directory has a name that cannot be a key, or that the store is on a network
	// file system. nil: nobody is told.
	Warn func(text string)
}

// A Store is a directory of index states.
type Store struct {
	dir    string
	opts   Options
	lock   *filelock.Lock
	made   fs.FileInfo // the directory as it was opened
	disk   disk
	closed atomic.Bool
	hashes hashCache

	mu      sync.Mutex
	seen    map[string]seen // what was last said of versions that ctxc saved, by key
	session *session        // where this process prepares its saves, nil before the first
	swept   bool            // what dead processes left was removed
}

var (
	_ idxdb.Store      = (*Store)(nil)
	_ idxdb.Renamer    = (*Store)(nil)
	_ idxdb.Cloner     = (*Store)(nil)
	_ idxdb.Importer   = (*Store)(nil)
	_ idxdb.BatchSaver = (*Store)(nil)
	_ idxdb.Verifier   = (*Store)(nil)
	_ idxdb.Inspector  = (*Store)(nil)
	_ idxdb.Vacuumer   = (*Store)(nil)
)

// Open opens the store in dir. The caller closes it. Errors: idxdb.ErrNotFound if
// the directory is not there or empty and Options.Create is not set, idxdb.ErrNotStore if
// dir is no directory, or holds other things and nothing of a store,
// idxdb.ErrNewerFormat.
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if opts.Warn == nil {
		opts.Warn = func(string) {}
	}
	s := &Store{dir: abs, opts: opts, seen: map[string]seen{}}
	if opts.Create && !opts.ReadOnly {
		// Before anything looks at its permissions. If it cannot be made, check
		// says why.
		_ = s.disk.mkdirAll(abs)
	}
	s.lock = filelock.New(s.own(lockFile), filelock.Options{
		Timeout: opts.Timeout, Create: true, Mode: atomicfile.ModeFor(abs), OnWait: opts.OnWait,
	})
	if err := s.check(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if s.made, err = os.Stat(abs); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if where, err := netfs.Of(abs); err == nil && where.Network() && !opts.ReadOnly {
		s.opts.Warn(fmt.Sprintf("%s is on %s: only one machine may save there", dir, where))
	}
	return s, nil
}

// check makes sure that there is a store, or makes one.
func (s *Store) check(ctx context.Context) error {
	list, err := os.ReadDir(s.dir)
	switch {
	case isNotDir(err):
		return fmt.Errorf("%w: it is a file, a store is a directory", idxdb.ErrNotStore)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case len(list) == 0:
		if !s.opts.Create || s.opts.ReadOnly {
			return fmt.Errorf("%w: there is no store in this directory", idxdb.ErrNotFound)
		}
		return s.change(ctx, "create", func() error { return nil })
	}
	if !slices.ContainsFunc(list, func(e fs.DirEntry) bool {
		return e.Name() == indexesDir || e.Name() == ownDir || e.Name() == stateFile
	}) {
		return fmt.Errorf("%w: it is not empty, and holds neither %s nor %s", idxdb.ErrNotStore, indexesDir, stateFile)
	}
	_, err = s.readFormat()
	return err
}

// readFormat returns the zero formatRecord if nothing of ours was written yet.
func (s *Store) readFormat() (formatRecord, error) {
	var f formatRecord
	b, err := readOptional(s.own(formatFile))
	if err != nil || b == nil {
		return f, err
	}
	if err := decode(s.own(formatFile), b, &f); err != nil {
		return f, err
	}
	if f.Format > format {
		return f, fmt.Errorf("%w: its format is %d, this program knows %d: use a newer program",
			idxdb.ErrNewerFormat, f.Format, format)
	}
	return f, nil
}

// Close releases what the store holds. Documents still open become unreadable.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.lock.Close()
	if s.session != nil {
		err = errors.Join(err, s.session.end(&s.disk))
		s.session = nil
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", s.dir, err)
	}
	return nil
}

// usable returns the error of an operation on a store that is closed, or read-only
// and to be changed, or of a context that has ended.
func (s *Store) usable(ctx context.Context, change bool) error {
	switch {
	case s.closed.Load():
		return idxdb.ErrClosed
	case change && s.opts.ReadOnly:
		return fmt.Errorf("%w: %s was opened to read only", idxdb.ErrReadOnly, s.dir)
	}
	return ctx.Err()
}

// change runs f under the store's lock, when what others began is done.
func (s *Store) change(ctx context.Context, operation string, f func() error) (err error) {
	if err := s.prepare(); err != nil {
		return err
	}
	release, err := s.lock.Acquire(ctx, operation)
	if err != nil {
		return err
	}
	defer func() {
		// The lock is gone with the process at the latest; what was done under it
		// is done.
		_ = release()
	}()
	if s.closed.Load() {
		return idxdb.ErrClosed
	}
	have, err := s.readFormat()
	if err != nil {
		return err
	}
	if have.Format == 0 {
		var lineage [16]byte
		rand.Read(lineage[:])
		f := formatRecord{Format: format, Lineage: hex.EncodeToString(lineage[:]), CreatedAt: time.Now().UTC()}
		if err := s.disk.put(s.own(formatFile), s.mode(), f); err != nil {
			return writeError(err)
		}
	}
	if err := s.recover(); err != nil {
		return err
	}
	s.mu.Lock()
	sweep := !s.swept
	s.swept = true
	s.mu.Unlock()
	if sweep {
		if err := s.sweep(ctx); err != nil {
			return err
		}
	}
	return f()
}

// replaced returns an error if the directory is not the one that was opened.
func (s *Store) replaced() error {
	if s.made == nil {
		return nil // it is being opened
	}
	switch now, err := os.Stat(s.dir); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s was deleted while it was open; nothing was saved", idxdb.ErrReplaced, s.dir)
	case err == nil && !os.SameFile(now, s.made):
		return fmt.Errorf("%w: another directory was put in the place of %s while it was open; nothing was saved there", idxdb.ErrReplaced, s.dir)
	}
	return nil // what else is wrong, the operation itself will tell
}

// prepare makes the directories that writing needs.
func (s *Store) prepare() error {
	if err := s.replaced(); err != nil {
		return err
	}
	for _, dir := range []string{s.own(keysDir), s.own(claimsDir), s.own(tempDir), filepath.Join(s.dir, indexesDir)} {
		if err := s.disk.mkdirAll(dir); err != nil {
			return writeError(err)
		}
	}
	return nil
}

// mode is the permissions of new files.
func (s *Store) mode() fs.FileMode { return atomicfile.ModeFor(s.dir) }

// writeError says what to do about a directory that may not be written.
func writeError(err error) error {
	if !errors.Is(err, idxdb.ErrReadOnly) && (errors.Is(err, fs.ErrPermission) || isReadOnlyFS(err)) {
		return fmt.Errorf("%w: no permission: whoever saves must be able to write to the store's directory and what is in it; its owner can allow it with chmod or chgrp: %w", idxdb.ErrReadOnly, err)
	}
	return err
}
