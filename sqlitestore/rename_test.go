package sqlitestore_test

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// TestRenameToAndFro gives a key another name and back, often. Its numbers must
// grow by the number of its versions each time, and not by the numbers themselves,
// which would leave 64 bits soon.
func TestRenameToAndFro(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	save(t, s, "a", `{"n":1}`)
	save(t, s, "a", `{"n":2}`)
	const times = 100
	from, to := "a", "b"
	for range times {
		must(t, s.Rename(ctx, from, to))
		from, to = to, from
	}
	_, err := s.Clone(ctx, from, "c", true)
	must(t, err)
	for key, want := range map[string]int64{from: 2*times + 2, "c": 2*times + 2} {
		var numbers []int64
		for v, err := range s.Log(ctx, key) {
			must(t, err)
			numbers = append(numbers, v.Number)
		}
		if len(numbers) != 2 || numbers[0] > want || numbers[1] != numbers[0]-1 {
			t.Errorf("%s has the versions %v, want two up to %d at most", key, numbers, want)
		}
	}
	if got := load(t, s, from, 0); got != `{"n":2}` {
		t.Errorf("the newest version is %s", got)
	}
	if saved := save(t, s, from, `{"n":3}`); saved.Version.Number < 4 || saved.Unchanged {
		t.Errorf("the next save is version %d", saved.Version.Number)
	}
	clean(t, s)
}

// TestImportLeavesNumbers refuses a version after which there would be no other.
func TestImportLeavesNumbers(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	v := idxdb.Version{Key: "key", Number: math.MaxInt64, ID: idxdb.NewID()}
	docs := idxdb.Documents{State: strings.NewReader("{}")}
	if _, err := s.Import(ctx, v, docs, idxdb.Condition{}); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("import of version %d: %v, want ErrUsage", v.Number, err)
	}
}
