//go:build linux

package stress

import "math/rand/v2"

// Lies are what a broken store would do. They are told by the rig in place of an
// operation, to see that the check finds them.
const (
	lieAcknowledged = "acknowledged" // a save that did not happen
	lieStale        = "stale"        // a load of what was newest a while ago
	lieForgotten    = "forgotten"    // a delete that did not happen
)

// lie returns the result of an operation that was not done, or nil.
func (w *worker) lie(r *rand.Rand, o op) (*result, int64) {
	if w.Lie == "" || o.Expires || r.IntN(10) != 0 {
		return nil, 0
	}
	switch {
	case w.Lie == lieAcknowledged && o.Kind == opSave && o.Saves[0].If == nil:
		k := w.about(o.Group, o.Key)
		id := o.Saves[0].ID
		if id == "" {
			id = "00000000000000000000000000000001"
		}
		return &result{Saved: []saved{{Number: k.number + 1, ID: id}}}, clock()
	case w.Lie == lieStale && o.Kind == opLoad && o.Version == 0 && !o.Search:
		w.mu.Lock()
		defer w.mu.Unlock()
		if v, ok := w.first[[2]int{o.Group, o.Key}]; ok {
			return &result{Seen: []seen{v}}, clock()
		}
	case w.Lie == lieForgotten && o.Kind == opDelete && o.If == nil:
		return &result{}, clock()
	}
	return nil, 0
}
