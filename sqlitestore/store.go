package sqlitestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/internal/schema"
)

// Options says how to open a store; the zero value opens an existing one for
// reading and writing.
type Options struct {
	ReadOnly bool          // every change fails with idxdb.ErrReadOnly
	Create   bool          // make the file if it does not exist
	Timeout  time.Duration // longest wait for the turn to write; 0 is 30 s
	Readers  int           // connections for reading, at most; 0 is 4

	// OnWait, if set, is called once for each wait for the turn to write that has
	// lasted a second, with who has it. It is called from a goroutine of its own.
	OnWait func(idxdb.Holder)

	// Warn, if set, is called during Open with one line of text when there is
	// something that is no error but worth knowing: the log of another file was
	// found beside the store and put aside.
	Warn func(text string)

	// CorruptibleOnNetwork opens the file where SQLite's locks and shared memory
	// cannot be trusted: on NFS, SMB, FUSE and filesystems that are not known. It
	// is safe only as long as one machine alone uses the file, and nothing can
	// check that.
	CorruptibleOnNetwork bool
}

// A Store is an open file. It implements idxdb.Store and every optional
// capability that package idxdb has for stores with a history.
type Store struct {
	path    string // absolute, without symbolic links
	opts    Options
	formats schema.Formats
	older   atomic.Bool // the file had a format that is too old to write, when it was last looked at

	lock     *filelock.Lock   // the turn to write
	ranges   *filelock.Ranges // marks the epochs that are in use; nil if it cannot
	file     fs.FileInfo      // of the database when it was opened
	identity string           // likewise; "" where files have none
	beside   []fs.FileInfo    // its -wal and -shm, once they are known

	readers     *pool
	immutable   bool // nobody has the file open, and we may not take part; see openImmutable
	checkpoints checkpointer
	writing     sync.Mutex // held by who uses writer, inside of lock
	writer      *conn      // nil if ReadOnly

	bases recentBases

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	once   sync.Once
	unlist func() // to be called when no connection is left; see opened

	mu       sync.Mutex
	watchers map[*watcher]bool
	closed   bool
	running  sync.WaitGroup // goroutines of loads
}

var (
	_ idxdb.Store      = (*Store)(nil)
	_ idxdb.Historian  = (*Store)(nil)
	_ idxdb.Renamer    = (*Store)(nil)
	_ idxdb.Cloner     = (*Store)(nil)
	_ idxdb.BatchSaver = (*Store)(nil)
	_ idxdb.Importer   = (*Store)(nil)
	_ idxdb.Verifier   = (*Store)(nil)
	_ idxdb.Vacuumer   = (*Store)(nil)
	_ idxdb.Inspector  = (*Store)(nil)
	_ idxdb.Upgrader   = (*Store)(nil)

	_ idxdb.UpgradePlanner = (*Store)(nil)
)

// Open opens the store at path. The caller closes it.
//
// Errors: idxdb.ErrNotFound if there is no file and Options.Create is not set;
// idxdb.ErrNotStore if the file is something else; idxdb.ErrNewerFormat if it
// takes a newer program to read it, or to change it and Options.ReadOnly is not
// set (a file of an older format is opened, and can be read and upgraded);
// idxdb.ErrCorrupt; idxdb.ErrUnsupported for a network filesystem or a file with
// more than one hard link; idxdb.ErrReplaced if beside the file lies the log of
// another one, and it takes the user to say what is to become of it.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	s, err := open(ctx, path, opts, schema.Known())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, opts Options, known schema.Formats) (_ *Store, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if path, err = resolve(path); err != nil {
		return nil, err
	}
	if err := checkFilesystem(path, opts); err != nil {
		return nil, err
	}
	s := &Store{path: path, opts: opts, formats: known, checkpoints: checkpointer{path: path}, watchers: map[*watcher]bool{}}
	s.lock = filelock.New(lockPath(path), filelock.Options{
		Timeout: opts.Timeout,
		Create:  true,
		Mode:    fileMode(path),
		OnWait:  opts.OnWait,
	})
	s.file, err = checkFile(path)
	if errors.Is(err, fs.ErrNotExist) && opts.Create && !opts.ReadOnly {
		if err = s.create(ctx); err == nil {
			s.file, err = checkFile(path)
		}
	}
	if err != nil {
		return nil, err
	}
	if s.identity = identity(path); opts.CorruptibleOnNetwork {
		s.identity = "" // inodes may change there
	}
	if s.unlist, err = enlist(s.file, path); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := s.settleLog(ctx); err != nil {
		return nil, err
	}
	if err := s.openRanges(); err != nil {
		return nil, err
	}
	s.readers = newPool(s.path, opts, known)
	s.readers.check, s.checkpoints.check = s.checkReplaced, s.checkReplaced
	err = s.viewAny(ctx, s.checkFormat)
	if opts.ReadOnly && errors.Is(err, idxdb.ErrReadOnly) {
		err = s.openImmutable(ctx)
	}
	if err != nil {
		return nil, err
	}
	if !opts.ReadOnly {
		if s.writer, err = openConn(s.path, forWriting, known); err != nil {
			return nil, err
		}
		if err = s.checkReplaced(); err != nil {
			return nil, err
		}
		s.findBeside()
		s.claimLog()
	}
	return s, nil
}

// openRanges opens the lock file for the epoch locks. Where that is not
// possible, nobody can be collecting garbage either, unless it is for want of
// permission: then a load that runs into it fails, and says so; see loader.advance.
func (s *Store) openRanges() error {
	ranges, err := filelock.OpenRanges(lockPath(s.path), filelock.Options{Create: true, Mode: fileMode(s.path)})
	switch {
	case err == nil:
		s.ranges = ranges
		return nil
	case errors.Is(err, idxdb.ErrUnsupported), errors.Is(err, idxdb.ErrReadOnly),
		errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// Path returns the absolute path of the file.
func (s *Store) Path() string { return s.path }

// Close ends all loads and closes the file. It waits for those who use a
// connection at the moment, and for a save that has its turn. It may be called
// more than once.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.cancel()
		s.endWatches()
		s.running.Wait()
		if s.readers != nil {
			err = s.readers.close()
		}
		if s.writer != nil {
			s.rescueAtClose()
			s.writing.Lock() // a save that has its turn finishes it first
			err = errors.Join(err, s.writer.close())
			s.writing.Unlock()
		}
		err = errors.Join(err, s.checkpoints.close())
		s.unlist()
		s.lock.Close()
		if s.ranges != nil {
			err = errors.Join(err, s.ranges.Close())
		}
	})
	return err
}

// begin counts a goroutine that Close must wait for, unless it is too late.
func (s *Store) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

func (s *Store) checkOpen() error {
	if s.ctx.Err() != nil {
		return idxdb.ErrClosed
	}
	return nil
}

// checkWritable fails where nothing can be saved, or it takes an upgrade first.
func (s *Store) checkWritable() error {
	if err := s.checkChangeable(); err != nil {
		return err
	}
	return s.checkOlder()
}

func (s *Store) checkChangeable() error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	if s.opts.ReadOnly {
		return fmt.Errorf("%w: the store was opened for reading only", idxdb.ErrReadOnly)
	}
	return nil
}

func newLineage() []byte {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return b
}

// unixMicro is the time format of the file.
func unixMicro(t time.Time) int64 { return t.UnixMicro() }

func lockPath(path string) string { return path + ".lock" }

func sameFile(a, b fs.FileInfo) bool { return os.SameFile(a, b) }
