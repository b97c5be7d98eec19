package storetest

import (
	"errors"
	"fmt"

	"github.com/idxdb/idxdb"
)

var retrySentences = []sentence{
	{name: "Retry/RecognisesItsOwnSuccess", test: testRetry},
	{name: "Retry/FindsItsVersionUnderLaterOnes", needs: []capability{history}, test: testLateRetry},
	{name: "Retry/WithOtherBytesIsRefused", test: testRetryOtherBytes},
	{name: "Retry/AfterAFailureSaves", test: testRetryAfterFailure},
	{name: "Retry/AfterDeleteSavesAnew", test: testRetryAfterDelete},
	{name: "Retry/AfterRenameSavesAnew", needs: []capability{rename}, test: testRetryAfterRename},
}

func (e *env) sameAgain(what string, again idxdb.Saved, first idxdb.Version) {
	e.Helper()
	if !again.Unchanged || !sameVersion(again.Version, first) {
		e.Errorf("%s: unchanged %v,\n%+v, want\n%+v", what, again.Unchanged, again.Version, first)
	}
}

func testRetry(e *env) {
	opts := idxdb.SaveOptions{ID: idxdb.NewID(), If: idxdb.IfVersion(0), Message: "once"}
	text := indexText(200_000, 11)
	first := e.saveWith("key", text, `["s"]`, opts)
	e.number(first, 1)
	for range 2 {
		// IfVersion(0) does not hold any more, but by our own doing.
		e.sameAgain("retry", e.saveWith("key", text, `["s"]`, opts), first.Version)
		e.reopen()
	}
	opts.If = idxdb.IfMatch(first.Version.ID)
	opts.ID = idxdb.NewID()
	second := e.saveWith("key", `[2]`, none, opts)
	e.sameAgain("retry of the second save", e.saveWith("key", `[2]`, none, opts), second.Version)
	e.number(second, 2)
}

func testLateRetry(e *env) {
	opts := idxdb.SaveOptions{ID: idxdb.NewID(), If: idxdb.IfVersion(0)}
	first := e.saveWith("key", `[1]`, none, opts)
	for i := range 5 {
		e.save("key", fmt.Sprintf(`["later",%d]`, i), none)
	}
	e.sameAgain("retry", e.saveWith("key", `[1]`, none, opts), first.Version)
	e.reopen()
	e.sameAgain("retry after reopen", e.saveWith("key", `[1]`, none, opts), first.Version)
	opts.If = idxdb.Condition{}
	e.sameAgain("retry without a condition", e.saveWith("key", `[1]`, none, opts), first.Version)
	if n := len(e.log("key")); n != 6 {
		e.Errorf("Log has %d versions after retries, want 6", n)
	}
	e.holds("key", `["later",4]`, none)
}

func testRetryOtherBytes(e *env) {
	opts := idxdb.SaveOptions{ID: idxdb.NewID()}
	first := e.saveWith("key", `[1]`, `["s"]`, opts).Version
	for name, d := range map[string]idxdb.Documents{
		"another state": docs(`[2]`, `["s"]`),
		"other search":  docs(`[1]`, `["t"]`),
		"no search":     docs(`[1]`, none),
	} {
		_, err := e.store.Save(e.ctx, "key", d, opts)
		if !errors.Is(err, idxdb.ErrConflict) && !errors.Is(err, idxdb.ErrUsage) {
			e.Errorf("a used id with %s: error %v, want ErrConflict or ErrUsage", name, err)
		}
		if v := e.holds("key", `[1]`, `["s"]`); !sameVersion(v, first) {
			e.Errorf("a used id with %s changed the version: %+v, want %+v", name, v, first)
		}
	}
}

func testRetryAfterFailure(e *env) {
	opts := idxdb.SaveOptions{ID: idxdb.NewID(), If: idxdb.IfVersion(0)}
	_, err := e.store.Save(e.ctx, "key", idxdb.Documents{State: broken(`[1`)}, opts)
	e.wantErr("Save with a broken reader", err, errBoom)
	e.saveFails(idxdb.ErrInvalidJSON, "key", `[1`, none, opts)
	saved := e.saveWith("key", `[1]`, none, opts)
	e.number(saved, 1)
	if saved.Version.ID != opts.ID {
		e.Errorf("saved with id %s, want %s", saved.Version.ID, opts.ID)
	}
}

// savesAnew saves with an id that versions had that are gone, and expects number.
func (e *env) savesAnew(key, state, search string, opts idxdb.SaveOptions, number int64) {
	e.Helper()
	saved := e.saveWith(key, state, search, opts)
	e.number(saved, number)
	if saved.Version.ID != opts.ID {
		e.Errorf("saved with id %s, want %s", saved.Version.ID, opts.ID)
	}
	if v := e.holds(key, state, search); !sameVersion(v, saved.Version) {
		e.Errorf("Save and Load disagree:\n%+v\n%+v", saved.Version, v)
	}
	e.sameAgain("retry of the new save", e.saveWith(key, state, search, opts), saved.Version)
	if e.has(history) {
		if log := e.log(key); len(log) != 1 || !sameVersion(log[0], saved.Version) {
			e.Errorf("Log has %+v, want the new version alone", log)
		}
	}
}

func testRetryAfterDelete(e *env) {
	older := idxdb.SaveOptions{ID: idxdb.NewID(), If: idxdb.IfVersion(0)}
	newest := idxdb.SaveOptions{ID: idxdb.NewID()}
	e.saveWith("key", `[1]`, `["s"]`, older)
	e.saveWith("key", `[2]`, none, newest)
	e.delete("key")
	e.savesAnew("key", `[2]`, none, newest, 3)
	e.delete("key")
	e.reopen()
	e.savesAnew("key", `[1]`, `["s"]`, older, 4)
	// What is gone is not in the way of other bytes either.
	e.number(e.saveWith("key", `["other"]`, none, newest), 5)
	e.holds("key", `["other"]`, none)
	e.delete("key")
	e.vacuum()
	e.savesAnew("key", `[1]`, `["s"]`, older, 6)
}

func testRetryAfterRename(e *env) {
	opts := idxdb.SaveOptions{ID: idxdb.NewID(), If: idxdb.IfVersion(0)}
	first := e.saveWith("from", `[1]`, `["s"]`, opts).Version
	e.rename("from", "to")
	e.savesAnew("from", `[1]`, `["s"]`, opts, 2)
	first.Key = "to"
	e.sameAgain("retry under the new name", e.saveWith("to", `[1]`, `["s"]`, opts), first)
	e.reopen()
	if v := e.holds("to", `[1]`, `["s"]`); !sameVersion(v, first) {
		e.Errorf("after a retry under the former name: %+v, want %+v", v, first)
	}
}
