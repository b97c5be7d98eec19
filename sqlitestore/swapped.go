package sqlitestore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/idxdb/idxdb"
)

// SQLite finds the log of a database by name. If another file is put in the
// database's place while the log has commits, the log of the old one lies beside
// the new one, and whoever opens that next has the one replayed into the other.
// Nothing in the log says to which file it belongs, so whoever opens a store writes
// that down: an extended attribute of the -wal file names both files by inode and
// time of birth, and the store by its lineage. Where there are no extended
// attributes, this protection is missing.
//
// A log that is another file's is never dropped on a guess. Of a store with
// another lineage it cannot be this file's; it is put aside. With the same lineage,
// the file may be an older copy of the store, into which the log must not go, or a
// copy of the very file that the log was written for, which is incomplete without
// it. Only who put it there knows, so it is not opened.

// An owner says which log belongs to which database.
type owner struct{ database, log, lineage string }

func (o owner) text() string { return o.database + " " + o.log + " " + o.lineage }

// parseOwner leaves empty what the text does not have.
func parseOwner(text string) owner {
	fields := append(strings.Fields(text), "", "", "")
	return owner{fields[0], fields[1], fields[2]}
}

// claimLog notes that the log is that of the file that was opened. Without a note,
// a log is taken for that of the file it lies beside.
func (s *Store) claimLog() {
	if s.identity == "" || s.checkReplaced() != nil {
		return
	}
	log := identity(s.path + "-wal")
	if o, ok := logOwner(s.path + "-wal"); ok && o.log == log {
		return
	}
	meta, err := s.writer.meta()
	if err != nil {
		return // the first who uses the file is told
	}
	setLogOwner(s.path+"-wal", owner{s.identity, log, hex.EncodeToString(meta.Lineage)})
}

type logVerdict int

const (
	logIsOurs    logVerdict = iota // or nothing is known of it
	logIsEmpty                     // of another file, without commits
	logIsForeign                   // of another store, for certain
	logIsUnclear                   // of another file, of the same store or of who knows which
)

func (s *Store) judgeLog() logVerdict {
	path := s.path
	o, ok := logOwner(path + "-wal")
	switch {
	case !ok, o.log != identity(path+"-wal"): // not known, or copied together with its database
		return logIsOurs
	case o.database == identity(path):
		return logIsOurs
	case sizeOf(path+"-wal") == 0:
		return logIsEmpty
	}
	if here := s.lineageWithoutLog(); here != "" && o.lineage != "" && here != o.lineage {
		return logIsForeign
	}
	return logIsUnclear
}

// lineageWithoutLog returns the lineage that is in the file itself, which has one
// from its beginning. It is "" if the file cannot be read.
func (s *Store) lineageWithoutLog() string {
	cn, err := openConn(s.path, forImmutable, s.formats)
	if err != nil {
		return ""
	}
	defer cn.close() // nothing was written
	meta, err := cn.meta()
	if err != nil {
		return ""
	}
	return hex.EncodeToString(meta.Lineage)
}

// settleLog makes sure that a log beside the store is its own. What it puts aside
// may hold what was saved to a file that was moved away.
func (s *Store) settleLog(ctx context.Context) error {
	if s.opts.CorruptibleOnNetwork {
		return nil // inodes may change there
	}
	if err := checkIndex(s.path); err != nil {
		return err
	}
	switch s.judgeLog() {
	case logIsOurs:
		return nil
	case logIsUnclear:
		return unclearLog(s.path)
	}
	release, err := s.lock.Acquire(ctx, "open")
	if err != nil {
		return fmt.Errorf("put the log of the file that was here before aside: %w", err)
	}
	defer release()
	switch s.judgeLog() { // somebody else may have been faster
	case logIsEmpty, logIsForeign:
		return s.putLogAside("to another store, whose file was here before")
	case logIsUnclear:
		return unclearLog(s.path)
	}
	return nil
}

// checkIndex refuses an index of a log (-shm) that has no log beside it. SQLite
// makes the log first and deletes it last, so somebody took the log away, and
// whoever still has the old file open goes on using the index: a new log under
// the same index would ruin both files.
func checkIndex(path string) error {
	exists := func(suffix string) bool {
		_, err := os.Lstat(path + suffix)
		return err == nil
	}
	// The index is looked at twice, since a process may just be closing the store.
	// An index that nobody uses is what a failed deletion left: SQLite makes it anew.
	if !exists("-shm") || exists("-wal") || !exists("-shm") || !indexInUse(path) {
		return nil
	}
	name := filepath.Base(path)
	return fmt.Errorf("%w: %s-shm is there without its %s-wal: somebody moved or deleted the log, perhaps while the store was open; "+
		"close the store wherever it is open, then: rm -f %s", idxdb.ErrReplaced, name, name, shellQuote(name+"-shm"))
}

// unclearLog says what a user can do who knows what the file is. A copy of a log
// has no owner, and becomes the file's. The -shm file goes before that, since it
// may be in use by who still has the old file open.
func unclearLog(path string) error {
	name := filepath.Base(path)
	log, shm, spare := shellQuote(name+"-wal"), shellQuote(name+"-shm"), shellQuote(name+"-wal.copy")
	return fmt.Errorf("%w: another file, perhaps of the same store, was here before, and %s-wal has %d bytes of commits to that one. "+
		"If you put a backup in place, give them up, in its directory: rm -f %s %s. "+
		"If it is a copy of that very file, made after its last use, keep them: cp %[4]s %[6]s && rm -f %[5]s && mv %[6]s %[4]s",
		idxdb.ErrReplaced, name, sizeOf(path+"-wal"), log, shm, spare)
}

// shellQuote quotes a file name for a POSIX shell, if it needs that.
func shellQuote(name string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-+,@%:", r)
	}
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	if strings.TrimLeftFunc(name, plain) == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// putLogAside is called by who has the turn to write. Whose says for a warning
// whose commits they are. The -shm file goes first: without its log nothing would
// say that it is another file's, which a process may still have open.
func (s *Store) putLogAside(whose string) error {
	log := s.path + "-wal"
	if err := os.Remove(s.path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: beside the store lies the -shm file of the file that was here before: %w", idxdb.ErrReplaced, err)
	}
	size, aside := sizeOf(log), fmt.Sprintf("%s.replaced-%s", log, hex.EncodeToString(newLineage()[:4]))
	var err error
	if size == 0 {
		err = os.Remove(log)
	} else {
		err = os.Rename(log, aside)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w: beside the store lies the log of the file that was here before, and it cannot be put aside: %w", idxdb.ErrReplaced, err)
	}
	if size > 0 && s.opts.Warn != nil {
		s.opts.Warn(fmt.Sprintf("%s had %d bytes of commits %s; it is %s now", log, size, whose, aside))
	}
	return nil
}

// rescueLog is called by who has the turn to write and finds that the store was
// replaced. What was saved before may be in the log only, where nobody would look
// for it: it goes into the file that was opened, wherever that is now. The log
// stays where it is: that file may have been deleted, and then the log alone has it.
func (s *Store) rescueLog() {
	if s.writer == nil {
		return
	}
	if now, err := os.Stat(s.path); err == nil && sameFile(now, s.file) {
		return // only the log was replaced, and others may have begun with the new one
	}
	if len(s.beside) == len(besideSuffixes) {
		log, err := os.Stat(s.path + "-wal")
		shm, shmErr := os.Stat(s.path + "-shm")
		if shmErr == nil && sameFile(shm, s.beside[1]) && (err != nil || !sameFile(log, s.beside[0])) {
			return // whoever opened the new file may use our index, of another log
		}
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
