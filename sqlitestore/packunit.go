package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// A unit is what will be one frame.
type unit struct {
	p      *packer
	ids    []int64         // in the order in which they are to lie
	from   map[int64]int64 // the frame a chunk is in; 0: it has a row of its own
	base   []int64         // newest contents that replaced some of them
	weight int             // in bytes, about

	chunks  []codec.FrameChunk
	hashes  map[int64]codec.Hash
	content []byte
}

func (p *packer) newUnit() *unit {
	return &unit{p: p, from: map[int64]int64{}, hashes: map[int64]codec.Hash{}}
}

func (u *unit) add(c part) {
	u.weight += c.weight()
	if c.base {
		u.base = append(u.base, c.id)
		return
	}
	u.ids = append(u.ids, c.id)
	u.from[c.id] = c.from
}

// write makes frames of the unit's chunks, mostly one, and empties it.
func (u *unit) write(ctx context.Context) error {
	var runs []codec.Run
	for _, id := range u.ids {
		runs = codec.AddToRuns(runs, id)
	}
	fail := func(detail string, err error) error { return &idxdb.CorruptError{Detail: detail, Err: err} }
	var up unpacker
	var dec codec.Decoder
	var b batch
	for len(runs) > 0 {
		b = batch{chunks: b.chunks[:0], data: b.data[:0], out: b.out[:0]}
		// The chunks of a batch are those of its part of the runs.
		before := runs
		err := u.p.s.view(ctx, func(cn *conn) (err error) {
			runs, err = cn.fetch(&b, runs, batchChunks, &up, fail)
			return err
		})
		if err != nil {
			return err
		}
		if err := b.decode(&dec, fail); err != nil {
			return err
		}
		raw := b.out
		next := ids(before)
		for _, c := range b.chunks {
			if len(u.content)+c.size > packSize && len(u.chunks) > 0 {
				if err := u.flush(ctx); err != nil { // they were longer than thought
					return err
				}
			}
			id := next()
			u.chunks = append(u.chunks, codec.FrameChunk{ID: id, Size: c.size})
			u.hashes[id] = c.hash
			u.content = append(u.content, raw[:c.size]...)
			raw = raw[c.size:]
		}
	}
	if err := u.flush(ctx); err != nil {
		return err
	}
	u.ids, u.base, u.weight = u.ids[:0], u.base[:0], 0
	clear(u.from)
	return nil
}

// sortedRuns returns the runs of ids in ascending order.
func sortedRuns(ids []int64) (runs []codec.Run) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		runs = codec.AddToRuns(runs, id)
	}
	return runs
}

// ids returns a function that returns the ids of runs one after another.
func ids(runs []codec.Run) func() int64 {
	i, j := 0, int64(0)
	return func() int64 {
		if j == runs[i].N {
			i, j = i+1, 0
		}
		j++
		return runs[i].First + j - 1
	}
}

// flush makes a frame of the chunks that were read, compares what it decodes to
// with them, and puts it in their place.
func (u *unit) flush(ctx context.Context) error {
	if len(u.chunks) == 0 {
		return nil
	}
	var base []int64
	var hashes map[int64]codec.Hash
	dec := frameReaders.Get().(*frameReader)
	defer frameReaders.Put(dec)
	err := u.p.s.view(ctx, func(cn *conn) (err error) {
		base, hashes, err = dec.readBase(cn, sortedRuns(u.base))
		return err
	})
	if err != nil {
		return err
	}
	size, data, err := u.p.enc.Encode(u.chunks, u.content, dec.base)
	if err != nil {
		return err
	}
	chunks, content, err := dec.frame.Decode(int64(size), data, dec.base)
	same := slices.Equal(chunks, u.chunks) && bytes.Equal(content, u.content)
	if err != nil || !same {
		return errors.Join(fmt.Errorf("a new frame of %d chunks does not decode to what it was made of; it was not stored", len(u.chunks)), err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var frame int64
	var moved []int64
	err = u.p.s.vacuumTurn(ctx, func(cn *conn) (bool, error) {
		frame, moved, err = u.place(cn, size, data, base, hashes)
		return len(moved) > 0, err
	})
	if err != nil {
		return err
	}
	for _, id := range moved {
		u.p.moved[id] = frame
		u.p.rows.remove(id)
		if u.from[id] == 0 {
			u.p.report.ChunksPacked++
		}
	}
	if len(moved) > 0 {
		u.p.frames[frame] = &frameInfo{chunks: int64(len(u.chunks)), live: int64(len(moved)), size: int64(size), base: int64(len(base))}
		for _, c := range u.chunks {
			if u.from[c.ID] == 0 && u.p.moved[c.ID] == frame {
				u.p.report.BytesPacked += int64(c.Size)
			}
		}
	}
	u.chunks, u.content = u.chunks[:0], u.content[:0]
	clear(u.hashes)
	return nil
}

// place is the turn to write: it inserts the frame, for those chunks that still
// are where they were read.
func (u *unit) place(cn *conn, size int, data []byte, base []int64, hashes map[int64]codec.Hash) (frame int64, moved []int64, err error) {
	meta, err := cn.meta()
	if err != nil {
		return 0, nil, err
	}
	sorted := make([]int64, 0, len(u.chunks))
	var rows []int64
	// What a newer version uses again keeps its row.
	idle := usage{unused: idSet{}, lastVersion: u.p.lastVersion, lastFrame: u.p.lastFrame}
	for _, c := range u.chunks {
		sorted = append(sorted, c.ID)
	}
	slices.Sort(sorted)
	for _, id := range sorted {
		if u.from[id] == 0 {
			rows = append(rows, id)
			idle.unused.add(id)
		}
	}
	if err := idle.lookAt(cn); err != nil {
		return 0, nil, err
	}
	intact, err := cn.intactRows(rows, u.hashes)
	if err != nil {
		return 0, nil, err
	}
	packed, err := cn.packedRuns(sorted)
	if err != nil {
		return 0, nil, err
	}
	for _, id := range sorted {
		if from := u.from[id]; frameOf(packed, id) == from && (from != 0 || intact[id]) {
			moved = append(moved, id)
		}
	}
	if len(moved) == 0 {
		return 0, nil, nil
	}
	whole, err := cn.intactRows(base, hashes)
	if err != nil || len(whole) != len(base) {
		return 0, nil, err // what the frame needs is gone, which the next vacuum sees
	}
	for _, id := range base {
		if _, err := cn.exec(unmarkGarbage, id); err != nil {
			return 0, nil, err
		}
	}
	if frame, err = cn.exec(insertFrame, len(u.chunks), size, codec.AppendRuns(nil, sortedRuns(base)), data); err != nil {
		return 0, nil, err
	}
	if err := cn.repack(moved, packed, frame); err != nil {
		return 0, nil, err
	}
	for _, id := range moved {
		if u.from[id] != 0 || !idle.unused.has(id) {
			continue
		}
		if _, err := cn.exec(markGarbage, id, meta.Epoch); err != nil {
			return 0, nil, err
		}
	}
	meta.Epoch++
	return frame, moved, cn.setMeta(&meta)
}

// intactRows returns which chunks have a row with the hash that is known of them.
func (cn *conn) intactRows(ids []int64, hashes map[int64]codec.Hash) (map[int64]bool, error) {
	intact := make(map[int64]bool, len(ids))
	for _, span := range spans(sortedRuns(ids), 16) {
		err := cn.query(chunkHashes, func(rows *sql.Rows) error {
			var id, size int64
			var stored sql.RawBytes
			if err := scan(rows, &id, &stored, &size); err != nil {
				return err
			}
			if h, ok := hashes[id]; ok && string(h[:]) == string(stored) {
				intact[id] = true
			}
			return nil
		}, span.first, span.last)
		if err != nil {
			return nil, err
		}
	}
	return intact, nil
}
