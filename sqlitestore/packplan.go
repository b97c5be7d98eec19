package sqlitestore

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// A part is a chunk of a unit or of its base.
type part struct {
	id   int64
	from int64 // the frame it is in; 0: it has a row of its own
	size int   // about
	base bool
}

// weight is what a part counts towards the limit of a unit. What is far from the
// content that replaced it is not found by the compressor, so much base must make
// the unit smaller.
func (p *part) weight() int {
	if p.base {
		return baseWeight * p.size
	}
	return p.size
}

// parts returns the chunks to pack, in order. Those of one place are followed by
// the chunk of a newest version that replaced the last of them.
func (p *packer) parts(order []int64, sizes map[int64]int, taken map[int64]bool) (list []part) {
	replaced := false
	for _, id := range order {
		size, known := sizes[id]
		switch f := p.frame(id); {
		case known && p.rows.has(id):
			list = append(list, part{id: id, size: size})
			replaced = true
		case f != 0 && taken[f]:
			list = append(list, part{id: id, from: f, size: p.frames[f].liveSize() / int(max(1, p.frames[f].live))})
			replaced = true
		case replaced && known: // and so newest
			list = append(list, part{id: id, size: size, base: true})
			replaced = false
		}
	}
	return list
}

// frame returns the frame a chunk is in, 0 if it is in none.
func (p *packer) frame(id int64) int64 {
	if f, ok := p.moved[id]; ok {
		return f
	}
	return frameOf(p.packed, id)
}

// sizes returns the sizes of those chunks that are to be packed or that a newest
// version uses.
func (p *packer) sizes(ctx context.Context, order []int64) (map[int64]int, error) {
	var runs []codec.Run
	for _, id := range order {
		if p.rows.has(id) || p.newest.has(id) {
			runs = codec.AddToRuns(runs, id)
		}
	}
	sizes := map[int64]int{}
	err := p.s.view(ctx, func(cn *conn) error {
		for _, span := range spans(runs, 64) {
			err := cn.query(chunkHashes, func(rows *sql.Rows) error {
				var id, size int64
				var hash sql.RawBytes
				err := scan(rows, &id, &hash, &size)
				if span.has(id) && size > 0 && size <= codec.MaxChunk {
					sizes[id] = int(size)
				}
				return err
			}, span.first, span.last)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return sizes, err
}

// choose says which frames of a key are to be made anew, together with fresh
// bytes of chunks, and how many bytes that is in all.
func (p *packer) choose(order []int64, fresh int) (taken map[int64]bool, total int) {
	seen := map[int64]bool{}
	var list []int64
	for _, id := range order {
		f := p.frame(id)
		if f != 0 && !seen[f] && p.frames[f] != nil {
			seen[f] = true
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b int64) int { return p.frames[a].liveSize() - p.frames[b].liveSize() })
	taken = map[int64]bool{}
	total = fresh
	for _, f := range list {
		size := p.frames[f].liveSize()
		if p.frames[f].spent() || size <= packSize/2 && size <= math.MaxInt32/packRatio && size <= packRatio*total {
			taken[f] = true
			total += size
		}
	}
	return taken, total
}

// order returns all chunks of a key's versions in the order of their place in the
// document, older contents of a place before newer ones; nothing if none of them
// is due.
func (p *packer) order(ctx context.Context, k *schema.Key) ([]int64, error) {
	var manifests [2][][]byte // of search and state documents, newest first
	due := false
	err := p.s.view(ctx, func(cn *conn) error {
		return cn.query(manifestsOfKey, func(rows *sql.Rows) error {
			var data [2][]byte
			if err := scan(rows, &data[0], &data[1]); err != nil {
				return err
			}
			for i, d := range data {
				if d != nil {
					manifests[i] = append(manifests[i], d)
				}
			}
			return nil
		}, k.ID, k.First)
	})
	if err != nil {
		return nil, err
	}
	// The search document first: it names hashes that the state has somewhere.
	var all []int64
	seen := idSet{}
	for _, list := range manifests {
		next := map[int64]int64{} // 0 is before the first
		placed := map[int64]bool{}
		for _, data := range list {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			runs, _, err := codec.ParseRuns(data)
			if err != nil {
				return nil, &idxdb.CorruptError{Key: k.Name, Detail: "a list of chunks", Err: err}
			}
			before := int64(0)
			for _, r := range runs {
				for id := r.First; id < r.First+r.N; id++ {
					if !placed[id] {
						placed[id] = true
						next[id], next[before] = next[before], id
						due = due || p.due.has(id)
					}
					before = id
				}
			}
		}
		for id := next[0]; id != 0; id = next[id] {
			if !seen.has(id) {
				seen.add(id)
				all = append(all, id)
			}
		}
	}
	if !due {
		return nil, nil
	}
	return all, nil
}
