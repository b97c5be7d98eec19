package storetest

import (
	"maps"
	"slices"

	"github.com/idxdb/idxdb"
)

// An oracle knows what a store must hold, in plain maps.
type oracle struct {
	history bool // whether older versions are kept
	keys    map[string]*oracleKey
}

// An oracleKey stays when the key is deleted, for the sake of last.
type oracleKey struct {
	versions []oracleVersion // oldest first
	last     int64           // the highest number ever given out
}

type oracleVersion struct {
	idxdb.Version
	state, search string
}

func newOracle(history bool) *oracle {
	return &oracle{history: history, keys: make(map[string]*oracleKey)}
}

func (o *oracle) key(name string) *oracleKey {
	if o.keys[name] == nil {
		o.keys[name] = &oracleKey{}
	}
	return o.keys[name]
}

// newest returns the newest version of a key, nil if there is no such key.
func (o *oracle) newest(name string) *oracleVersion {
	versions := o.key(name).versions
	if len(versions) == 0 {
		return nil
	}
	return &versions[len(versions)-1]
}

// withID returns the version of a key with this id, nil if there is none.
func (o *oracle) withID(name string, id idxdb.ID) *oracleVersion {
	versions := o.key(name).versions
	i := slices.IndexFunc(versions, func(v oracleVersion) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	return &versions[i]
}

// current is newest in the form that Condition.Check takes.
func (o *oracle) current(name string) *idxdb.Version {
	if v := o.newest(name); v != nil {
		return &v.Version
	}
	return nil
}

// live returns the keys that exist, sorted.
func (o *oracle) live() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(o.keys)) {
		if o.newest(name) != nil {
			out = append(out, name)
		}
	}
	return out
}

// put adds the newest version of a key.
func (o *oracle) put(v oracleVersion) {
	k := o.key(v.Key)
	if !o.history {
		k.versions = nil
	}
	k.versions = append(k.versions, v)
	k.last = max(k.last, v.Number)
}

func (o *oracle) delete(name string) { o.key(name).versions = nil }

// copied gives a key the versions of another under the numbers that the store
// reports, newest first.
func (o *oracle) copied(to string, versions []oracleVersion, numbers []int64) {
	for i, v := range versions {
		v.Key, v.Number = to, numbers[len(numbers)-1-i]
		o.put(v)
	}
}
