package sqlitestore

import (
	"fmt"

	"github.com/idxdb/idxdb"
)

// inOrder returns an error unless id comes after the id of the row before. Whoever
// goes through a table piece by piece would go in circles in a file whose pages
// are not where they should be.
func inOrder(table string, before, id int64) error {
	if id > before {
		return nil
	}
	return &idxdb.CorruptError{Detail: fmt.Sprintf("the rows of table %s are out of order (%d after %d)", table, id, before)}
}
