package sqlitestore

import (
	"context"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
	sqlite3 "modernc.org/sqlite/lib"
)

// OpenKnowing is Open of a program that knows other formats than this one.
func OpenKnowing(ctx context.Context, path string, opts Options, known schema.Formats) (*Store, error) {
	return open(ctx, path, opts, known)
}

// SetStageLimit makes saves store their chunks in more turns.
func SetStageLimit(t testing.TB, bytes int) {
	before := stageLimit
	stageLimit = bytes
	t.Cleanup(func() { stageLimit = before })
}

// SetFastAbove sets from which size in bytes a first save is compressed for
// speed.
func SetFastAbove(t testing.TB, bytes int64) {
	before := fastAbove
	fastAbove = bytes
	t.Cleanup(func() { fastAbove = before })
}

// SetPacking sets from how many bytes on chunks are packed, and how many go into
// one frame.
func SetPacking(t testing.TB, least, size int) {
	l, s := packLeast, packSize
	packLeast, packSize = least, size
	t.Cleanup(func() { packLeast, packSize = l, s })
}

// SetKeepLimit sets how many bytes of frames a load keeps.
func SetKeepLimit(t testing.TB, bytes int) {
	before := keepLimit
	keepLimit = bytes
	t.Cleanup(func() { keepLimit = before })
}

// The steps of a vacuum, one by one.

func (s *Store) Purge(ctx context.Context) error {
	_, err := s.purgeDeleted(ctx, func(string, int64, int64) {})
	return err
}

func (s *Store) Mark(ctx context.Context) error {
	return s.markGarbage(ctx, func(string, int64, int64) {})
}

func (s *Store) Sweep(ctx context.Context) (int64, error) {
	removed, _, err := s.sweep(ctx, func(string, int64, int64) {})
	return removed, err
}

func (s *Store) Pack(ctx context.Context) (packed int64, err error) {
	var report idxdb.VacuumReport
	err = s.pack(ctx, &report, func(string, int64, int64) {})
	return report.ChunksPacked, err
}

// Compact writes all rows of chunks anew.
func (s *Store) Compact(ctx context.Context) error {
	return s.compact(ctx, 1<<40, func(string, int64, int64) {})
}

func (s *Store) DropFrames(ctx context.Context) error {
	_, err := s.dropFrames(ctx)
	return err
}

// Statements returns all SQL text that runs on an open file.
func Statements() []string { return append(readSQL[:], writeSQL[:]...) }

// SetLogLimits sets from how many bytes of commits on a checkpoint runs, and how
// large the log may become before a turn begins it anew.
func SetLogLimits(t testing.TB, checkpoint, restart int64) {
	beforeCheckpoint, beforeRestart := checkpointAbove, restartAbove
	checkpointAbove, restartAbove = checkpoint, restart
	t.Cleanup(func() { checkpointAbove, restartAbove = beforeCheckpoint, beforeRestart })
}

// LogSize returns how large the log is.
func (s *Store) LogSize() (idxdb.LogSize, error) { return s.readLogSize(context.Background()) }

// SetCompareShare makes watchers compare all keys less often.
func SetCompareShare(t testing.TB, share time.Duration) {
	before := compareShare
	compareShare = share
	t.Cleanup(func() { compareShare = before })
}

// Watchers returns how many watchers have something open.
func (s *Store) Watchers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watchers)
}

// commitError is an error of SQLite's by its code.
type commitError struct{}

func (commitError) Error() string { return "disk I/O error" }
func (commitError) Code() int     { return sqlite3.SQLITE_IOERR_FSYNC }

// FailCommit makes commits fail until restore is called, after they happened or
// instead.
func FailCommit(happened bool) (restore func()) {
	before := runCommit
	runCommit = func(cn *conn) error {
		if happened {
			if err := before(cn); err != nil {
				return err
			}
		}
		return commitError{}
	}
	return func() { runCommit = before }
}

// AfterCommit calls do after each commit until restore is called.
func AfterCommit(do func()) (restore func()) {
	before := runCommit
	runCommit = func(cn *conn) error {
		err := before(cn)
		if err == nil {
			do()
		}
		return err
	}
	return func() { runCommit = before }
}

// HoldTurn takes the turn to write and keeps it until release is called.
func (s *Store) HoldTurn() (release func()) {
	in, out, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.update(background, "wait", func(*conn) (bool, error) { close(in); <-out; return false, nil })
	}()
	<-in
	return func() { close(out); <-ended }
}

// Listed returns how many times this process has the file of s listed as open.
func (s *Store) Listed() (n int) {
	opened.Lock()
	defer opened.Unlock()
	for _, file := range opened.files {
		if sameFile(file, s.file) {
			n++
		}
	}
	return n
}

// ForgetRanges makes s one that cannot mark the epochs that it uses. It is closed
// without its lock file.
func (s *Store) ForgetRanges() {
	s.ranges.Close()
	s.ranges = nil
}
