//go:build linux

package stress

import (
	"encoding/json"
	"fmt"
	"hash/fnv"

	"github.com/anishathalye/porcupine"
)

// Keys come in groups of two, so that operations on two keys (batches, renames,
// copies, lists) have a model too. A group is one partition of the history.

// An op is an operation as it was called.
type op struct {
	Kind    string `json:"kind"`              // one of the kinds below
	Group   int    `json:"group"`             // -1: no group, or all
	Key     int    `json:"key"`               // 0 or 1; of a rename or clone, the source
	Saves   []save `json:"saves,omitempty"`   // of a save, one; of a batch, one for each key
	If      *cond  `json:"if,omitempty"`      // of a delete
	Version int64  `json:"version,omitempty"` // of a load; 0 is the newest
	Search  bool   `json:"search,omitempty"`  // of a load: the search document
	All     bool   `json:"all,omitempty"`     // of a clone: all versions
	Expires bool   `json:"expires,omitempty"` // its context ends early
}

const (
	opSave   = "save"
	opBatch  = "batch"
	opDelete = "delete"
	opRename = "rename"
	opClone  = "clone"
	opLoad   = "load"
	opLog    = "log"
	opList   = "list"
	opVacuum = "vacuum" // changes nothing that can be seen
	opReopen = "reopen" // likewise
)

type save struct {
	Key    int    `json:"key"`
	Tag    string `json:"tag"`          // stands for the content of the state document
	Search bool   `json:"search"`       // whether there is a search document
	ID     string `json:"id,omitempty"` // "": the store chooses
	If     *cond  `json:"if,omitempty"`
}

type cond struct {
	Version *int64 `json:"version,omitempty"`
	ID      string `json:"id,omitempty"`
}

// A seen is a version as an operation showed it.
type seen struct {
	Number int64  `json:"n"`
	ID     string `json:"id"`
	Tag    string `json:"tag"`
	Search bool   `json:"search,omitempty"`
}

// A result is how an operation ended; nil stands for one that was cut off.
type result struct {
	Err     string        `json:"err,omitempty"`     // one of the errors below
	Text    string        `json:"text,omitempty"`    // of the error
	Key     int           `json:"key,omitempty"`     // of a conflict
	Current *seen         `json:"current,omitempty"` // of a conflict; nil: no such key
	Saved   []saved       `json:"saved,omitempty"`
	Seen    []seen        `json:"seen,omitempty"`   // load: one; log: all; list: none
	Heads   map[int]*seen `json:"heads,omitempty"`  // of one group, from a list
	Listed  []listed      `json:"listed,omitempty"` // list, before it is divided into groups
	Count   int           `json:"count,omitempty"`  // of a clone
}

const (
	errNotFound = "not found"
	errConflict = "conflict"
	errEnded    = "context ended" // nothing happened
	errOther    = "unexpected"    // always a failure of the test
)

type saved struct {
	Number    int64  `json:"n"`
	ID        string `json:"id"`
	Unchanged bool   `json:"unchanged,omitempty"`
}

type listed struct {
	Group int `json:"g"`
	Key   int `json:"k"`
	seen
}

// An entry is a version of the model. Entries are never changed.
type entry struct {
	seen
	older *entry
	count int
	sum   uint64 // of numbers and tags of this version and all older ones
}

func push(older *entry, v seen) *entry {
	e := &entry{seen: v, older: older, count: 1}
	h := fnv.New64a()
	if older != nil {
		e.count += older.count
		fmt.Fprint(h, older.sum, " ")
	}
	fmt.Fprint(h, v.Number, v.Tag, v.Search)
	e.sum = h.Sum64()
	return e
}

type keyState struct {
	last   int64 // highest number ever given out
	newest *entry
}

type state [2]keyState

func (k keyState) find(match func(seen) bool) *entry {
	for e := k.newest; e != nil; e = e.older {
		if match(e.seen) {
			return e
		}
	}
	return nil
}

func (c *cond) holds(k keyState) bool {
	if c == nil {
		return true
	}
	var number int64
	var id string
	if k.newest != nil {
		number, id = k.newest.Number, k.newest.ID
	}
	return (c.Version == nil || *c.Version == number) && (c.ID == "" || c.ID == id)
}

// model says what each operation does to a group that begins as init.
func model(init state) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return init },
		Step: func(s, in, out any) (bool, any) {
			res, _ := out.(*result)
			next, ok := step(s.(state), in.(op), res)
			return ok, next
		},
		Equal: func(a, b any) bool {
			x, y := a.(state), b.(state)
			return x[0].equal(y[0]) && x[1].equal(y[1])
		},
		DescribeOperation: func(in, out any) string {
			return describe(in.(op), out.(*result))
		},
	}
}

func (k keyState) equal(l keyState) bool {
	if k.last != l.last || (k.newest == nil) != (l.newest == nil) {
		return false
	}
	return k.newest == nil || k.newest.sum == l.newest.sum && k.newest.count == l.newest.count
}

// step returns the state after o, and whether o can have ended with res in s. An
// operation that was cut off (res nil) can always have happened; where it could
// not have done anything, it has not.
func step(s state, o op, res *result) (state, bool) {
	if res != nil && res.Err == errEnded {
		return s, o.Expires
	}
	switch o.Kind {
	case opSave, opBatch:
		return stepSaves(s, o.Saves, res)
	case opDelete:
		k := s[o.Key]
		switch {
		case !o.If.holds(k):
			return s, res.conflicts(o.Key, k)
		case k.newest == nil:
			return s, res.is(errNotFound)
		}
		s[o.Key].newest = nil
		return s, res.is("")
	case opRename, opClone:
		return stepMove(s, o, res)
	case opLoad:
		return s, res == nil || loads(s[o.Key], o, res)
	case opLog:
		return s, res == nil || logs(s[o.Key], res)
	case opList:
		return s, res == nil || res.Err == "" && shows(res.Heads[0], s[0]) && shows(res.Heads[1], s[1])
	}
	return s, false
}

func (r *result) is(err string) bool { return r == nil || r.Err == err }

// conflicts reports whether r is a conflict with the newest version of k.
func (r *result) conflicts(key int, k keyState) bool {
	return r == nil || r.Err == errConflict && r.Key == key && shows(r.Current, k)
}

// shows reports whether v is the newest version of k.
func shows(v *seen, k keyState) bool {
	if v == nil || k.newest == nil {
		return v == nil && k.newest == nil
	}
	return k.newest.fits(*v)
}

// fits compares a version with one that was seen. The model does not know the
// id of a save that was cut off if the store chose it.
func (e *entry) fits(v seen) bool {
	return e.Number == v.Number && e.Tag == v.Tag && e.Search == v.Search && (e.ID == "" || e.ID == v.ID)
}

func stepSaves(s state, saves []save, res *result) (state, bool) {
	before := s
	for i, sv := range saves {
		k := &s[sv.Key]
		if sv.ID != "" {
			if e := k.find(func(v seen) bool { return v.ID == sv.ID }); e != nil { // a retry
				if e.Tag != sv.Tag || e.Search != sv.Search {
					return before, res.is(errConflict)
				}
				if !res.saved(i, e.seen, true) {
					return before, false
				}
				continue
			}
		}
		if !sv.If.holds(*k) {
			return before, res.conflicts(sv.Key, *k)
		}
		if e := k.newest; e != nil && e.Tag == sv.Tag && e.Search == sv.Search {
			if !res.saved(i, e.seen, true) {
				return before, false
			}
			continue
		}
		k.last++
		v := seen{Number: k.last, ID: sv.ID, Tag: sv.Tag, Search: sv.Search}
		if !res.saved(i, v, false) {
			return before, false
		}
		if res != nil && res.Err == "" {
			v.ID = res.Saved[i].ID
		}
		k.newest = push(k.newest, v)
	}
	return s, res.is("")
}

// saved reports whether the i-th save of r can have given v. If r is an error,
// it can: a later save of the batch may be the reason.
func (r *result) saved(i int, v seen, unchanged bool) bool {
	if r == nil || r.Err != "" {
		return true
	}
	if i >= len(r.Saved) {
		return false
	}
	got := r.Saved[i]
	return got.Number == v.Number && got.Unchanged == unchanged && (v.ID == "" || got.ID == v.ID)
}

func stepMove(s state, o op, res *result) (state, bool) {
	from, to := s[o.Key], s[1-o.Key]
	switch {
	case from.newest == nil:
		return s, res.is(errNotFound)
	case to.newest != nil:
		return s, res.conflicts(1-o.Key, to)
	}
	var list []seen
	for e := from.newest; e != nil && (len(list) == 0 || o.Kind == opRename || o.All); e = e.older {
		list = append(list, e.seen)
	}
	used := to.last > 0
	for i := len(list) - 1; i >= 0; i-- {
		if used { // numbers go on from those that were given out
			list[i].Number = to.last + 1
		}
		to.newest = push(to.newest, list[i])
		to.last = list[i].Number
	}
	s[1-o.Key] = to
	if o.Kind == opRename {
		s[o.Key].newest = nil
		return s, res.is("")
	}
	return s, res == nil || res.Err == "" && res.Count == len(list)
}

func loads(k keyState, o op, res *result) bool {
	e := k.newest
	if o.Version != 0 {
		e = k.find(func(v seen) bool { return v.Number == o.Version })
	}
	if e == nil || o.Search && !e.Search {
		return res.Err == errNotFound
	}
	return res.Err == "" && len(res.Seen) == 1 && e.fits(res.Seen[0])
}

func logs(k keyState, res *result) bool {
	if k.newest == nil {
		return res.Err == errNotFound
	}
	if res.Err != "" || len(res.Seen) != k.newest.count {
		return false
	}
	e := k.newest
	for _, v := range res.Seen {
		if !e.fits(v) {
			return false
		}
		e = e.older
	}
	return true
}

// describe shows an operation to people.
func describe(o op, res *result) string {
	in, _ := json.Marshal(o)    // both are made of plain fields,
	out, _ := json.Marshal(res) // which cannot fail
	return fmt.Sprintf("%s -> %s", in, out)
}
