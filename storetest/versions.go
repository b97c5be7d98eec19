package storetest

import (
	"fmt"

	"github.com/idxdb/idxdb"
)

var versionSentences = []sentence{
	{name: "Versions/CountUpFromOnePerKey", test: testCountUp},
	{name: "Versions/AreNotReusedAfterDelete", test: testNoReuse},
	{name: "Versions/EqualBytesAreUnchanged", test: testUnchanged},
	{name: "Versions/ChangeInOneDocumentIsNew", test: testOneChanged},
	{name: "Versions/HaveIDsOfTheirOwn", test: testIDs},
	{name: "Versions/ThatAreNotThereAreNotFound", test: testNoSuchVersion},
	{name: "Versions/EndRatherThanWrap", needs: []capability{imports}, test: testLastNumber},
}

func (e *env) number(saved idxdb.Saved, want int64) {
	e.Helper()
	if saved.Version.Number != want || saved.Unchanged {
		e.Errorf("saved version %d, unchanged %v; want the new version %d", saved.Version.Number, saved.Unchanged, want)
	}
}

func (e *env) delete(key string) {
	e.Helper()
	if err := e.store.Delete(e.ctx, key, idxdb.DeleteOptions{}); err != nil {
		e.Fatalf("Delete(%s): %v", brief(key), err)
	}
}

func testCountUp(e *env) {
	for i := range int64(5) {
		for _, key := range []string{"a", "b"} {
			saved := e.save(key, fmt.Sprintf(`[%d]`, i), none)
			e.number(saved, i+1)
			if saved.Version.Key != key {
				e.Errorf("Saved.Version.Key = %q, want %q", saved.Version.Key, key)
			}
			if v := e.holds(key, fmt.Sprintf(`[%d]`, i), none); !sameVersion(v, saved.Version) {
				e.Errorf("Save and Load disagree:\n%+v\n%+v", saved.Version, v)
			}
		}
	}
	e.number(e.save("c", `[0]`, none), 1)
	e.reopen()
	e.number(e.save("a", `["next"]`, none), 6)
}

func testNoReuse(e *env) {
	e.save("key", `[1]`, none)
	e.save("key", `[2]`, none)
	e.delete("key")
	e.absent("key")
	if _, _, err := e.read("key", idxdb.LoadOptions{Version: 2}); err == nil {
		e.Error("a version can be loaded after its key was deleted")
	}
	e.number(e.save("key", `[2]`, none), 3)
	e.delete("key")
	e.vacuum()
	e.reopen()
	e.absent("key")
	e.number(e.save("key", `[2]`, none), 4)
	e.holds("key", `[2]`, none)
	if e.has(history) {
		if log := e.log("key"); len(log) != 1 || log[0].Number != 4 {
			e.Errorf("Log after delete and save: %+v, want version 4 alone", log)
		}
	}
}

func testUnchanged(e *env) {
	text := indexText(300_000, 3)
	first := e.save("key", text, `{"s":1}`)
	for i := range 3 {
		again := e.saveWith("key", text, `{"s":1}`, idxdb.SaveOptions{Message: fmt.Sprint("again ", i)})
		if !again.Unchanged || !sameVersion(again.Version, first.Version) {
			e.Errorf("saving equal bytes gave unchanged %v, %+v; want %+v", again.Unchanged, again.Version, first.Version)
		}
		if again.NewBytes != 0 {
			e.Errorf("saving equal bytes gave NewBytes %d", again.NewBytes)
		}
		e.reopen()
	}
	if first.Unchanged || first.NewBytes <= 0 || first.NewBytes > int64(len(text)+7) {
		e.Errorf("the first save: unchanged %v, NewBytes %d", first.Unchanged, first.NewBytes)
	}
	// Only the newest version counts: going back to old bytes is a change.
	e.number(e.save("key", `{"v":2}`, none), 2)
	e.number(e.save("key", text, `{"s":1}`), 3)
	e.holds("key", text, `{"s":1}`)
	e.number(e.save("other", text, `{"s":1}`), 1)
	// Equal values are not equal bytes.
	e.number(e.save("key", text+" ", `{"s":1}`), 4)
}

func testOneChanged(e *env) {
	e.number(e.save("key", `[1]`, `["s1"]`), 1)
	e.number(e.save("key", `[1]`, `["s2"]`), 2)
	e.holds("key", `[1]`, `["s2"]`)
	e.number(e.save("key", `[2]`, `["s2"]`), 3)
	e.number(e.save("key", `[2]`, none), 4)
	e.number(e.save("key", `[2]`, `[2]`), 5)
	e.number(e.save("key", `["s2"]`, `[2]`), 6)
	e.holds("key", `["s2"]`, `[2]`)
}

func testIDs(e *env) {
	given := idxdb.NewID()
	seen := map[idxdb.ID]bool{given: true}
	for i := range 10 {
		v := e.save(fmt.Sprint("key ", i%3), fmt.Sprintf(`[%d]`, i), none).Version
		if v.ID.IsZero() || seen[v.ID] {
			e.Errorf("save %d has the id %s, which is zero or not new", i, v.ID)
		}
		seen[v.ID] = true
	}
	saved := e.saveWith("key", `{}`, none, idxdb.SaveOptions{ID: given})
	if saved.Version.ID != given {
		e.Errorf("the id that was given, %s, became %s", given, saved.Version.ID)
	}
	e.reopen()
	if v := e.holds("key", `{}`, none); v.ID != given {
		e.Errorf("the id that was given, %s, was loaded as %s", given, v.ID)
	}
}

func testNoSuchVersion(e *env) {
	e.save("key", `[1]`, `["s1"]`)
	e.save("key", `[2]`, none)
	if got, _ := e.load("key", idxdb.LoadOptions{Version: 2}); got != `[2]` {
		e.Errorf("the newest version by its number: %s", brief(got))
	}
	_, _, err := e.read("key", idxdb.LoadOptions{Version: 3})
	e.wantErr("Load of a version that was never saved", err, idxdb.ErrNotFound)
	_, _, err = e.read("key", idxdb.LoadOptions{Version: 1 << 40})
	e.wantErr("Load of a version that was never saved", err, idxdb.ErrNotFound)
	_, _, err = e.read("key", idxdb.LoadOptions{Version: 2, Doc: idxdb.SearchDoc})
	e.wantErr("Load of search that version 2 does not have", err, idxdb.ErrNotFound)
	_, _, err = e.read("key", idxdb.LoadOptions{Version: -1})
	e.wantErr("Load of version -1", err, nil)
	_, _, err = e.read("key", idxdb.LoadOptions{Doc: "other"})
	e.wantErr("Load of a document that there is not", err, nil)
	_, _, err = e.read("nobody", idxdb.LoadOptions{Version: 1})
	e.wantErr("Load of a key that there is not", err, idxdb.ErrNotFound)
	// A store without history may have lost version 1, but not mixed it up.
	got, _, err := e.read("key", idxdb.LoadOptions{Version: 1})
	if err == nil && got != `[1]` || err != nil && (e.has(history) || !isGone(err)) {
		e.Errorf("Load of version 1: %s, %v", brief(got), err)
	}
}

// testLastNumber looks at keys whose numbers are used up, which takes an import.
func testLastNumber(e *env) {
	e.doImport(foreign("key", idxdb.MaxVersion-1), `[1]`, none)
	e.number(e.save("key", `[2]`, `["s"]`), idxdb.MaxVersion)
	refuses := func(when string) {
		_, err := e.store.Save(e.ctx, "key", docs(`[3]`, none), idxdb.SaveOptions{})
		e.wantErr("Save above the highest number, "+when, err, idxdb.ErrUsage)
		i, _ := idxdb.As[idxdb.Importer](e.store)
		_, err = i.Import(e.ctx, foreign("key", idxdb.MaxVersion), docs(`[3]`, none), idxdb.Condition{})
		e.wantErr("Import of the highest number, "+when, err, idxdb.ErrUsage)
	}
	refuses("which is given out")
	e.reopen()
	v := e.holds("key", `[2]`, `["s"]`)
	e.sameAgain("equal bytes", e.save("key", `[2]`, `["s"]`), v)
	if got, _ := e.load("key", idxdb.LoadOptions{Version: idxdb.MaxVersion}); got != `[2]` {
		e.Errorf("the version with the highest number is %s", brief(got))
	}
	e.delete("key")
	refuses("after delete")
	e.absent("key")

	other := e.saveThree("other")
	if r, ok := idxdb.As[idxdb.Renamer](e.store); ok {
		e.wantErr("Rename to a key without free numbers", r.Rename(e.ctx, "other", "key"), idxdb.ErrUsage)
	}
	if c, ok := idxdb.As[idxdb.Cloner](e.store); ok {
		_, err := c.Clone(e.ctx, "other", "key", false)
		e.wantErr("Clone to a key without free numbers", err, idxdb.ErrUsage)
		if e.has(history) { // three versions, but two numbers
			e.doImport(foreign("near", idxdb.MaxVersion-2), `[1]`, none)
			e.delete("near")
			_, err := c.Clone(e.ctx, "other", "near", true)
			e.wantErr("Clone to a key with too few numbers", err, idxdb.ErrUsage)
			e.absent("near")
		}
	}
	e.absent("key")
	if v := e.holds("other", `["v",2]`, `["s",2]`); !sameVersion(v, other[0]) {
		e.Errorf("after what was refused: %+v, want %+v", v, other[0])
	}
}
