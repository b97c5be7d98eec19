package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
)

var renameSentences = []sentence{
	{name: "Rename/MovesAllVersions", needs: []capability{rename}, test: testRename},
	{name: "Rename/FailsWithoutChange", needs: []capability{rename}, test: testRenameFails},
	{name: "Rename/NumbersGoOn", needs: []capability{rename}, test: testRenameNumbers},
}

var cloneSentences = []sentence{
	{name: "Clone/CopiesAllVersionsOrTheNewest", needs: []capability{clone}, test: testClone},
	{name: "Clone/FailsWithoutChange", needs: []capability{clone}, test: testCloneFails},
	{name: "Clone/IsIndependent", needs: []capability{clone}, test: testCloneIndependent},
}

// versions returns what the store has of key, newest first.
func (e *env) versions(key string) []idxdb.Version {
	e.Helper()
	if e.has(history) {
		return e.log(key)
	}
	_, v := e.load(key, idxdb.LoadOptions{})
	return []idxdb.Version{v}
}

// movedTo checks that got are the versions want, but for key and numbers.
func (e *env) movedTo(key string, got, want []idxdb.Version, sameNumbers bool) {
	e.Helper()
	if len(got) != len(want) {
		e.Fatalf("%s has %d versions, want %d", brief(key), len(got), len(want))
	}
	for i, w := range want {
		w.Key = key
		if !sameNumbers {
			w.Number = got[i].Number
		}
		if !sameVersion(got[i], w) {
			e.Errorf("version of %s: %+v, want %+v", brief(key), got[i], w)
		}
		if i > 0 && got[i].Number >= got[i-1].Number {
			e.Errorf("numbers of %s do not go down in Log: %d after %d", brief(key), got[i].Number, got[i-1].Number)
		}
	}
}

func (e *env) saveThree(key string) []idxdb.Version {
	e.Helper()
	for i := range 3 {
		e.saveWith(key, fmt.Sprintf(`[%q,%d]`, "v", i), fmt.Sprintf(`["s",%d]`, i), idxdb.SaveOptions{Message: fmt.Sprint(i)})
	}
	return e.versions(key)
}

func testRename(e *env) {
	before := e.saveThree("old")
	e.save("other", `["other"]`, none)
	e.rename("old", "new/ключ")
	for range 2 {
		e.absent("old")
		e.holds("new/ключ", `["v",2]`, `["s",2]`)
		e.movedTo("new/ключ", e.versions("new/ключ"), before, true)
		e.holds("other", `["other"]`, none)
		if got := e.keys(); !slices.Equal(got, []string{"new/ключ", "other"}) {
			e.Errorf("List after Rename has %q", got)
		}
		if e.has(history) {
			if got, _ := e.load("new/ключ", idxdb.LoadOptions{Version: 1}); got != `["v",0]` {
				e.Errorf("version 1 after Rename: %s", got)
			}
			_, err := e.tryLog("old")
			e.wantErr("Log of the former name", err, idxdb.ErrNotFound)
		}
		e.reopen()
	}
	e.number(e.saveWith("new/ключ", `["next"]`, none, idxdb.SaveOptions{If: idxdb.IfMatch(before[0].ID)}), 4)
}

func testRenameFails(e *env) {
	a := e.saveThree("a")
	b := e.save("b", `["b"]`, none).Version
	r, _ := idxdb.As[idxdb.Renamer](e.store)
	e.wantErr("Rename of a key that is not there", r.Rename(e.ctx, "absent", "c"), idxdb.ErrNotFound)
	e.wantErr("Rename of a key that is not there to one that is", r.Rename(e.ctx, "absent", "b"), nil)
	err := r.Rename(e.ctx, "a", "b")
	e.wantErr("Rename to a key that is there", err, idxdb.ErrConflict)
	var conflict *idxdb.ConflictError
	if !errors.As(err, &conflict) || conflict.Key != "b" || conflict.Current == nil || conflict.Current.ID != b.ID {
		e.Errorf("Rename to a key that is there: %v does not say which version is there", err)
	}
	e.movedTo("a", e.versions("a"), a, true)
	e.holds("a", `["v",2]`, `["s",2]`)
	e.holds("b", `["b"]`, none)
	e.absent("c")
}

func testRenameNumbers(e *env) {
	// To a name that had versions: numbers go on from those.
	for i := range 5 {
		e.save("b", fmt.Sprintf(`["b",%d]`, i), none)
	}
	e.delete("b")
	a := e.saveThree("a")
	e.rename("a", "b")
	got := e.versions("b")
	e.movedTo("b", got, a, false)
	if lowest := got[len(got)-1].Number; lowest <= 5 {
		e.Errorf("Rename gave out number %d of b again", lowest)
	}
	e.number(e.save("b", `["next"]`, none), got[0].Number+1)
	// The name that was left keeps its count.
	saved := e.save("a", `["again"]`, none)
	e.number(saved, 4)
	e.reopen()
	e.holds("a", `["again"]`, none)
}

func testClone(e *env) {
	before := e.saveThree("from")
	c, _ := idxdb.As[idxdb.Cloner](e.store)
	for to, allVersions := range map[string]bool{"all": true, "newest": false} {
		want := before
		if !allVersions {
			want = before[:1]
		}
		n, err := c.Clone(e.ctx, "from", to, allVersions)
		if err != nil || n != len(want) {
			e.Errorf("Clone(all versions %v) = %d, %v; want %d", allVersions, n, err, len(want))
		}
		for range 2 {
			e.holds(to, `["v",2]`, `["s",2]`)
			e.movedTo(to, e.versions(to), want, false)
			e.movedTo("from", e.versions("from"), before, true)
			e.reopen()
			c, _ = idxdb.As[idxdb.Cloner](e.store)
		}
	}
}

func testCloneFails(e *env) {
	e.saveThree("a")
	e.save("b", `["b"]`, none)
	c, _ := idxdb.As[idxdb.Cloner](e.store)
	_, err := c.Clone(e.ctx, "absent", "c", true)
	e.wantErr("Clone of a key that is not there", err, idxdb.ErrNotFound)
	_, err = c.Clone(e.ctx, "a", "b", true)
	e.wantErr("Clone to a key that is there", err, idxdb.ErrConflict)
	_, err = c.Clone(e.ctx, "a", "a", false)
	e.wantErr("Clone to itself", err, nil)
	e.holds("a", `["v",2]`, `["s",2]`)
	e.holds("b", `["b"]`, none)
	e.absent("c")
}

func testCloneIndependent(e *env) {
	text := indexText(300_000, 30)
	e.save("a", text, `["s"]`)
	c, _ := idxdb.As[idxdb.Cloner](e.store)
	if _, err := c.Clone(e.ctx, "a", "b", true); err != nil {
		e.Fatal(err)
	}
	e.save("b", `["changed"]`, none)
	e.holds("a", text, `["s"]`)
	e.holds("b", `["changed"]`, none)
	if _, err := c.Clone(e.ctx, "a", "c", true); err != nil {
		e.Fatal(err)
	}
	e.delete("a")
	e.vacuum()
	e.reopen()
	e.absent("a")
	e.holds("c", text, `["s"]`)
}
