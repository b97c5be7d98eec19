package sqlitestore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/idxdb/idxdb"
)

// SQLite finds the log of a database by name. If another file is put in the
// database's place while it is open, the log of the old one lies beside the new
// one, and whoever opens that next has the one replayed into the other. Nothing in
// the log says to which file it belongs, so whoever opens a store writes that
// down: an extended attribute of the -wal file names both files by inode and time
// of birth. Where there are no extended attributes, this protection is missing.

// An owner says which log belongs to which database.
type owner struct{ database, log string }

func (o owner) text() string { return o.database + " " + o.log }

// claimLog notes that the log is that of the file that was opened.
func (s *Store) claimLog() {
	if s.identity == "" || s.checkReplaced() != nil {
		return
	}
	if _, ok := logOwner(s.path + "-wal"); !ok {
		setLogOwner(s.path+"-wal", owner{s.identity, identity(s.path + "-wal")})
	}
}

// foreignLog reports whether the log beside path is that of another file, which
// was at path before.
func foreignLog(path string) bool {
	o, ok := logOwner(path + "-wal")
	if !ok || o.log != identity(path+"-wal") {
		return false // not known, or the log was copied together with its database
	}
	return o.database != identity(path)
}

// putForeignLogAside makes room for the log of the file at path. What it puts
// aside may hold what was saved to a file that was moved away.
func (s *Store) putForeignLogAside(ctx context.Context) error {
	if s.opts.CorruptibleOnNetwork || !foreignLog(s.path) {
		return nil
	}
	release, err := s.lock.Acquire(ctx, "open")
	if err != nil {
		return err
	}
	defer release()
	if !foreignLog(s.path) {
		return nil // somebody else was faster
	}
	return putLogAside(s.path)
}

// putLogAside is called by who has the turn to write.
func putLogAside(path string) error {
	aside := fmt.Sprintf("%s-wal.replaced-%s", path, hex.EncodeToString(newLineage()[:4]))
	if err := os.Rename(path+"-wal", aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: beside the store lies the log of the file that was here before, and it cannot be put aside: %w", idxdb.ErrReplaced, err)
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: beside the store lies the -shm file of the file that was here before: %w", idxdb.ErrReplaced, err)
	}
	return nil
}

// rescueLog is called by who has the turn to write and finds that the store was
// replaced. What was saved before may be in the log only, where nobody would look
// for it: it goes into the file that was opened, wherever that is now. The log
// stays where it is, for whoever opens what is at the path to put it aside.
func (s *Store) rescueLog() {
	if s.writer == nil {
		return
	}
	if now, err := os.Stat(s.path); err == nil && sameFile(now, s.file) {
		return // only the log was replaced, and others may have begun with the new one
	}
	// If it fails, the saves are in the log that is put aside.
	_, _ = s.writer.c.ExecContext(background, "PRAGMA wal_checkpoint(PASSIVE)")
}

// rescueAtClose is rescueLog for a store that nobody wrote to since it was
// replaced. SQLite itself leaves the log of a file that was moved as it is.
func (s *Store) rescueAtClose() {
	if !errors.Is(s.checkReplaced(), idxdb.ErrReplaced) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	release, err := s.lock.Acquire(ctx, "close")
	if err != nil {
		return // who has the lock will rescue it
	}
	defer release()
	s.rescueLog()
}
