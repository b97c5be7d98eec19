package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/idxdb/idxdb"
)

var randomSentences = []sentence{
	{name: "Random/OperationsGiveWhatAMapGives", test: testRandom},
}

// seed returns the seed of a test and logs it, so that a failure can be repeated.
func (c *Config) seed(e *env) uint64 {
	seed := c.Seed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	e.Logf("seed %d (set Config.Seed to repeat)", seed)
	return seed
}

// A walk does random operations on a store and on an oracle.
type walk struct {
	*env
	rng     *rand.Rand
	want    *oracle
	handles []idxdb.Store
	step    int
	did     string            // the last operation, for messages
	retry   map[string]func() // repeats the last save of a key that had an id
}

var walkKeys = []string{"a", "b", "owner/repo@main", "owner_repo_main", "ключ"}

func testRandom(e *env) {
	w := &walk{
		env:  e,
		rng:  rand.New(rand.NewPCG(e.cfg.seed(e), 4)),
		want: newOracle(e.has(history)),

		retry: map[string]func(){},
	}
	w.handles = []idxdb.Store{e.store, e.open(idxdb.OpenOptions{})}
	type operation struct {
		weight int
		do     func()
	}
	ops := []operation{
		{30, w.saveAny}, {12, w.saveIf}, {5, w.saveSame}, {5, w.saveBad}, {4, w.retryAny},
		{6, w.deleteAny}, {3, w.reopenAny}, {5, w.renameAny}, {5, w.cloneAny}, {4, w.vacuumAny},
		{5, w.batchAny}, {5, w.importAny},
	}
	total := 0
	for _, op := range ops {
		total += op.weight
	}
	for w.step = range e.cfg.Steps {
		w.store = w.handles[w.rng.IntN(len(w.handles))]
		pick := w.rng.IntN(total)
		for _, op := range ops {
			if pick -= op.weight; pick < 0 {
				op.do()
				break
			}
		}
		w.store = w.handles[w.rng.IntN(len(w.handles))]
		w.compare()
		if e.Failed() {
			e.Fatalf("step %d: after %s the store is not what a map would be", w.step, w.did)
		}
	}
}

func (w *walk) doing(format string, args ...any) { w.did = fmt.Sprintf(format, args...) }

func (w *walk) anyKey() string { return walkKeys[w.rng.IntN(len(walkKeys))] }

// anyText returns a document: a new one, or that of a key with a small change,
// so that content is shared and taken apart again.
func (w *walk) anyText() string {
	v := w.want.newest(w.anyKey())
	switch {
	case v == nil || w.rng.IntN(6) == 0:
		return indexText(2+w.rng.IntN(20_000), w.rng.Uint64())
	case w.rng.IntN(8) == 0:
		return v.state
	}
	return mutate(w.rng, v.state)
}

// mutate changes a few lines of a text that indexText made.
func mutate(rng *rand.Rand, text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n  [")
	for range 1 + rng.IntN(3) {
		at := 1 + rng.IntN(len(lines))
		line := strings.TrimPrefix(indexLine(rng), "\n  [")
		if at < len(lines) && at > 1 && rng.IntN(2) == 0 {
			lines = slices.Delete(lines, at-1, at) // never the first, nor the last, which end the text
		} else if at < len(lines) && len(lines) > 2 {
			lines = slices.Insert(lines, at, line)
		}
	}
	return strings.Join(lines, "\n  [") + strings.Repeat("\n", rng.IntN(3))
}

func (w *walk) anySearch() string {
	if w.rng.IntN(3) == 0 {
		return none
	}
	return indexText(2+w.rng.IntN(3000), uint64(w.rng.IntN(5)))
}

func (w *walk) saveAny() {
	w.trySave(w.anyKey(), w.anyText(), w.anySearch(), idxdb.SaveOptions{Message: fmt.Sprint("step ", w.step)})
}

func (w *walk) saveSame() {
	v := w.want.newest(w.anyKey())
	if v == nil {
		return
	}
	search := v.search
	if w.rng.IntN(2) == 0 {
		search = w.anySearch()
	}
	w.trySave(v.Key, v.state, search, idxdb.SaveOptions{})
}

func (w *walk) saveIf() {
	key := w.anyKey()
	opts := idxdb.SaveOptions{ID: idxdb.NewID()}
	v := w.want.newest(key)
	switch n := w.rng.IntN(4); {
	case n == 0 || v == nil:
		opts.If = idxdb.IfVersion(int64(w.rng.IntN(3)))
	case n == 1:
		opts.If = idxdb.IfMatch(v.ID)
	case n == 2:
		opts.If = idxdb.IfVersion(v.Number)
	default:
		opts.If = idxdb.IfVersion(v.Number).And(idxdb.IfMatch(idxdb.NewID()))
	}
	w.trySave(key, w.anyText(), w.anySearch(), opts)
}

// trySave saves, and checks what comes back against the oracle.
func (w *walk) trySave(key, state, search string, opts idxdb.SaveOptions) {
	w.doing("save %q (state %s, search %s, if %v)", key, brief(state), brief(search), opts.If)
	saved, err := w.store.Save(w.ctx, key, docs(state, search), opts)
	w.saved(key, state, search, opts.If, saved, err)
	if err == nil && !saved.Unchanged && !opts.ID.IsZero() {
		w.retry[key] = func() {
			there := w.want.withID(key, opts.ID)
			if there == nil {
				if w.want.history || w.want.newest(key) == nil {
					w.trySave(key, state, search, opts) // it is gone, so this is a new save
				}
				return // else the store may know that save or not
			}
			again, err := w.store.Save(w.ctx, key, docs(state, search), opts)
			if err != nil {
				w.Errorf("step %d: %s: %v", w.step, w.did, err)
				return
			}
			w.sameAgain(w.did, again, there.Version)
		}
	}
}

func (w *walk) saved(key, state, search string, cond idxdb.Condition, saved idxdb.Saved, err error) {
	w.Helper()
	if cond.Check(key, w.want.current(key)) != nil {
		w.wantErr(w.did, err, idxdb.ErrConflict)
		return
	}
	if err != nil {
		w.Errorf("step %d: %s: %v", w.step, w.did, err)
		return
	}
	if v := w.want.newest(key); v != nil && v.state == state && v.search == search {
		w.sameAgain(w.did, saved, v.Version)
		return
	}
	w.number(saved, w.want.key(key).last+1)
	w.want.put(oracleVersion{saved.Version, state, search})
}

// retryAny repeats the last save of a key that had an id.
func (w *walk) retryAny() {
	key := w.anyKey()
	if repeat := w.retry[key]; repeat != nil {
		w.doing("retry of a save of %q", key)
		repeat()
	}
}

func (w *walk) saveBad() {
	key, text := w.anyKey(), w.anyText()
	cut := w.rng.IntN(len(text))
	w.doing("save %q with a document that breaks off at byte %d", key, cut)
	_, err := w.store.Save(w.ctx, key, idxdb.Documents{State: broken(text[:cut])}, idxdb.SaveOptions{})
	w.wantErr(w.did, err, errBoom)
	w.doing("save %q with a document that is not JSON after byte %d", key, len(text))
	_, err = w.store.Save(w.ctx, key, docs(text, text+"]"), idxdb.SaveOptions{})
	w.wantErr(w.did, err, idxdb.ErrInvalidJSON)
}

func (w *walk) deleteAny() {
	key := w.anyKey()
	w.doing("delete %q", key)
	err := w.store.Delete(w.ctx, key, idxdb.DeleteOptions{})
	if w.want.newest(key) == nil {
		w.wantErr(w.did, err, idxdb.ErrNotFound)
		return
	}
	if err != nil {
		w.Errorf("step %d: %s: %v", w.step, w.did, err)
	}
	w.want.delete(key)
}

func (w *walk) reopenAny() {
	w.doing("reopen")
	i := w.rng.IntN(len(w.handles))
	w.store = w.handles[i]
	w.reopen()
	w.handles[i] = w.store
}

func (w *walk) vacuumAny() {
	w.doing("vacuum")
	w.vacuum()
}

func (w *walk) renameAny() {
	r, ok := idxdb.As[idxdb.Renamer](w.store)
	if !ok {
		return
	}
	from, to := w.anyKey(), w.anyKey()
	w.doing("rename %q to %q", from, to)
	err := r.Rename(w.ctx, from, to)
	if w.moved(err, from, to) {
		versions := w.want.key(from).versions
		w.adopt(to, versions)
		w.want.delete(from)
	}
}

func (w *walk) cloneAny() {
	c, ok := idxdb.As[idxdb.Cloner](w.store)
	if !ok {
		return
	}
	from, to, allVersions := w.anyKey(), w.anyKey(), w.rng.IntN(2) == 0
	w.doing("clone %q to %q, all versions %v", from, to, allVersions)
	n, err := c.Clone(w.ctx, from, to, allVersions)
	if w.moved(err, from, to) {
		versions := w.want.key(from).versions
		if !allVersions {
			versions = versions[len(versions)-1:]
		}
		if n != len(versions) {
			w.Errorf("step %d: %s = %d, want %d", w.step, w.did, n, len(versions))
		}
		w.adopt(to, versions)
	}
}

// moved checks the error of a rename or clone; it is true if that was to happen.
func (w *walk) moved(err error, from, to string) bool {
	switch {
	case from == to:
		// Nothing is said of this but that nothing changes.
		return false
	case w.want.newest(from) == nil && w.want.newest(to) == nil:
		w.wantErr(w.did, err, idxdb.ErrNotFound)
		return false
	case w.want.newest(from) == nil:
		w.wantErr(w.did, err, nil)
		return false
	case w.want.newest(to) != nil:
		w.wantErr(w.did, err, idxdb.ErrConflict)
		return false
	case err != nil:
		w.Errorf("step %d: %s: %v", w.step, w.did, err)
		return false
	}
	return true
}

// adopt takes over the numbers that the store gave to copies of versions, if
// they keep the rules.
func (w *walk) adopt(to string, versions []oracleVersion) {
	var numbers []int64
	for _, v := range w.versions(to) {
		numbers = append(numbers, v.Number)
	}
	if len(numbers) != len(versions) {
		w.Fatalf("step %d: %s gave %q %d versions, want %d", w.step, w.did, to, len(numbers), len(versions))
	}
	last := w.want.key(to).last
	if lowest := numbers[len(numbers)-1]; lowest <= last {
		w.Errorf("step %d: %s gave out number %d again, %d was the last", w.step, w.did, lowest, last)
	}
	w.want.copied(to, slices.Clone(versions), numbers)
}

func (w *walk) batchAny() {
	b, ok := idxdb.As[idxdb.BatchSaver](w.store)
	if !ok {
		return
	}
	type one struct{ key, state, search string }
	var all []one
	var items []idxdb.BatchItem
	for _, i := range w.rng.Perm(len(walkKeys))[:1+w.rng.IntN(len(walkKeys))] {
		o := one{walkKeys[i], w.anyText(), w.anySearch()}
		all, items = append(all, o), append(items, item(o.key, o.state, o.search))
	}
	if w.rng.IntN(3) == 0 {
		w.doing("batch of %d with a false condition", len(items))
		items[w.rng.IntN(len(items))].Opts.If = idxdb.IfVersion(1 << 40)
		_, err := b.SaveBatch(w.ctx, items)
		w.wantErr(w.did, err, idxdb.ErrConflict)
		return
	}
	w.doing("batch of %d", len(items))
	saved, err := b.SaveBatch(w.ctx, items)
	if err != nil || len(saved) != len(items) {
		w.Errorf("step %d: %s = %d saved, %v", w.step, w.did, len(saved), err)
		return
	}
	for i, o := range all {
		w.saved(o.key, o.state, o.search, idxdb.Condition{}, saved[i], nil)
	}
}

func (w *walk) importAny() {
	i, ok := idxdb.As[idxdb.Importer](w.store)
	if !ok {
		return
	}
	key := w.anyKey()
	last := w.want.key(key).last
	v := foreign(key, last+1+int64(w.rng.IntN(3)))
	state, search := w.anyText(), w.anySearch()
	w.doing("import %q version %d after %d", key, v.Number, last)
	saved, err := i.Import(w.ctx, v, docs(state, search), idxdb.Condition{})
	if err != nil {
		w.Errorf("step %d: %s: %v", w.step, w.did, err)
		return
	}
	w.number(saved, v.Number)
	if got := saved.Version; got.ID != v.ID || !got.SavedAt.Equal(v.SavedAt) || got.Message != v.Message {
		w.Errorf("step %d: %s gave %+v", w.step, w.did, got)
	}
	w.want.put(oracleVersion{saved.Version, state, search})
}
