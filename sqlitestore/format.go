package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// insertMeta is the one row of a new file.
const insertMeta = `INSERT INTO meta (id, format, read_format, write_format, lineage, created_at, epoch, keys, key_set, checksum)
	VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// A fileFormat is what a connection knows of the format of its file.
type fileFormat struct {
	known  schema.Formats // what this program knows
	seen   bool           // the file was looked at, and may be read or upgraded
	number int64          // the file's
	access schema.Access

	// unreadable is why the statements for reading do not fit, although they may
	// be used: the format is too old. Nil otherwise.
	unreadable error
}

// adopt is called first in every transaction. If the file has not the format any
// more that the connection's statements were prepared for, since somebody
// upgraded it, it looks at what may still be done.
func (cn *conn) adopt() error {
	var number int64
	if err := cn.userVersion.QueryRowContext(background).Scan(&number); err != nil {
		return translate(err)
	}
	if cn.format.seen && number == cn.format.number {
		return nil
	}
	cn.format = fileFormat{known: cn.format.known, number: number}
	err := cn.examine()
	cn.format.seen = err == nil
	return err
}

// examine refuses a file whose tables are not those of its format, before any
// statement touches them. A file made by somebody hostile could have triggers,
// views or generated columns in their place. Then it prepares the statements.
func (cn *conn) examine() error {
	f := &cn.format
	var appID uint32
	if err := cn.c.QueryRowContext(background, "PRAGMA application_id").Scan(&appID); err != nil {
		return translate(err)
	}
	if err := checkApplicationID(appID); err != nil {
		return err
	}
	have, err := cn.schemaTexts()
	if err != nil {
		return err
	}
	if !slices.Contains(have, f.known.MetaStatement()) {
		return &idxdb.CorruptError{Detail: "the tables are not those of any format"}
	}
	if err := cn.prepareRead(readMeta); err != nil {
		return err
	}
	meta, err := cn.meta()
	if err != nil {
		return err
	}
	f.access, err = f.known.Access(f.number, &meta)
	switch {
	case err != nil:
		return &idxdb.CorruptError{Detail: err.Error()}
	case !f.access.Read:
		return fmt.Errorf("%w: the file has format %d, this program knows formats up to %d: get a newer idxdb",
			idxdb.ErrNewerFormat, f.number, f.known.Newest())
	}
	if err := f.known.CheckTables(f.number, have); err != nil {
		return &idxdb.CorruptError{Detail: err.Error()}
	}
	err = cn.prepare()
	if err != nil && f.access.Older {
		f.unreadable = fmt.Errorf("%w: the file has format %d, and this program knows to read it only in order to bring it to format %d: %s",
			idxdb.ErrUnsupported, f.number, f.known.Newest(), f.upgradeAdvice())
		return nil
	}
	return err
}

func (f *fileFormat) upgradeAdvice() string {
	newest := f.known[len(f.known)-1]
	advice := "run idxdb upgrade"
	switch {
	case int64(newest.ReadFormat) > f.number:
		advice += fmt.Sprintf(", which locks out programs that know only formats below %d", newest.ReadFormat)
	case int64(newest.WriteFormat) > f.number:
		advice += fmt.Sprintf(", after which programs that know only formats below %d can read the file but not change it", newest.WriteFormat)
	}
	return advice
}

// mayWrite says why nothing may be changed in the file, or returns nil.
func (f *fileFormat) mayWrite() error {
	if f.access.Older {
		return fmt.Errorf("%w: the file has format %d, and this program writes format %d: %s",
			idxdb.ErrReadOnly, f.number, f.known.Newest(), f.upgradeAdvice())
	}
	return f.mayUpgrade()
}

// mayUpgrade is mayWrite for the upgrade itself.
func (f *fileFormat) mayUpgrade() error {
	if f.access.Write || f.access.Older {
		return nil
	}
	return fmt.Errorf("%w: the file has format %d, which this program, with formats up to %d, can read but not change: "+
		"get a newer idxdb, or open it for reading only", idxdb.ErrNewerFormat, f.number, f.known.Newest())
}

func (cn *conn) schemaTexts() ([]string, error) {
	rows, err := cn.c.QueryContext(background, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql LIMIT 1000")
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := scan(rows, &text); err != nil {
			return nil, translate(err)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list, translate(rows.Err())
}

// checkFormat looks at the format when the store is opened. A file that is too
// old may be opened for writing, since Upgrade writes.
func (s *Store) checkFormat(cn *conn) error {
	if s.opts.ReadOnly {
		return nil
	}
	return cn.format.mayUpgrade()
}

// checkOlder fails if the file must be upgraded before anything is saved, so that
// nobody reads a large document first.
func (s *Store) checkOlder() error {
	if !s.older.Load() {
		return nil
	}
	return s.viewAny(background, func(cn *conn) error { // somebody may have upgraded it meanwhile
		if cn.format.access.Older {
			return cn.format.mayWrite()
		}
		return nil
	})
}

// view runs fn in one read transaction: all it reads is of one moment. It must
// be short, since the WAL cannot be recycled meanwhile.
func (s *Store) view(ctx context.Context, fn func(*conn) error) error {
	return s.viewAny(ctx, func(cn *conn) error {
		if cn.format.unreadable != nil {
			return cn.format.unreadable
		}
		return fn(cn)
	})
}

// meta reads the one row of table meta.
func (cn *conn) meta() (schema.Meta, error) {
	var m schema.Meta
	var checksum []byte
	n := 0
	err := cn.query(readMeta, func(rows *sql.Rows) error {
		n++
		return scan(rows, &m.Format, &m.ReadFormat, &m.WriteFormat, &m.Lineage, &m.CreatedAt,
			&m.Epoch, &m.Keys, &m.KeySet, &checksum)
	})
	if err != nil {
		return m, err
	}
	if n != 1 || string(m.Checksum()) != string(checksum) {
		return m, &idxdb.CorruptError{Detail: "the row that describes the file is damaged"}
	}
	return m, nil
}

func (cn *conn) setMeta(m *schema.Meta) error {
	_, err := cn.exec(updateMeta, m.Format, m.ReadFormat, m.WriteFormat, m.Epoch, m.Keys, m.KeySet, m.Checksum())
	return err
}
