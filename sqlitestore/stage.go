package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/ingest"
)

// A document is a document's chunks, known by hash, and by id where the store
// has them.
type document struct {
	refs    []ref
	size    int64
	average int
	digest  codec.Hash
}

type ref struct {
	hash codec.Hash
	size int32
	id   int64 // 0: not known yet
}

// stageLimit is how many bytes of compressed chunks a save keeps in memory. A
// larger save stores them in turns of their own, so that others get theirs in
// between. Tests make it smaller.
var stageLimit = 8 << 20

// A stage collects the new chunks of a save. Chunks that were stored early are
// garbage until the save's last transaction refers to them.
type stage struct {
	s       *Store
	item    *item // that is being read
	pending []pendingChunk
	bytes   int
	index   map[codec.Hash]int64 // of chunks in this save; 0: pending
}

type pendingChunk struct {
	ingest.Chunk
	item *item // the first that brought it
}

func newStage(s *Store) *stage {
	return &stage{s: s, index: map[codec.Hash]int64{}}
}

// lookup returns the id of a chunk that the store has, 0 if it has none.
func (st *stage) lookup(ctx context.Context, k *known, h codec.Hash) (id int64, err error) {
	if id, err := k.find(ctx, h); err != nil || id != 0 {
		return id, err
	}
	cn, err := st.s.readers.get(ctx)
	if err != nil {
		return 0, err
	}
	defer st.s.readers.put(cn)
	id, marked, err := cn.findChunk(h)
	if marked {
		id = 0 // it may be gone soon, so bring the content along
	}
	return id, err
}

// add takes over a chunk that the store does not have.
func (st *stage) add(ctx context.Context, c ingest.Chunk) error {
	if _, ok := st.index[c.Hash]; ok {
		return nil // twice in this save
	}
	st.index[c.Hash] = 0
	st.pending = append(st.pending, pendingChunk{c, st.item})
	st.bytes += len(c.Data)
	if st.bytes < stageLimit {
		return nil
	}
	err := st.s.update(ctx, "save (part)", func(cn *conn) (bool, error) {
		return true, cn.putAll(st)
	})
	if e, ok := errors.AsType[*idxdb.OutcomeUnknownError](err); ok {
		return fmt.Errorf("store a part of the save: %w", e.Err) // garbage at most: the save did not happen
	}
	return err
}

// putAll stores what is pending.
func (cn *conn) putAll(st *stage) error {
	for _, c := range st.pending {
		id, isNew, err := cn.putChunk(c.Chunk)
		if err != nil {
			return err
		}
		st.index[c.Hash] = id
		if isNew {
			c.item.added += int64(c.Size)
		}
	}
	st.pending, st.bytes = st.pending[:0], 0
	return nil
}

// putChunk stores a chunk unless it is there. A chunk that was marked as garbage
// is so no more.
func (cn *conn) putChunk(c ingest.Chunk) (id int64, isNew bool, err error) {
	id, marked, err := cn.findChunk(c.Hash)
	if err != nil {
		return 0, false, err
	}
	if marked {
		_, err = cn.exec(unmarkGarbage, id)
	}
	if id != 0 || err != nil {
		return id, false, err
	}
	id, err = cn.exec(insertChunk, c.Hash[:], c.Size, int(c.Codec), c.Data)
	return id, true, err
}

// findChunk looks a chunk up by hash.
func (cn *conn) findChunk(h codec.Hash) (id int64, marked bool, err error) {
	var stored sql.RawBytes
	err = cn.query(chunkByHash, func(rows *sql.Rows) error {
		var row, size int64
		var epoch sql.NullInt64
		if err := scan(rows, &row, &stored, &size, &epoch); err != nil {
			return err
		}
		if string(stored) == string(h[:]) {
			id, marked = row, epoch.Valid
		}
		return nil
	}, h[:8])
	return id, marked, err
}

// hashes adds the hashes of the chunks in runs to known, but for those that are
// marked as garbage: those of an older version may be gone soon.
func (cn *conn) hashes(runs []codec.Run, known map[codec.Hash]int64) error {
	for _, span := range spans(runs, 64) {
		marked := idSet{}
		if err := cn.eachID(garbageIDsIn, marked.add, span.first, span.last); err != nil {
			return err
		}
		var stored sql.RawBytes
		err := cn.query(chunkHashes, func(rows *sql.Rows) error {
			var id, size int64
			if err := scan(rows, &id, &stored, &size); err != nil {
				return err
			}
			if len(stored) == len(codec.Hash{}) && span.has(id) && !marked.has(id) {
				known[codec.Hash(stored)] = id
			}
			return nil
		}, span.first, span.last)
		if err != nil {
			return err
		}
	}
	return nil
}

// resolve fills in the ids of a document's chunks after putAll.
func (d *document) resolve(st *stage) error {
	for i := range d.refs {
		r := &d.refs[i]
		if r.id != 0 {
			continue
		}
		if r.id = st.index[r.hash]; r.id == 0 {
			return fmt.Errorf("chunk %x was not stored", r.hash[:8])
		}
	}
	return nil
}

// recheck makes sure, inside of the last transaction, that every chunk is still
// the one it was when it was looked up, and no garbage.
func (cn *conn) recheck(d *document) error {
	seen := make(map[int64]bool, len(d.refs))
	var runs []codec.Run
	want := make(map[int64]codec.Hash, len(d.refs))
	for _, r := range d.refs {
		if !seen[r.id] {
			seen[r.id] = true
			runs = append(runs, codec.Run{First: r.id, N: 1})
			want[r.id] = r.hash
		}
	}
	for _, span := range spans(runs, 16) {
		var stored sql.RawBytes
		err := cn.query(chunkHashes, func(rows *sql.Rows) error {
			var id, size int64
			if err := scan(rows, &id, &stored, &size); err != nil {
				return err
			}
			if h, ok := want[id]; ok && string(h[:]) == string(stored) {
				delete(want, id)
			}
			return nil
		}, span.first, span.last)
		if err != nil {
			return err
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("%d chunks were collected as garbage while they were being saved; save again", len(want))
	}
	for id := range seen {
		if _, err := cn.exec(unmarkGarbage, id); err != nil {
			return err
		}
	}
	return nil
}
