package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
)

// compare checks that the store holds what the oracle holds.
func (w *walk) compare() {
	live := w.want.live()
	if got := w.keys(); !slices.Equal(got, live) {
		w.Errorf("step %d: List has %q, want %q", w.step, got, live)
	}
	for _, key := range walkKeys {
		v := w.want.newest(key)
		if v == nil {
			_, _, err := w.read(key, idxdb.LoadOptions{})
			w.wantErr(fmt.Sprintf("step %d: Load(%q)", w.step, key), err, idxdb.ErrNotFound)
			continue
		}
		if got := w.holds(key, v.state, v.search); !sameVersion(got, v.Version) {
			w.Errorf("step %d: %q is %+v, want %+v", w.step, key, got, v.Version)
		}
		if w.want.history {
			w.compareLog(key)
		}
	}
}

func (w *walk) compareLog(key string) {
	want := w.want.key(key).versions
	got := w.log(key)
	if len(got) != len(want) {
		w.Errorf("step %d: Log(%q) has %d versions, want %d", w.step, key, len(got), len(want))
		return
	}
	for i, v := range slices.Backward(want) {
		if g := got[len(want)-1-i]; !sameVersion(g, v.Version) {
			w.Errorf("step %d: Log(%q) has %+v, want %+v", w.step, key, g, v.Version)
		}
	}
	old := want[w.rng.IntN(len(want))]
	if text, _ := w.load(key, idxdb.LoadOptions{Version: old.Number}); text != old.state {
		w.Errorf("step %d: %q version %d is %s, want %s", w.step, key, old.Number, brief(text), brief(old.state))
	}
	search, _, err := w.read(key, idxdb.LoadOptions{Version: old.Number, Doc: idxdb.SearchDoc})
	if search != old.search || err != nil && !errors.Is(err, idxdb.ErrNotFound) {
		w.Errorf("step %d: search of %q version %d is %s, %v", w.step, key, old.Number, brief(search), err)
	}
}
