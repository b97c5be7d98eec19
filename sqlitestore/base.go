package sqlitestore

import (
	"context"
	"sync"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// A base is the newest version of a key when a save of it begins, or the version
// that the save repeats. Most chunks of the save are also the base's.
type base struct {
	version int64             // its row, 0: there is none
	newest  bool              // not an older one that the save repeats
	runs    []codec.Run       // chunks of both documents
	average map[idxdb.Doc]int // chunk size of its documents
}

// base looks up the version that an item follows, and fails early where the
// item's condition does not hold.
func (cn *conn) base(it *item) (base, error) {
	b := base{average: map[idxdb.Doc]int{}}
	k, err := cn.key(it.key)
	if err != nil {
		return b, err
	}
	if k == nil || !k.Live() {
		if err := it.permit.check(cn, it.key, k); err != nil {
			return b, err
		}
		return b, it.cond.Check(it.key, nil)
	}
	newest, err := cn.newest(k)
	if err != nil {
		return b, err
	}
	current := publicVersion(k.Name, newest)
	var earlier *schema.Version
	if it.retry {
		if earlier, err = cn.oneVersion(k, versionBySaveID, k.ID, it.id[:], k.First); err != nil {
			return b, err
		}
	}
	if earlier != nil { // finish compares, which is easy if both are cut alike
		newest, current = earlier, publicVersion(k.Name, earlier)
	} else if err := it.permit.check(cn, it.key, k); err != nil {
		return b, err
	} else if err := it.cond.Check(it.key, &current); err != nil {
		return b, err
	}
	for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
		if current.Info(doc) == nil {
			continue
		}
		runs, _, average, err := cn.runs(k.Name, newest, doc)
		if err != nil {
			return b, err
		}
		b.average[doc] = average
		b.runs = append(b.runs, runs...)
	}
	b.version, b.newest = newest.ID, earlier == nil
	return b, nil
}

// known has the chunks of a base by hash, once they are read.
type known struct {
	ready chan struct{} // closed when ids or err is there
	ids   map[codec.Hash]int64
	err   error
}

// find returns the id of a chunk, 0 if the base does not have it.
func (k *known) find(ctx context.Context, h codec.Hash) (int64, error) {
	select {
	case <-k.ready:
		return k.ids[h], k.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (k *known) wait() { <-k.ready }

// known reads the chunks of a base, in a goroutine beside the first chunks of
// the save. It need not be the transaction that found the base: the save holds
// its epoch, so the rows stay, and if one was marked since, the epoch is another
// when the save ends, and everything is looked at again.
func (s *Store) known(ctx context.Context, b base) *known {
	k := &known{ready: make(chan struct{}), ids: s.bases.recall(b)}
	if k.ids != nil || len(b.runs) == 0 {
		close(k.ready)
		return k
	}
	k.ids = map[codec.Hash]int64{}
	go func() {
		defer close(k.ready)
		k.err = s.view(ctx, func(cn *conn) error { return cn.hashes(b.runs, k.ids) })
	}()
	return k
}

// recentBases remembers the chunks of the versions that this process saved last:
// the next save of the key usually follows one of them.
type recentBases struct {
	mu     sync.Mutex
	recent []recentBase // the latest last
}

type recentBase struct {
	key     string
	version int64 // row
	ids     map[codec.Hash]int64
}

const (
	maxRecentBases  = 8
	maxRecentChunks = 20_000 // of one version; about 2 MB
)

// remember keeps the chunks of what became of an item.
func (r *recentBases) remember(it *item) {
	n := len(it.state.refs)
	if it.search != nil {
		n += len(it.search.refs)
	}
	if it.saved.Unchanged || n > maxRecentChunks {
		return
	}
	ids := make(map[codec.Hash]int64, n)
	for _, d := range []*document{it.state, it.search} {
		if d == nil {
			continue
		}
		for _, ref := range d.refs {
			ids[ref.hash] = ref.id
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.recent {
		if r.recent[i].key == it.key {
			r.recent = append(r.recent[:i], r.recent[i+1:]...)
			break
		}
	}
	if len(r.recent) == maxRecentBases {
		r.recent = r.recent[1:]
	}
	r.recent = append(r.recent, recentBase{key: it.key, version: it.row.ID, ids: ids})
}

// recall returns the chunks of a version that is the newest of its key, nil if
// they are not remembered. All of them have rows and none is marked. The caller
// must not change the map.
func (r *recentBases) recall(base base) map[codec.Hash]int64 {
	if !base.newest {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.recent {
		if b.version == base.version {
			return b.ids
		}
	}
	return nil
}
