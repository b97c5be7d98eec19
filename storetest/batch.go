package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/idxdb/idxdb"
)

var batchSentences = []sentence{
	{name: "Batch/SavesAll", needs: []capability{batch}, test: testBatch},
	{name: "Batch/SavesNoneIfOneFails", needs: []capability{batch}, test: testBatchFails},
	{name: "Batch/OpensOnceInOrder", needs: []capability{batch}, test: testBatchOrder},
}

func item(key, state, search string) idxdb.BatchItem {
	return idxdb.BatchItem{Key: key, Open: func() (idxdb.Documents, func(), error) {
		return docs(state, search), func() {}, nil
	}}
}

func (e *env) saveBatch(items ...idxdb.BatchItem) ([]idxdb.Saved, error) {
	b, _ := idxdb.As[idxdb.BatchSaver](e.store)
	return b.SaveBatch(e.ctx, items)
}

func testBatch(e *env) {
	e.save("b", `["former"]`, none)
	same := e.save("same", `["same"]`, none).Version
	cond := item("b", `["b"]`, none)
	cond.Opts = idxdb.SaveOptions{If: idxdb.IfVersion(1), Message: "second", ID: idxdb.NewID()}
	large := indexText(1<<20, 33)
	saved, err := e.saveBatch(item("c", large, `["s"]`), cond, item("same", `["same"]`, none), item("a", `["a"]`, none))
	if err != nil || len(saved) != 4 {
		e.Fatalf("SaveBatch = %d saved, %v; want 4", len(saved), err)
	}
	for i, want := range []struct {
		key    string
		number int64
	}{{"c", 1}, {"b", 2}, {"same", 1}, {"a", 1}} {
		if v := saved[i].Version; v.Key != want.key || v.Number != want.number || saved[i].Unchanged != (want.key == "same") {
			e.Errorf("item %d saved %+v, unchanged %v; want %v", i, v, saved[i].Unchanged, want)
		}
	}
	e.sameAgain("unchanged item", saved[2], same)
	e.reopen()
	e.holds("c", large, `["s"]`)
	e.holds("a", `["a"]`, none)
	if v := e.holds("b", `["b"]`, none); v.Message != "second" || v.ID != cond.Opts.ID {
		e.Errorf("options of a batch item were lost: %+v", v)
	}
	again, err := e.saveBatch(cond)
	if err != nil || len(again) != 1 {
		e.Fatalf("SaveBatch again = %+v, %v", again, err)
	}
	e.sameAgain("retry of a batch", again[0], saved[1].Version)
	if saved, err := e.saveBatch(); err != nil || len(saved) != 0 {
		e.Errorf("SaveBatch of nothing = %+v, %v", saved, err)
	}
}

func testBatchFails(e *env) {
	there := e.save("there", `["former"]`, `["s"]`).Version
	conflict := item("bad", `[]`, none)
	conflict.Opts.If = idxdb.IfVersion(3)
	noOpen := idxdb.BatchItem{Key: "bad", Open: func() (idxdb.Documents, func(), error) { return idxdb.Documents{}, nil, errBoom }}
	brokenItem := idxdb.BatchItem{Key: "bad", Open: func() (idxdb.Documents, func(), error) {
		return idxdb.Documents{State: broken(indexText(1<<20, 34)[:1<<19])}, func() {}, nil
	}}
	for name, bad := range map[string]struct {
		item idxdb.BatchItem
		want error
	}{
		"not JSON":           {item("bad", `[1`, none), idxdb.ErrInvalidJSON},
		"search not JSON":    {item("bad", `[1]`, `x`), idxdb.ErrInvalidJSON},
		"condition false":    {conflict, idxdb.ErrConflict},
		"cannot be opened":   {noOpen, errBoom},
		"broken reader":      {brokenItem, errBoom},
		"invalid key":        {item("a\nb", `[]`, none), idxdb.ErrInvalidKey},
		"a key occurs twice": {item("first", `["twice"]`, none), nil},
	} {
		for place := range 3 {
			items := []idxdb.BatchItem{item("first", `["first"]`, none), item("there", `["changed"]`, none)}
			_, err := e.saveBatch(slices.Insert(items, place, bad.item)...)
			e.wantErr("SaveBatch with a bad item ("+name+")", err, bad.want)
			if v := e.holds("there", `["former"]`, `["s"]`); !sameVersion(v, there) {
				e.Errorf("SaveBatch with a bad item (%s) left %+v, want %+v", name, v, there)
			}
			if got := e.keys(); !slices.Equal(got, []string{"there"}) {
				e.Errorf("SaveBatch with a bad item (%s) left the keys %q", name, got)
			}
		}
	}
	ctx, cancel := context.WithCancel(e.ctx)
	stops := idxdb.BatchItem{Key: "stops", Open: func() (idxdb.Documents, func(), error) {
		cancel()
		return docs(`[]`, none), func() {}, nil
	}}
	b, _ := idxdb.As[idxdb.BatchSaver](e.store)
	_, err := b.SaveBatch(ctx, []idxdb.BatchItem{item("first", `[]`, none), stops, item("last", `[]`, none)})
	e.wantErr("SaveBatch cancelled half way", err, context.Canceled)
	e.reopen()
	if got := e.keys(); !slices.Equal(got, []string{"there"}) {
		e.Errorf("SaveBatch cancelled half way left the keys %q", got)
	}
}

func testBatchOrder(e *env) {
	for _, fails := range []bool{false, true} {
		var calls []string
		var items []idxdb.BatchItem
		for i := range 4 {
			name := fmt.Sprint(i)
			items = append(items, idxdb.BatchItem{Key: "key " + name, Open: func() (idxdb.Documents, func(), error) {
				calls = append(calls, "open "+name)
				text := fmt.Sprintf(`[%q,%v]`, name, fails)
				if fails && name == "2" {
					text = `[`
				}
				return docs(text, none), func() { calls = append(calls, "done "+name) }, nil
			}})
		}
		_, err := e.saveBatch(items...)
		if fails != errors.Is(err, idxdb.ErrInvalidJSON) {
			e.Errorf("SaveBatch: %v", err)
		}
		var opened []string
		balance := make(map[string]int)
		for _, c := range calls {
			verb, name, _ := strings.Cut(c, " ")
			if verb == "open" {
				opened = append(opened, name)
				balance[name]++
			} else {
				balance[name]--
			}
		}
		for name, n := range balance {
			if n != 0 {
				e.Errorf("item %s was not opened once and done with once: %q", name, calls)
			}
		}
		if !fails && len(opened) != 4 || !slices.IsSorted(opened) {
			e.Errorf("items were opened as %q", calls)
		}
	}
}
