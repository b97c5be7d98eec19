package sqlitestore

import (
	"database/sql"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// insertMeta is the one row of a new file.
const insertMeta = `INSERT INTO meta (id, format, read_format, write_format, lineage, created_at, epoch, keys, key_set, checksum)
	VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// checkSchema refuses a file whose tables are not those of its format, before
// any statement touches them. A file made by somebody hostile could have
// triggers, views or generated columns in their place.
func (cn *conn) checkSchema() error {
	var appID uint32
	var format int
	if err := cn.c.QueryRowContext(background, "PRAGMA application_id").Scan(&appID); err != nil {
		return translate(err)
	}
	if err := checkApplicationID(appID); err != nil {
		return err
	}
	if err := cn.c.QueryRowContext(background, "PRAGMA user_version").Scan(&format); err != nil {
		return translate(err)
	}
	have, err := cn.schemaTexts()
	if err != nil {
		return err
	}
	want := schema.Statements()
	switch {
	case format == schema.Format && slices.Equal(have, want):
		return nil
	case format > schema.Format:
		return newerFormat(format)
	}
	return &idxdb.CorruptError{Detail: fmt.Sprintf("the tables are not those of format %d", format)}
}

func newerFormat(format int) error {
	return fmt.Errorf("%w: the file has format %d, this program knows formats up to %d: get a newer idxdb",
		idxdb.ErrNewerFormat, format, schema.Format)
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

// checkFormat looks at the row that says what the file is.
func (s *Store) checkFormat(cn *conn) error {
	meta, err := cn.meta()
	if err != nil {
		return err
	}
	if meta.ReadFormat > schema.Format || meta.WriteFormat > schema.Format && !s.opts.ReadOnly {
		return newerFormat(int(meta.Format))
	}
	return nil
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
