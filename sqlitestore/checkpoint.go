package sqlitestore

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// Commits go to the write-ahead log first (NAME-wal). A checkpoint copies them
// into the file; when all are copied and nobody reads from the log, the next
// commit begins it anew. SQLite would do so inside of a commit, while all others
// wait. Here it runs beside the turns of others, and only where that does not
// suffice, because commits come faster than they are copied, inside of a turn.
var (
	// checkpointAbove is how many bytes of commits may lie in the log that are not
	// copied. Tests make it smaller.
	checkpointAbove int64 = 4 << 20

	// restartAbove is how large the log may become before a turn makes sure that
	// it begins anew. What the turns that are waiting add comes on top, so the
	// log stays well below twice this. Tests make it smaller.
	restartAbove int64 = 32 << 20
)

// restartPatience is how long a turn waits for readers to leave the log, in
// milliseconds. Ours read in short transactions.
const restartPatience = 20

// frameSize is what a page takes in the log, in bytes.
const frameSize = schema.PageSize + 24

// A checkpointer is the connection for checkpoints. It is opened when it is first
// needed.
type checkpointer struct {
	path  string
	check func() error // whether path still names the file that was opened

	mu      sync.Mutex // held while a checkpoint runs
	db      *sql.DB
	passive *sql.Stmt
	restart *sql.Stmt

	// retry is how large the log must be for the next attempt to begin it anew.
	// It belongs to the turn to write.
	retry int64
}

// logSize returns how large the log is, and how much of it is not copied into
// the file yet. It changes nothing.
func (cn *conn) logSize() (size, pending int64, err error) {
	err = cn.query(logFrames, func(rows *sql.Rows) error {
		var busy, frames, copied int64
		if err := scan(rows, &busy, &frames, &copied); err != nil {
			return err
		}
		size, pending = max(frames, 0)*frameSize, max(frames-copied, 0)*frameSize
		return nil
	})
	return size, pending, err
}

// open is called with mu held.
func (c *checkpointer) open() error {
	if c.db != nil {
		return nil
	}
	// Opened by name, it could copy our log into another file.
	if err := c.check(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(c.path, forCheckpoints))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if c.passive, err = db.Prepare("PRAGMA wal_checkpoint(PASSIVE)"); err == nil {
		c.restart, err = db.Prepare("PRAGMA wal_checkpoint(RESTART)")
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		db.Close()
		return translate(err)
	}
	c.db = db
	return nil
}

func (c *checkpointer) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return nil
	}
	// Closing a statement cannot fail in a way that closing its connection does
	// not report.
	_ = c.passive.Close()
	_ = c.restart.Close()
	return c.db.Close()
}

// run is called with mu held. It reports whether something was in the way.
func (c *checkpointer) run(stmt **sql.Stmt) (busy bool, err error) {
	if err := c.open(); err != nil {
		return false, err
	}
	if err := c.check(); err != nil {
		return false, err
	}
	var frames, copied int64
	err = (*stmt).QueryRow().Scan(&busy, &frames, &copied)
	return busy, translate(err)
}

// checkpoint brings what is in the log into the file, as far as no reader is in
// the way. The file does not become smaller before that.
func (s *Store) checkpoint() error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	s.checkpoints.mu.Lock()
	defer s.checkpoints.mu.Unlock()
	_, err := s.checkpoints.run(&s.checkpoints.passive)
	return err
}

// checkpointLater is called after a turn, with what is pending then. One
// checkpoint at a time runs in the background, and Close waits for it.
func (s *Store) checkpointLater(pending int64) {
	if pending < checkpointAbove || !s.checkpoints.mu.TryLock() {
		return
	}
	if !s.begin() {
		s.checkpoints.mu.Unlock()
		return
	}
	go func() {
		defer s.running.Done()
		defer s.checkpoints.mu.Unlock()
		// The commits are safe in the log. An error that stays will be met again
		// by a save, a vacuum or the last close, and told there.
		_, _ = s.checkpoints.run(&s.checkpoints.passive)
	}()
}

// restartLog is called at the end of a turn. If the log is large, it sees to it
// that the next commit begins it anew.
func (s *Store) restartLog(size int64) {
	c := &s.checkpoints
	if size < restartAbove {
		c.retry = 0
		return
	}
	if size < c.retry || !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		busy, err := c.run(&c.restart)
		if !busy && err == nil {
			return
		}
		// SQLite waits for readers by itself, but not for a checkpoint of another
		// process.
		if err != nil || time.Since(start) > restartPatience*time.Millisecond {
			break
		}
	}
	// Every attempt makes others wait, so the next one comes when the log has
	// grown some more.
	c.retry = size + restartAbove/8
}

// readLogSize returns how large the log is now.
func (s *Store) readLogSize(ctx context.Context) (idxdb.LogSize, error) {
	var log idxdb.LogSize
	if err := s.checkOpen(); err != nil || s.immutable {
		return log, err
	}
	cn, err := s.readers.get(ctx)
	if err != nil {
		return log, err
	}
	defer s.readers.put(cn)
	_, log.Pending, err = cn.logSize() // outside of a transaction, where SQLite refuses it
	log.Size = sizeOf(s.path + "-wal")
	return log, err
}
