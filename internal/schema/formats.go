package schema

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Formats is what a program knows of the format: the migrations to each of them,
// from the first to the newest. [Known] is what this program knows; tests play
// older and newer programs with others.
type Formats []Migration

// Newest returns the newest format there is in f, which is the one it writes.
func (f Formats) Newest() int64 { return int64(len(f)) }

// Access is what a program may do with a file.
type Access struct {
	Read  bool
	Write bool
	Older bool // an upgrade is needed before the program can write it
}

// Access decides by the header's user_version and the row of table meta what a
// program that knows f may do with a file. The error says what cannot be; then
// the file is damaged.
//
// A file of an older format can only be read, so that a program needs to know
// but one way of writing. A newer one says by itself what it takes.
func (f Formats) Access(userVersion int64, m *Meta) (Access, error) {
	switch {
	case m.Format != userVersion:
		return Access{}, fmt.Errorf("the header says that it has format %d, table meta says %d", userVersion, m.Format)
	case m.ReadFormat < 1 || m.ReadFormat > m.WriteFormat || m.WriteFormat > m.Format:
		return Access{}, fmt.Errorf("no file has format %d, read format %d and write format %d", m.Format, m.ReadFormat, m.WriteFormat)
	case m.Format > f.Newest():
		return Access{Read: m.ReadFormat <= f.Newest(), Write: m.WriteFormat <= f.Newest()}, nil
	}
	known := f[m.Format-1]
	if m.ReadFormat != int64(known.ReadFormat) || m.WriteFormat != int64(known.WriteFormat) {
		return Access{}, fmt.Errorf("a file of format %d has read format %d and write format %d, not %d and %d",
			m.Format, known.ReadFormat, known.WriteFormat, m.ReadFormat, m.WriteFormat)
	}
	newest := m.Format == f.Newest()
	return Access{Read: true, Write: newest, Older: !newest}, nil
}

// What the SQL of a migration may consist of. SQLite keeps the texts of CREATE
// statements from the name on as they were written.
var (
	createTable = regexp.MustCompile(`^CREATE TABLE ([a-z][a-z0-9_]*) \(`)
	createIndex = regexp.MustCompile(`^CREATE (?:UNIQUE )?INDEX ([a-z][a-z0-9_]*) ON ([a-z][a-z0-9_]*) \(`)
	dropTable   = regexp.MustCompile(`^DROP TABLE ([a-z][a-z0-9_]*)$`)
	dropIndex   = regexp.MustCompile(`^DROP INDEX ([a-z][a-z0-9_]*)$`)
	changeRows  = regexp.MustCompile(`^(INSERT INTO|UPDATE|DELETE FROM) `)
)

// sequenceTable is what SQLite makes by itself for AUTOINCREMENT.
const sequenceTable = "CREATE TABLE sqlite_sequence(name,seq)"

// MetaStatement returns the statement of table meta, which is the same in every
// format: it is by this table that a program finds out about the rest.
func (f Formats) MetaStatement() string {
	for _, stmt := range statements(f[0].SQL) {
		if match := createTable.FindStringSubmatch(stmt); match != nil && match[1] == "meta" {
			return stmt
		}
	}
	panic("schema: the first migration makes no table meta")
}

// Statements returns the CREATE statements of a file of the given format, as
// SQLite keeps them in sqlite_schema, sorted. It is nil if f has no such format.
func (f Formats) Statements(format int64) []string {
	if format < 1 || format > f.Newest() {
		return nil
	}
	type object struct{ text, table string }
	objects := map[string]object{}
	for _, m := range f[:format] {
		for _, stmt := range statements(m.SQL) {
			if match := createTable.FindStringSubmatch(stmt); match != nil {
				objects[match[1]] = object{stmt, match[1]}
			} else if match := createIndex.FindStringSubmatch(stmt); match != nil {
				objects[match[1]] = object{stmt, match[2]}
			} else if match := dropTable.FindStringSubmatch(stmt); match != nil {
				maps.DeleteFunc(objects, func(_ string, o object) bool { return o.table == match[1] })
			} else if match := dropIndex.FindStringSubmatch(stmt); match != nil {
				delete(objects, match[1])
			} else if !changeRows.MatchString(stmt) {
				panic(fmt.Sprintf("schema: format %d: a migration cannot contain %q", m.To, stmt)) // a test makes sure
			}
		}
	}
	list := []string{sequenceTable}
	for _, o := range objects {
		list = append(list, o.text)
	}
	slices.Sort(list)
	return list
}

func statements(text string) (list []string) {
	for stmt := range strings.SplitSeq(text, ";") {
		if stmt = strings.TrimSpace(stmt); stmt != "" {
			list = append(list, stmt)
		}
	}
	return list
}

// CheckTables says what is wrong with have, the sorted texts in sqlite_schema, for
// a file of the given format that a program that knows f may read.
//
// The texts of a known format must be exactly those of the migrations. A newer
// one has those of the newest known format, since its read format promises that,
// and may have more tables, with indexes on them: nothing that would run or mean
// something when the known tables are used.
func (f Formats) CheckTables(format int64, have []string) error {
	if format <= f.Newest() {
		if !slices.Equal(have, f.Statements(format)) {
			return fmt.Errorf("the tables are not those of format %d", format)
		}
		return nil
	}
	missing := f.Statements(f.Newest())
	known := map[string]bool{}
	for _, stmt := range missing {
		if match := createTable.FindStringSubmatch(stmt); match != nil {
			known[match[1]] = true
		}
	}
	for _, text := range have {
		if i, ok := slices.BinarySearch(missing, text); ok {
			missing = slices.Delete(missing, i, i+1)
			continue
		}
		table := ""
		if match := createTable.FindStringSubmatch(text); match != nil {
			table = match[1]
		} else if match := createIndex.FindStringSubmatch(text); match != nil {
			table = match[2]
		}
		if table == "" || known[table] || strings.HasPrefix(table, "sqlite_") {
			return fmt.Errorf("no format has %.100q", text)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%.100q is missing, which format %d needs if programs that know format %d may read it",
			missing[0], format, f.Newest())
	}
	return nil
}
