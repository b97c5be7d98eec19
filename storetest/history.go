package storetest

import (
	"fmt"

	"github.com/idxdb/idxdb"
)

var historySentences = []sentence{
	{name: "History/KeepsEveryVersion", needs: []capability{history}, test: testHistory},
	{name: "History/LogIsNewestFirst", needs: []capability{history}, test: testLogOrder},
	{name: "History/EndsWithDelete", needs: []capability{history}, test: testLogAfterDelete},
	{name: "History/OldVersionsLackWhatTheyLacked", needs: []capability{history}, test: testOldSearch},
}

func testHistory(e *env) {
	const n = 30
	var texts []string
	for i := range uint64(n) {
		// Versions share most of their content, as those of real states do.
		text := "[" + indexText(40_000, 20) + "," + indexText(3_000, i) + "," + indexText(40_000, 21) + "]"
		texts = append(texts, text)
		e.save("key", text, fmt.Sprintf(`[%d]`, i))
	}
	for round := range 3 {
		for i, want := range texts {
			number := int64(i + 1)
			got, v := e.load("key", idxdb.LoadOptions{Version: number})
			if got != want || v.Number != number {
				e.Errorf("version %d: got version %d, %s, want %s", number, v.Number, brief(got), brief(want))
			}
			search, _ := e.load("key", idxdb.LoadOptions{Version: number, Doc: idxdb.SearchDoc})
			if search != fmt.Sprintf(`[%d]`, i) {
				e.Errorf("search of version %d: %s", number, brief(search))
			}
		}
		if round == 0 {
			e.vacuum()
		} else {
			e.reopen()
		}
	}
}

func testLogOrder(e *env) {
	var saved []idxdb.Version
	for i := range 12 {
		v := e.saveWith("key", fmt.Sprintf(`[%d]`, i), none, idxdb.SaveOptions{Message: fmt.Sprint("save ", i)}).Version
		saved = append(saved, v)
		e.save("other", fmt.Sprintf(`[%d]`, i), none)
	}
	log := e.log("key")
	if len(log) != len(saved) {
		e.Fatalf("Log has %d versions, want %d", len(log), len(saved))
	}
	for i, v := range log {
		if want := saved[len(saved)-1-i]; !sameVersion(v, want) {
			e.Errorf("Log at %d: %+v, want %+v", i, v, want)
		}
		if _, loaded := e.load("key", idxdb.LoadOptions{Version: v.Number}); !sameVersion(loaded, v) {
			e.Errorf("Load and Log disagree on version %d:\n%+v\n%+v", v.Number, loaded, v)
		}
	}
	if h, ok := idxdb.As[idxdb.Historian](e.store); ok {
		for range h.Log(e.ctx, "key") {
			break // must not leave anything locked
		}
	}
	e.save("key", `["after"]`, none)
}

func testLogAfterDelete(e *env) {
	_, err := e.tryLog("key")
	e.wantErr("Log of a key that was never there", err, idxdb.ErrNotFound)
	e.save("key", `[1]`, none)
	e.save("key", `[2]`, none)
	e.delete("key")
	_, err = e.tryLog("key")
	e.wantErr("Log of a deleted key", err, idxdb.ErrNotFound)
	for n := range int64(3) {
		_, _, err := e.read("key", idxdb.LoadOptions{Version: n})
		e.wantErr("Load of a version of a deleted key", err, idxdb.ErrNotFound)
	}
	e.save("key", `[3]`, none)
	if log := e.log("key"); len(log) != 1 || log[0].Number != 3 {
		e.Errorf("Log of a key saved again: %+v, want version 3 alone", log)
	}
	_, _, err = e.read("key", idxdb.LoadOptions{Version: 1})
	e.wantErr("Load of a version from before the delete", err, idxdb.ErrNotFound)
}

func testOldSearch(e *env) {
	e.save("key", `[1]`, none)
	e.save("key", `[1]`, `["s2"]`)
	e.save("key", `[3]`, none)
	for n, want := range map[int64]string{1: none, 2: `["s2"]`, 3: none} {
		got, _, err := e.read("key", idxdb.LoadOptions{Version: n, Doc: idxdb.SearchDoc})
		if want == none {
			e.wantErr(fmt.Sprintf("Load of search of version %d", n), err, idxdb.ErrNotFound)
		} else if err != nil || got != want {
			e.Errorf("search of version %d: %s, %v; want %s", n, brief(got), err, want)
		}
	}
	for _, v := range e.log("key") {
		if (v.Search != nil) != (v.Number == 2) {
			e.Errorf("Log says search %+v of version %d", v.Search, v.Number)
		}
	}
}
