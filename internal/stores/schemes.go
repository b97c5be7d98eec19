package stores

import (
	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/fsstore"
	"github.com/idxdb/idxdb/internal/schema"
	"github.com/idxdb/idxdb/sqlitestore"
)

// schemes returns one of each kind of store. A new kind is a line here.
func schemes(warn func(text string)) []idxdb.Scheme {
	return []idxdb.Scheme{
		fsstore.SchemeWarn(warn),
		sqlitestore.SchemeWarn(warn),
	}
}

// Formats returns the number of the format that an upgrade brings a store to, for
// each scheme whose stores can be upgraded.
func Formats() map[string]int {
	return map[string]int{
		"sqlite": schema.Format,
	}
}
