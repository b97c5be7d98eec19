package sqlitestore_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// TestRetryOfASaveThatWasCutCoarsely repeats a save of a small document whose
// chunks have the size of a large one that was there before: the repetition has
// to recognise it, whatever size it would choose itself.
func TestRetryOfASaveThatWasCutCoarsely(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	id := idxdb.NewID()
	small := document(2, 10_000)
	saveAs := func(state string) (idxdb.Saved, error) {
		docs := idxdb.Documents{State: strings.NewReader(state), Search: strings.NewReader(`{}`)}
		return s.Save(ctx, "key", docs, idxdb.SaveOptions{ID: id})
	}
	save(t, s, "key", document(1, 300_000))
	first, err := saveAs(small)
	must(t, err)
	save(t, s, "key", document(3, 10_000)) // something newer
	for range 2 {
		again, err := saveAs(small)
		if err != nil || !again.Unchanged || again.Version.Number != first.Version.Number {
			t.Errorf("the same save again: version %d, unchanged %v, %v", again.Version.Number, again.Unchanged, err)
		}
	}
	other := small[:len(small)-2] + "7]"
	if other == small {
		other = small[:len(small)-2] + "8]"
	}
	for _, state := range []string{other, small[:len(small)/2] + "]", document(4, 10_000)} {
		if _, err := saveAs(state); !errors.Is(err, idxdb.ErrConflict) {
			t.Errorf("another document under the same id: %v, want a conflict", err)
		}
	}
	clean(t, s)
}

// TestRetryBesideTheSave lets the save finish while its repetition, which began
// before and so chose its chunk size itself, is still reading.
func TestRetryBesideTheSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	a, b := open(t, path), open(t, path)
	state, id := document(1, 10_000), idxdb.NewID()
	begun := false
	step := func() {
		if begun {
			return
		}
		begun = true
		save(t, b, "key", document(2, 300_000)) // coarse chunks from now on
		_, err := b.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(state)}, idxdb.SaveOptions{ID: id})
		must(t, err)
	}
	docs := idxdb.Documents{State: &steppedReader{strings.NewReader(state), step}}
	saved, err := a.Save(ctx, "key", docs, idxdb.SaveOptions{ID: id})
	if err != nil || !saved.Unchanged || saved.Version.Number != 2 {
		t.Errorf("version %d, unchanged %v, %v", saved.Version.Number, saved.Unchanged, err)
	}
	if got := load(t, a, "key", 0); got != state {
		t.Error("the save has other content")
	}
	clean(t, a)
}
