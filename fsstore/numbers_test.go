package fsstore

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// saveAs saves with an id.
func saveAs(t *testing.T, s *Store, key, state string, id idxdb.ID) idxdb.Saved {
	t.Helper()
	saved, err := s.Save(t.Context(), key, docs(state, ""), idxdb.SaveOptions{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// A save is not recognised by its id once its key was deleted, by another program
// either, and one that a later save has followed is, as long as the key is there.
func TestRepeatAfterOthersDeleted(t *testing.T) {
	for _, vacuum := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		first, second := idxdb.NewID(), idxdb.NewID()
		saveAs(t, s, "key", `[1]`, first)
		saveAs(t, s, "key", `[2]`, second)
		if again := saveAs(t, s, "key", `[1]`, first); !again.Unchanged || again.Version.Number != 1 {
			t.Errorf("an older save again: version %d, unchanged %v", again.Version.Number, again.Unchanged)
		}
		if err := os.RemoveAll(s.path("key")); err != nil { // as ctxc deletes
			t.Fatal(err)
		}
		if vacuum {
			if _, err := s.Vacuum(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		for i, id := range []idxdb.ID{first, second} {
			state := []string{`[1]`, `[2]`}[i]
			saved := saveAs(t, s, "key", state, id)
			if want := int64(3 + i); saved.Unchanged || saved.Version.Number != want {
				t.Errorf("vacuum %v: save %d after the files were deleted: version %d, unchanged %v, want the new version %d",
					vacuum, i, saved.Version.Number, saved.Unchanged, want)
			}
			if got, _, err := load(s, "key", idxdb.LoadOptions{}); got != state {
				t.Errorf("vacuum %v: loaded %q, %v, want %q", vacuum, got, err, state)
			}
		}
	}
}

// What another program saves when the numbers are used up can be read and
// deleted, and its number is not one that nobody can write down.
func TestForeignVersionAtTheLastNumber(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	v := idxdb.Version{Key: "key", Number: idxdb.MaxVersion, ID: idxdb.NewID()}
	if _, err := s.Import(t.Context(), v, docs(`[1]`, ""), idxdb.Condition{}); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{`[22]`, `[333]`} {
		if err := os.WriteFile(s.docPath("key", idxdb.StateDoc), []byte(state), 0o644); err != nil {
			t.Fatal(err)
		}
		got, now, err := load(s, "key", idxdb.LoadOptions{})
		if got != state || now.Number != idxdb.MaxVersion || now.ID == v.ID {
			t.Errorf("loaded %q, version %d with id %s, %v", got, now.Number, now.ID, err)
		}
		_, err = s.Save(t.Context(), "key", docs(`[4]`, ""), idxdb.SaveOptions{})
		if !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("save: %v, want an error that matches ErrUsage", err)
		}
		if got, _, _ := load(s, "key", idxdb.LoadOptions{}); got != state {
			t.Errorf("after a save that was refused: %q, want %q", got, state)
		}
	}
	if err := s.Delete(t.Context(), "key", idxdb.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// Records with a right checksum and numbers that no store gives out are damage.
func TestRecordsThatCannotBe(t *testing.T) {
	for name, forge := range map[string]func(r *record){
		"last above the highest":   func(r *record) { r.Last = idxdb.MaxVersion + 1 },
		"last at the end":          func(r *record) { r.Last, r.Head.Number = 1<<63-1, 1<<63-1 },
		"last below 0":             func(r *record) { r.Last, r.Head.Number = -1, -1 },
		"first below 0":            func(r *record) { r.First = -1 },
		"first above last":         func(r *record) { r.First, r.Head = 3, nil },
		"head above last":          func(r *record) { r.Head.Number = 2 },
		"head of number 0":         func(r *record) { r.Head.Number = 0 },
		"head below first":         func(r *record) { r.First, r.Last = 2, 2 },
		"deleted, last at the end": func(r *record) { r.First, r.Last, r.Head = 1<<63-1, 1<<63-1, nil },
	} {
		s := open(t, t.TempDir(), Options{})
		save(t, s, "key", `[1]`, "")
		path := s.recordPath("key")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := decodeRecord(path, "key", text)
		if err != nil {
			t.Fatal(err)
		}
		forge(r)
		if text, err = encode(r); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, loadErr := load(s, "key", idxdb.LoadOptions{})
		_, saveErr := s.Save(t.Context(), "key", docs(`[2]`, ""), idxdb.SaveOptions{})
		for doing, err := range map[string]error{"load": loadErr, "save": saveErr} {
			if !errors.Is(err, idxdb.ErrCorrupt) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %s: %v, want an error that matches ErrCorrupt and names the file", name, doing, err)
			}
		}
	}
}
