package sqlitestore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// TestEqualBytesCutDifferently has two saves of equal bytes that used different
// chunk sizes, since the key had another history when the one began. Equal bytes
// are unchanged all the same.
func TestEqualBytesCutDifferently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s, other := open(t, path), open(t, path)
	doc, search := document(1, 20_000), document(2, 5_000)
	n := 0
	interfere := func() {
		if n++; n > 1 {
			return
		}
		save(t, other, "key", document(3, 200_000)) // larger, so cut into larger chunks
		docs := idxdb.Documents{State: strings.NewReader(doc), Search: strings.NewReader(search)}
		saved, err := other.Save(ctx, "key", docs, idxdb.SaveOptions{})
		must2(t, err)
		if saved.Version.Number != 2 {
			t.Errorf("the other save is version %d", saved.Version.Number)
		}
	}
	docs := idxdb.Documents{
		State:  &steppedReader{strings.NewReader(doc), interfere},
		Search: strings.NewReader(search),
	}
	saved, err := s.Save(ctx, "key", docs, idxdb.SaveOptions{})
	must2(t, err)
	if !saved.Unchanged || saved.Version.Number != 2 {
		t.Errorf("equal bytes became version %d, unchanged %v", saved.Version.Number, saved.Unchanged)
	}
	must2(t, s.Close())
	averages := query(t, path, "SELECT count(DISTINCT state_average) FROM manifest")
	if rows := query(t, path, "SELECT state_average, state_size FROM manifest JOIN version ON version.id = version_id"); len(rows) != 2 {
		t.Errorf("versions: %v, averages %v", rows, averages)
	}

	// One byte more, and it is a new version.
	s = open(t, path)
	n = 1
	docs = idxdb.Documents{State: strings.NewReader(doc + " "), Search: strings.NewReader(search)}
	saved, err = s.Save(ctx, "key", docs, idxdb.SaveOptions{})
	must2(t, err)
	if saved.Unchanged || saved.Version.Number != 3 {
		t.Errorf("other bytes became version %d, unchanged %v", saved.Version.Number, saved.Unchanged)
	}
}
