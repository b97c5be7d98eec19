package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
	_ "modernc.org/sqlite" // SQLite without cgo
)

type purpose int

const (
	forReading     purpose = iota // query_only; keeps -wal and -shm alive like a writer
	forWriting                    // one per store, behind the lock
	forCheckpoints                // one per store
	forImmutable                  // a file nobody can be changing, in a place we may not write to
)

// background is the context of statements inside a transaction: each is short,
// and a cancelled statement would cost the connection. The caller looks at its
// own context between them.
var background = context.Background()

// dsn is the one place where connection settings are made. checkSettings reads
// them back.
func dsn(path string, p purpose) string {
	q, patience := url.Values{}, 10000
	q.Set("_defensive", "true") // a hostile file cannot make SQLite corrupt itself
	q.Set("_txlock", "deferred")
	if p == forCheckpoints {
		patience = restartPatience
	}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", patience)) // only foreign programs can make us wait here
	q.Add("_pragma", "trusted_schema(0)")
	q.Add("_pragma", "cell_size_check(1)")
	switch p {
	case forReading:
		q.Set("mode", "rw")
		q.Add("_pragma", "query_only(1)")
	case forWriting:
		q.Set("mode", "rw")
		q.Add("_pragma", "synchronous(full)")
		q.Add("_pragma", "wal_autocheckpoint(0)") // see checkpoint.go
		q.Add("_pragma", fmt.Sprintf("journal_size_limit(%d)", restartAbove))
	case forCheckpoints:
		q.Set("mode", "rw")
		q.Add("_pragma", "synchronous(full)")
	case forImmutable:
		q.Set("mode", "ro")
		q.Set("immutable", "1")
		q.Add("_pragma", "query_only(1)")
	}
	escaped := (&url.URL{Path: path}).EscapedPath()
	return "file:" + strings.ReplaceAll(escaped, "?", "%3F") + "?" + q.Encode()
}

// A conn is a connection with all its statements prepared. It is used by one
// goroutine at a time.
type conn struct {
	db    *sql.DB
	c     *sql.Conn
	read  [len(readSQL)]*sql.Stmt
	write [len(writeSQL)]*sql.Stmt // only forWriting
	begin *sql.Stmt                // of a reader
	end   *sql.Stmt

	userVersion *sql.Stmt
	format      fileFormat
	purpose     purpose
}

func openConn(path string, p purpose, known schema.Formats) (_ *conn, err error) {
	db, err := sql.Open("sqlite", dsn(path, p))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	cn := &conn{db: db, purpose: p, format: fileFormat{known: known}}
	defer func() {
		if err != nil {
			cn.close()
		}
	}()
	if cn.c, err = db.Conn(background); err != nil {
		return nil, translate(err)
	}
	if err := cn.checkSettings(p); err != nil {
		return nil, err
	}
	if err := cn.prepareControl(); err != nil {
		return nil, translate(err)
	}
	if _, err := cn.begin.ExecContext(background); err != nil {
		return nil, translate(err)
	}
	if err := cn.adopt(); err != nil {
		return nil, err
	}
	_, err = cn.end.ExecContext(background)
	return cn, translate(err)
}

// prepareControl prepares what does not depend on the tables.
func (cn *conn) prepareControl() (err error) {
	if cn.userVersion, err = cn.c.PrepareContext(background, "PRAGMA user_version"); err != nil {
		return err
	}
	if cn.begin, err = cn.c.PrepareContext(background, "BEGIN"); err != nil {
		return err
	}
	cn.end, err = cn.c.PrepareContext(background, "ROLLBACK")
	return err
}

// prepare prepares all statements that are not yet. It returns the first error
// only after it has tried all: in a file of an old format some may fit.
func (cn *conn) prepare() error {
	var first error
	for i := range readSQL {
		if err := cn.prepareRead(i); err != nil && first == nil {
			first = err
		}
	}
	if cn.purpose != forWriting {
		return first
	}
	for i, text := range writeSQL {
		if cn.write[i] != nil {
			continue
		}
		var err error
		if cn.write[i], err = cn.c.PrepareContext(background, text); err != nil && first == nil {
			first = translate(err)
		}
	}
	return first
}

func (cn *conn) prepareRead(i int) (err error) {
	if cn.read[i] == nil {
		cn.read[i], err = cn.c.PrepareContext(background, readSQL[i])
	}
	return translate(err)
}

// checkSettings reads back what dsn asked for: SQLite ignores what it does not
// understand.
func (cn *conn) checkSettings(p purpose) error {
	want := map[string]string{"busy_timeout": "10000", "trusted_schema": "0"}
	switch p {
	case forReading:
		want["query_only"] = "1"
		want["journal_mode"] = "wal"
	case forImmutable:
		want["query_only"] = "1"
	case forWriting:
		want["synchronous"] = "2"
		want["wal_autocheckpoint"] = "0"
		want["journal_mode"] = "wal"
	}
	for name, value := range want {
		var got string
		if err := cn.c.QueryRowContext(background, "PRAGMA "+name).Scan(&got); err != nil {
			return translate(err)
		}
		if got != value {
			return fmt.Errorf("%w: SQLite has %s=%s where %s is needed", idxdb.ErrUnsupported, name, got, value)
		}
	}
	return nil
}

func (cn *conn) close() error {
	var err error
	if cn.c != nil {
		for _, stmt := range append(append(cn.read[:], cn.write[:]...), cn.begin, cn.end, cn.userVersion) {
			if stmt != nil {
				stmt.Close() // the connection is closed next, which reports
			}
		}
		err = cn.c.Close()
	}
	return errors.Join(err, cn.db.Close())
}

// writes reports whether this is the writer's connection.
func (cn *conn) writes() bool { return cn.write[begin] != nil }

// exec runs a write statement and returns the last inserted row id.
func (cn *conn) exec(stmt int, args ...any) (int64, error) {
	res, err := cn.write[stmt].ExecContext(background, args...)
	if err != nil {
		return 0, translate(err)
	}
	id, err := res.LastInsertId()
	return id, translate(err)
}

// query runs a read statement and calls row for each row.
func (cn *conn) query(stmt int, row func(*sql.Rows) error, args ...any) error {
	rows, err := cn.read[stmt].QueryContext(background, args...)
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return translate(err)
		}
	}
	return translate(rows.Err())
}
