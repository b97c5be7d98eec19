//go:build linux

package stress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/idxdb/idxdb"
)

// one does one operation. Its error is one of the rig, not of the store: those
// are part of the history.
func (w *worker) one(r *rand.Rand) error {
	o := w.choose(r)
	var recipes []recipe
	switch o.Kind {
	case opSave:
		sv, c := w.newSave(r, o.Group, o.Key)
		o.Saves, recipes = []save{sv}, []recipe{c}
	case opBatch:
		for key := range 2 {
			sv, c := w.newSave(r, o.Group, key)
			o.Saves, recipes = append(o.Saves, sv), append(recipes, c)
		}
	}
	return w.perform(r, o, recipes)
}

// perform does o and records it.
func (w *worker) perform(r *rand.Rand, o op, recipes []recipe) error {
	ctx := context.Background()
	if o.Expires {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.Int64N(int64(20*time.Millisecond))))
		defer cancel()
	}
	if o.Kind == opReopen {
		w.using.Lock()
		defer w.using.Unlock()
	} else {
		w.using.RLock()
		defer w.using.RUnlock()
	}
	n, err := w.rec.call(o)
	if err != nil {
		return err
	}
	res, at := w.lie(r, o)
	if res == nil {
		res, at = w.do(ctx, r, o, recipes)
	}
	return w.rec.ret(n, at, res)
}

// do does o. The time it returns is the one at which the store had answered:
// for a load, before the content was read, since it is a snapshot.
func (w *worker) do(ctx context.Context, r *rand.Rand, o op, recipes []recipe) (res *result, at int64) {
	res = &result{}
	var err error
	switch o.Kind {
	case opSave, opBatch:
		err = w.save(ctx, o, recipes, res)
	case opDelete:
		err = w.store.Delete(ctx, keyName(o.Group, o.Key), idxdb.DeleteOptions{If: o.If.public()})
		if err == nil {
			w.learn(o.Group, o.Key, func(k *knowledge) { k.number, k.id = 0, "" })
		}
	case opRename:
		err = w.store.Rename(ctx, keyName(o.Group, o.Key), keyName(o.Group, 1-o.Key))
	case opClone:
		res.Count, err = w.store.Clone(ctx, keyName(o.Group, o.Key), keyName(o.Group, 1-o.Key), o.All)
	case opLoad:
		at, err = w.load(ctx, r, o, res)
	case opLog:
		for v, logErr := range w.store.Log(ctx, keyName(o.Group, o.Key)) {
			if err = logErr; err == nil {
				res.Seen = append(res.Seen, seenOf(v))
			}
		}
		if err == nil && len(res.Seen) > 0 {
			w.see(o.Group, o.Key, res.Seen[0])
		}
	case opList:
		err = w.list(ctx, res)
	case opVacuum:
		_, err = w.store.Vacuum(ctx, nil)
	case opReopen:
		if err = w.store.Close(); err == nil {
			err = w.open()
		}
	}
	if at == 0 {
		at = clock()
	}
	w.classify(ctx, o, err, res)
	return res, at
}

func (w *worker) save(ctx context.Context, o op, recipes []recipe, res *result) error {
	var list []idxdb.BatchItem
	for i, sv := range o.Saves {
		var id idxdb.ID
		if sv.ID != "" {
			var err error
			if id, err = idxdb.ParseID(sv.ID); err != nil {
				return err
			}
		}
		opts := idxdb.SaveOptions{If: sv.If.public(), Message: sv.Tag, ID: id}
		open := func() (idxdb.Documents, func(), error) {
			docs := idxdb.Documents{State: strings.NewReader(recipes[i].state())}
			if sv.Search {
				docs.Search = strings.NewReader(searchOf(sv.Tag))
			}
			return docs, func() {}, nil
		}
		list = append(list, idxdb.BatchItem{Key: keyName(o.Group, sv.Key), Open: open, Opts: opts})
	}
	var all []idxdb.Saved
	var err error
	if o.Kind == opSave {
		docs, _, _ := list[0].Open()
		var one idxdb.Saved
		one, err = w.store.Save(ctx, list[0].Key, docs, list[0].Opts)
		all = []idxdb.Saved{one}
	} else {
		all, err = w.store.SaveBatch(ctx, list)
	}
	if err != nil {
		return err
	}
	for i, s := range all {
		v := saved{Number: s.Version.Number, ID: s.Version.ID.String(), Unchanged: s.Unchanged}
		res.Saved = append(res.Saved, v)
		w.learn(o.Group, o.Saves[i].Key, func(k *knowledge) {
			k.number, k.id, k.recipe, k.saved = v.Number, v.ID, recipes[i], o.Saves[i]
		})
	}
	return nil
}

func (w *worker) load(ctx context.Context, r *rand.Rand, o op, res *result) (at int64, err error) {
	opts := idxdb.LoadOptions{Version: o.Version}
	if o.Search {
		opts.Doc = idxdb.SearchDoc
	}
	doc, err := w.store.Load(ctx, keyName(o.Group, o.Key), opts)
	at = clock()
	if err != nil {
		return at, err
	}
	defer doc.Body.Close()
	if r.IntN(5) == 0 {
		time.Sleep(time.Duration(r.Int64N(int64(60 * time.Millisecond)))) // a slow consumer
	}
	body, err := io.ReadAll(doc.Body)
	if err != nil {
		return at, err
	}
	v := seenOf(doc.Version)
	tag := tagOf(string(body))
	if o.Search {
		tag = strings.TrimSuffix(strings.TrimPrefix(string(body), `{"search":"`), `"}`)
	}
	if tag != v.Tag || int64(len(body)) != doc.Size {
		return at, fmt.Errorf("version %d, saved as %s, has the content of %s", v.Number, v.Tag, tag)
	}
	res.Seen = []seen{v}
	if o.Version == 0 {
		w.see(o.Group, o.Key, v)
	}
	return at, nil
}

func (w *worker) list(ctx context.Context, res *result) error {
	for v, err := range w.store.List(ctx, idxdb.ListOptions{Prefix: "team/"}) {
		if err != nil {
			return err
		}
		group, key, err := parseKey(v.Key)
		if err != nil {
			return err
		}
		res.Listed = append(res.Listed, listed{Group: group, Key: key, seen: seenOf(v)})
		w.see(group, key, seenOf(v))
	}
	return nil
}

func (w *worker) see(group, key int, v seen) {
	w.learn(group, key, func(k *knowledge) {
		k.number, k.id = v.Number, v.ID
		if at := [2]int{group, key}; w.first[at].Number == 0 {
			w.first[at] = v
		}
	})
}

// classify puts an error into the result.
func (w *worker) classify(ctx context.Context, o op, err error, res *result) {
	var conflict *idxdb.ConflictError
	switch {
	case err == nil:
		return
	case errors.As(err, &conflict):
		_, key, parseErr := parseKey(conflict.Key)
		if parseErr != nil {
			break
		}
		*res = result{Err: errConflict, Key: key}
		var number int64
		var id string
		if conflict.Current != nil {
			v := seenOf(*conflict.Current)
			res.Current = &v
			number, id = v.Number, v.ID
		}
		w.learn(o.Group, key, func(k *knowledge) { k.number, k.id = number, id })
		return
	case errors.Is(err, idxdb.ErrNotFound) && o.Group >= 0:
		*res = result{Err: errNotFound}
		if o.Version == 0 && !o.Search && o.Kind != opRename && o.Kind != opClone {
			w.learn(o.Group, o.Key, func(k *knowledge) { k.number, k.id = 0, "" })
		}
		return
	case o.Expires && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		*res = result{Err: errEnded}
		return
	}
	*res = result{Err: errOther, Text: err.Error()}
}

// public is the condition as the store knows it.
func (c *cond) public() idxdb.Condition {
	var out idxdb.Condition
	if c == nil {
		return out
	}
	if c.Version != nil {
		out = out.And(idxdb.IfVersion(*c.Version))
	}
	if id, err := idxdb.ParseID(c.ID); err == nil {
		out = out.And(idxdb.IfMatch(id))
	}
	return out
}

func seenOf(v idxdb.Version) seen {
	return seen{Number: v.Number, ID: v.ID.String(), Tag: v.Message, Search: v.Search != nil}
}
