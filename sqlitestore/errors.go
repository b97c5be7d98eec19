package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	"github.com/idxdb/idxdb"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// translate turns the driver's errors into those of package idxdb, by code.
// Errors that are not the driver's pass unchanged.
func translate(err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA:
		return &idxdb.CorruptError{Detail: "the file is cut short or damaged", Err: err}
	case sqlite3.SQLITE_CANTOPEN_SYMLINK:
		return fmt.Errorf("%w: %w", idxdb.ErrReplaced, err)
	}
	switch e.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT,
		sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_SCHEMA:
		// The statements are fixed and were prepared on a file with this schema: if
		// one fails, the content is not what the schema promises.
		return &idxdb.CorruptError{Detail: "SQLite found damage", Err: err}
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: it is not a SQLite database: %w", idxdb.ErrNotStore, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("no space left: free some, or vacuum the store: %w: %w", syscall.ENOSPC, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: no permission: whoever saves must be able to write to the file, to the -wal, -shm and .lock beside it, "+
			"and to their directory; their owner can allow it with chmod or chgrp", idxdb.ErrReadOnly)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w by a program that does not use the lock file (a sqlite3 shell?): %w", idxdb.ErrLocked, err)
	}
	return err
}

// scan reads a row. The statements are fixed, so a value that does not fit is one
// that this package never wrote.
func scan(rows *sql.Rows, targets ...any) error {
	if err := rows.Scan(targets...); err != nil {
		return &idxdb.CorruptError{Detail: "a row has a value that was never saved", Err: err}
	}
	return nil
}
