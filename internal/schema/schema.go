// Package schema is the file format of a single-file store: its numbers, its
// tables, and the checksums of its rows. FORMAT.md describes the same for
// people who write readers in other languages. The package holds no database
// connection and knows no driver.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

// Numbers in the database header. They are on disk for ever.
const (
	// ApplicationIDLocal marks a file that is changed in place, in WAL mode, on
	// local filesystems: "idxL".
	ApplicationIDLocal = 0x6964784C
	// ApplicationIDNetwork is kept for files shared over a network filesystem:
	// "idxN".
	ApplicationIDNetwork = 0x6964784E

	// Format is the newest format this package knows. It is also the header's
	// user_version.
	Format = 1

	// PageSize is the page size of new files, in bytes.
	PageSize = 4096
)

// Document kinds, as in names of columns; on disk since format 1.
const (
	KindState  = "state"
	KindSearch = "search"
)

//go:embed migrations/*.sql
var files embed.FS

// A Migration brings a file from format To-1 to format To. Migrations are only
// ever appended, never changed: files made by each of them exist.
//
// A program finds its way in files of newer formats by what stays the same, so a
// migration never changes table meta. One with a ReadFormat or WriteFormat below
// To adds tables, and indexes on those, and nothing else.
type Migration struct {
	To          int
	ReadFormat  int // the oldest format a program must know to read the result
	WriteFormat int // the oldest format a program must know to write the result

	// SQL is CREATE TABLE, CREATE INDEX, DROP TABLE and DROP INDEX, of names in
	// small letters, and INSERT INTO, UPDATE and DELETE FROM.
	SQL string
}

// compatibility of each format with programs that know only older ones.
var compatibility = map[int]struct{ read, write int }{
	1: {read: 1, write: 1},
}

// Known returns the formats that this program knows. The first migration makes
// an empty file a store.
func Known() Formats { return known() }

var known = sync.OnceValue(func() Formats {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	slices.Sort(names)
	var list Formats
	for i, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // the file is embedded
		}
		format := i + 1
		if want := fmt.Sprintf("migrations/%03d.sql", format); name != want {
			panic("schema: migration " + name + " should be " + want)
		}
		list = append(list, Migration{
			To:          format,
			ReadFormat:  compatibility[format].read,
			WriteFormat: compatibility[format].write,
			SQL:         string(text),
		})
	}
	return list
})
