package storetest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/idxdb/idxdb"
)

var importSentences = []sentence{
	{name: "Import/KeepsWhatTheVersionIs", needs: []capability{imports}, test: testImportFields},
	{name: "Import/NumbersByTheRule", needs: []capability{imports}, test: testImportNumbers},
	{name: "Import/FillsInOlderVersions", needs: []capability{imports, history}, test: testImportOlder},
	{name: "Import/RecognisesWhatIsThere", needs: []capability{imports}, test: testImportPresent},
	{name: "Import/ChecksConditionAndJSON", needs: []capability{imports}, test: testImportFails},
	{name: "Import/RefusesWhatNoStoreMakes", needs: []capability{imports}, test: testImportRefuses},
	{name: "Import/KeepsEveryTime", needs: []capability{imports}, test: testImportTimes},
}

// foreign is a version that another store made.
func foreign(key string, number int64) idxdb.Version {
	return idxdb.Version{
		Key:     key,
		Number:  number,
		ID:      idxdb.NewID(),
		SavedAt: time.Date(2024, 2, 29, 12, 30, 15, 123e6, time.UTC),
		SavedBy: idxdb.Author{User: "someone", Host: "elsewhere", Program: "indexer"},
		Message: "from another store",
	}
}

func (e *env) doImport(v idxdb.Version, state, search string) idxdb.Saved {
	e.Helper()
	i, _ := idxdb.As[idxdb.Importer](e.store)
	saved, err := i.Import(e.ctx, v, docs(state, search), idxdb.Condition{})
	if err != nil {
		e.Fatalf("Import(version %d): %v", v.Number, err)
	}
	return saved
}

func testImportFields(e *env) {
	const state = `{"source":{"type":"other","identifier":"x","resolvedRef":"r"}}`
	v := foreign("key", 7)
	saved := e.doImport(v, state, `["s"]`)
	e.number(saved, 7)
	e.reopen()
	got := e.holds("key", state, `["s"]`)
	if !sameVersion(got, saved.Version) {
		e.Errorf("Import gave %+v, Load %+v", saved.Version, got)
	}
	if got.ID != v.ID || !got.SavedAt.Equal(v.SavedAt) || got.SavedBy != v.SavedBy || got.Message != v.Message {
		e.Errorf("imported as %+v, want %+v", got, v)
	}
	if got.Source.Identifier != "x" || got.Source.Ref != "r" {
		e.Errorf("source of an imported version: %+v", got.Source)
	}
	e.number(e.save("key", `[8]`, none), 8)
}

func testImportNumbers(e *env) {
	steps := []struct {
		number, want int64
		why          string
	}{
		{5, 5, "above all"},
		{6, 6, "above all"},
		{9, 9, "above all, with a gap"},
		{9, 10, "taken"},
		{10, 11, "taken by one that got another number"},
		{11, 12, "taken by another such"},
	}
	for _, s := range steps {
		saved := e.doImport(foreign("key", s.number), textFor(s.why), none)
		if saved.Version.Number != s.want || saved.Unchanged {
			e.Errorf("import of number %d (%s) gave %d, want %d", s.number, s.why, saved.Version.Number, s.want)
		}
		if v := e.holds("key", textFor(s.why), none); v.Number != s.want {
			e.Errorf("after import of number %d the newest is %d, want %d", s.number, v.Number, s.want)
		}
	}
	e.delete("key")
	if saved := e.doImport(foreign("key", 3), `["again"]`, none); saved.Version.Number != 13 {
		e.Errorf("import of number 3 after 12 were given out and deleted gave %d, want 13", saved.Version.Number)
	}
	for i, n := range []int64{12, 7} { // the one was given out, the other was not
		if saved := e.doImport(foreign("key", n), textFor(fmt.Sprint(n)), none); saved.Version.Number != 14+int64(i) {
			e.Errorf("import of number %d, below what was deleted, gave %d, want %d", n, saved.Version.Number, 14+i)
		}
		e.holds("key", textFor(fmt.Sprint(n)), none)
	}
}

func testImportOlder(e *env) {
	for _, n := range []int64{9, 3, 5, 4} {
		if saved := e.doImport(foreign("key", n), fmt.Sprintf(`[%d]`, n), none); saved.Version.Number != n {
			e.Errorf("import of the free number %d gave %d", n, saved.Version.Number)
		}
		e.holds("key", `[9]`, none) // the newest stays
	}
	var numbers []int64
	for _, v := range e.log("key") {
		numbers = append(numbers, v.Number)
		if got, _ := e.load("key", idxdb.LoadOptions{Version: v.Number}); got != fmt.Sprintf(`[%d]`, v.Number) {
			e.Errorf("version %d: %s", v.Number, got)
		}
	}
	if !slices.Equal(numbers, []int64{9, 5, 4, 3}) {
		e.Errorf("Log has the numbers %v, want 9 5 4 3", numbers)
	}
	e.number(e.save("key", `[10]`, none), 10)
}

func testImportPresent(e *env) {
	v := foreign("key", 2)
	first := e.doImport(v, `[1]`, `["s"]`)
	e.sameAgain("import again", e.doImport(v, `[1]`, `["s"]`), first.Version)
	e.reopen()
	e.sameAgain("import again after reopen", e.doImport(v, `[1]`, `["s"]`), first.Version)
	if e.has(history) {
		e.save("key", `[2]`, none)
		e.sameAgain("import of an older version", e.doImport(v, `[1]`, `["s"]`), first.Version)
		if n := len(e.log("key")); n != 2 {
			e.Errorf("Log has %d versions, want 2", n)
		}
	}
	// Equal bytes under another id are another version.
	e.delete("key")
	e.doImport(foreign("key", 10), `[1]`, none)
	if saved := e.doImport(foreign("key", 11), `[1]`, none); saved.Unchanged || saved.Version.Number != 11 {
		e.Errorf("import of equal bytes with another id: version %d, unchanged %v", saved.Version.Number, saved.Unchanged)
	}
}

func testImportFails(e *env) {
	i, _ := idxdb.As[idxdb.Importer](e.store)
	there := e.save("key", `[1]`, none).Version
	for name, cond := range map[string]idxdb.Condition{
		"IfVersion(0)":     idxdb.IfVersion(0),
		"IfVersion(2)":     idxdb.IfVersion(2),
		"IfMatch(unknown)": idxdb.IfMatch(idxdb.NewID()),
	} {
		_, err := i.Import(e.ctx, foreign("key", 5), docs(`[5]`, none), cond)
		e.wantErr("Import with "+name, err, idxdb.ErrConflict)
	}
	_, err := i.Import(e.ctx, foreign("key", 5), docs(`[5`, none), idxdb.Condition{})
	e.wantErr("Import of what is not JSON", err, idxdb.ErrInvalidJSON)
	_, err = i.Import(e.ctx, foreign("key", 5), idxdb.Documents{State: broken(`[5`)}, idxdb.Condition{})
	e.wantErr("Import with a broken reader", err, errBoom)
	if v := e.holds("key", `[1]`, none); !sameVersion(v, there) {
		e.Errorf("after failed imports: %+v, want %+v", v, there)
	}
	saved, err := i.Import(e.ctx, foreign("key", 5), docs(`[5]`, none), idxdb.IfMatch(there.ID))
	if err != nil || saved.Version.Number != 5 {
		e.Errorf("Import with a condition that holds: version %d, %v", saved.Version.Number, err)
	}
}

func testImportRefuses(e *env) {
	i, _ := idxdb.As[idxdb.Importer](e.store)
	there := e.save("key", `[1]`, none).Version
	for name, change := range map[string]func(v *idxdb.Version){
		"no id":                    func(v *idxdb.Version) { v.ID = idxdb.ID{} },
		"number 0":                 func(v *idxdb.Version) { v.Number = 0 },
		"number -1":                func(v *idxdb.Version) { v.Number = -1 },
		"the lowest number":        func(v *idxdb.Version) { v.Number = math.MinInt64 },
		"a number that is too big": func(v *idxdb.Version) { v.Number = idxdb.MaxVersion + 1 },
		"the highest number":       func(v *idxdb.Version) { v.Number = math.MaxInt64 },
		"the year 10000":           func(v *idxdb.Version) { v.SavedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"the year 0":               func(v *idxdb.Version) { v.SavedAt = time.Time{}.Add(-time.Hour) },
	} {
		for _, key := range []string{"key", "absent"} {
			v := foreign(key, 5)
			change(&v)
			_, err := i.Import(e.ctx, v, docs(`[5]`, none), idxdb.Condition{})
			e.wantErr("Import with "+name, err, idxdb.ErrUsage)
		}
	}
	e.absent("absent")
	if v := e.holds("key", `[1]`, none); !sameVersion(v, there) {
		e.Errorf("after refused imports: %+v, want %+v", v, there)
	}
}

func testImportTimes(e *env) {
	for i, at := range []time.Time{
		time.Unix(0, 0).UTC(),
		time.UnixMicro(-1).UTC(),
		time.UnixMicro(1).UTC(),
		{},
		time.Date(9999, 12, 31, 23, 59, 59, 999_999e3, time.UTC),
		time.Date(1970, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)),
	} {
		v := foreign("key", int64(i)+1)
		v.SavedAt = at
		saved := e.doImport(v, fmt.Sprintf(`[%d]`, i), none)
		got := e.holds("key", fmt.Sprintf(`[%d]`, i), none)
		for _, v := range []idxdb.Version{saved.Version, got} {
			if !v.SavedAt.Equal(at) || v.SavedAt.Location() != time.UTC {
				e.Errorf("a version of %v was imported as one of %v", at, v.SavedAt)
			}
		}
	}
}
