package sqlitestore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// forgeKey sets columns of the only key and makes all checksums right again.
func forgeKey(t *testing.T, path, set string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	_, err = db.Exec("UPDATE key SET " + set)
	must(t, err)
	must(t, forgeKeys(db))
}

// TestKeyRowsThatCannotBe opens files whose checksums are right and whose numbers
// no store gives out: whoever wrote them, nothing may be reckoned from them.
func TestKeyRowsThatCannotBe(t *testing.T) {
	const most = idxdb.MaxVersion
	for _, set := range []string{
		fmt.Sprintf("last = %d", int64(most)+1),
		"last = 9223372036854775807",
		"last = -1",
		"first = -1",
		"first = -9223372036854775808, last = 9007199254740991",
		"first = 9223372036854775807",
		"first = 2",
		"versions = 2",
		"versions = 9223372036854775807",
		"versions = -1, live = 0",
		"versions = 0, live = 0, first = 3",
		"versions = 0, live = 0, first = 1, last = 9223372036854775807",
	} {
		path := newFile(t)
		forgeKey(t, path, set)
		s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
		must(t, err)
		_, err = s.Load(ctx, "key", idxdb.LoadOptions{})
		_, saveErr := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader("[1]")}, idxdb.SaveOptions{})
		for doing, err := range map[string]error{
			"load":   err,
			"save":   saveErr,
			"delete": s.Delete(ctx, "key", idxdb.DeleteOptions{}),
			"rename": s.Rename(ctx, "key", "other"),
		} {
			if !errors.Is(err, idxdb.ErrCorrupt) {
				t.Errorf("%s: %s: %v, want an error that matches ErrCorrupt", set, doing, err)
			}
		}
		report, err := s.Verify(ctx, nil)
		if err != nil || len(report.Damage) == 0 {
			t.Errorf("%s: verify found %v, %v", set, report.Damage, err)
		}
		must(t, s.Close())
	}
}

// TestKeyRowsAtTheLimit is the other side: numbers that can be.
func TestKeyRowsAtTheLimit(t *testing.T) {
	path := newFile(t)
	forgeKey(t, path, "versions = 0, live = 0, first = 9007199254740992, last = 9007199254740991")
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	must(t, err)
	defer s.Close()
	if _, err := s.Load(ctx, "key", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrNotFound) {
		t.Errorf("load: %v, want an error that matches ErrNotFound", err)
	}
	if _, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader("[1]")}, idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("save: %v, want an error that matches ErrUsage", err)
	}
}
