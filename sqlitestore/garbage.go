package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// Garbage is collected beside saves and loads, in two steps and without clocks.
// A transaction marks the chunks that no version uses with the file's epoch, and
// raises the epoch. Marked chunks are removed only while nobody holds the epoch
// of the mark or an earlier one; every save and load holds the epoch in which it
// began, as a lock that ends with its process. See Store.snapshot.

// usage finds the chunks that no version uses, nor any frame as its base.
type usage struct {
	unused      idSet
	lastVersion int64 // the highest row id of a version that was looked at
	lastFrame   int64 // and of a frame
	bases       idSet // if not nil: chunks that frames are based on
}

// lookAt takes out the chunks of all versions and frames that were not looked at
// yet.
func (u *usage) lookAt(cn *conn) error {
	err := cn.query(basesAfter, func(rows *sql.Rows) error {
		id, runs, err := scanBase(rows, u.lastFrame)
		if err != nil {
			return err
		}
		u.lastFrame = id
		for _, r := range runs {
			u.unused.removeRun(r)
			for i := int64(0); u.bases != nil && i < r.N; i++ {
				u.bases.add(r.First + i)
			}
		}
		return nil
	}, u.lastFrame)
	if err != nil {
		return err
	}
	return cn.query(manifestsAfter, func(rows *sql.Rows) error {
		var id int64
		var search, state sql.RawBytes
		if err := scan(rows, &id, &search, &state); err != nil {
			return err
		}
		if err := inOrder("manifest", u.lastVersion, id); err != nil {
			return err
		}
		u.lastVersion = id
		for _, data := range [][]byte{search, state} {
			if data == nil {
				continue
			}
			runs, _, err := codec.ParseRuns(data)
			if err != nil {
				return &idxdb.CorruptError{Detail: fmt.Sprintf("the list of chunks of version row %d", id), Err: err}
			}
			for _, r := range runs {
				u.unused.removeRun(r)
			}
		}
		return nil
	}, u.lastVersion)
}

// markGarbage marks what no version uses. It looks at all versions in a read
// transaction, and in the turn to write only at those that came since.
func (s *Store) markGarbage(ctx context.Context, progress idxdb.Progress) error {
	u := usage{unused: idSet{}}
	err := s.view(ctx, func(cn *conn) error {
		if err := cn.everyChunk(u.unused); err != nil {
			return err
		}
		if err := u.lookAt(cn); err != nil {
			return err
		}
		return cn.eachID(garbageIDs, u.unused.remove) // those are marked already
	})
	if err != nil {
		return err
	}
	unused := u.unused.sorted()
	for done := 0; done < len(unused); {
		progress("mark", int64(done), int64(len(unused)))
		turn := unused[done:min(len(unused), done+chunksATurn)]
		err := s.vacuumTurn(ctx, func(cn *conn) (bool, error) { return cn.mark(&u, turn) })
		if err != nil {
			return err
		}
		done += len(turn)
	}
	return nil
}

func (cn *conn) mark(u *usage, ids []int64) (bool, error) {
	meta, err := cn.meta()
	if err != nil {
		return false, err
	}
	if err := u.lookAt(cn); err != nil {
		return false, err
	}
	for _, id := range ids {
		if !u.unused.has(id) {
			continue // a version that came since uses it
		}
		if _, err := cn.exec(markGarbage, id, meta.Epoch); err != nil {
			return false, err
		}
	}
	meta.Epoch++
	return true, cn.setMeta(&meta)
}

// sweep removes marked chunks whose epoch nobody holds any more. Whoever begins
// later treats them as absent, and whoever stores one again unmarks it in the
// same transaction, so what is marked now is in nobody's way.
//
// A mark alone is not believed: it has no checksum, and a damaged one must not
// cost a chunk that a version needs. Such a mark is taken off.
//
// It returns how many chunks are gone, and how many lost their row but are still
// in a frame.
func (s *Store) sweep(ctx context.Context, progress idxdb.Progress) (removed, packed int64, err error) {
	if s.ranges == nil {
		return 0, 0, nil // nobody could tell us what is needed
	}
	u := usage{unused: idSet{}, bases: idSet{}}
	var marks []mark
	err = s.view(ctx, func(cn *conn) error {
		if marks, err = cn.marks(); err != nil {
			return err
		}
		for _, m := range marks {
			u.unused.add(m.id)
		}
		return u.lookAt(cn)
	})
	if err != nil || len(marks) == 0 {
		return 0, 0, err
	}
	last, err := s.freeEpoch(ctx, marks)
	if err != nil {
		return 0, 0, err
	}
	var dead []int64
	for _, m := range marks {
		if m.epoch <= last {
			dead = append(dead, m.id)
		}
	}
	for done := 0; done < len(dead); {
		progress("remove", int64(done), int64(len(dead)))
		turn := dead[done:min(len(dead), done+chunksATurn)]
		n, m, err := s.sweepTurn(ctx, &u, turn, last)
		if err != nil {
			return removed, packed, err
		}
		removed, packed = removed+n, packed+m
		done += len(turn)
	}
	return removed, packed, nil
}

type mark struct{ id, epoch int64 }

// marks returns all marks, sorted by id.
func (cn *conn) marks() (list []mark, err error) {
	meta, err := cn.meta()
	if err != nil {
		return nil, err
	}
	err = cn.query(garbageMarks, func(rows *sql.Rows) error {
		var m mark
		if err := scan(rows, &m.id, &m.epoch); err != nil {
			return err
		}
		if m.epoch < 1 || m.epoch >= meta.Epoch {
			return &idxdb.CorruptError{Detail: fmt.Sprintf("chunk %d is marked as garbage of epoch %d, and the file has epoch %d", m.id, m.epoch, meta.Epoch)}
		}
		list = append(list, m)
		return nil
	})
	return list, err
}

// freeEpoch returns the highest epoch of a mark up to which nobody holds one, 0
// if there is none.
func (s *Store) freeEpoch(ctx context.Context, marks []mark) (int64, error) {
	var epochs []int64
	for _, m := range marks {
		epochs = append(epochs, m.epoch)
	}
	slices.Sort(epochs)
	for _, epoch := range slices.Backward(slices.Compact(epochs)) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		release, ok, err := s.ranges.TryExclusive(0, epoch)
		if err != nil {
			return 0, err
		}
		if ok {
			return epoch, release()
		}
	}
	return 0, nil
}

// sweepTurn removes chunks that were marked in last or before, and still are.
func (s *Store) sweepTurn(ctx context.Context, u *usage, ids []int64, last int64) (removed, packed int64, err error) {
	err = s.vacuumTurn(ctx, func(cn *conn) (bool, error) {
		release, ok, err := s.ranges.TryExclusive(0, last)
		if err != nil || !ok {
			return false, err // somebody slept between looking at the epoch and holding it
		}
		defer release()
		if err := u.lookAt(cn); err != nil {
			return false, err
		}
		removed, packed, err = cn.sweep(u, ids, last)
		return true, err
	})
	return removed, packed, err
}

// everyChunk adds the ids of all chunks, packed or not.
func (cn *conn) everyChunk(ids idSet) error {
	if err := cn.eachID(chunkIDs, ids.add); err != nil {
		return err
	}
	return cn.query(allPacked, func(rows *sql.Rows) error {
		p, err := scanPacked(rows)
		if err != nil {
			return err
		}
		for id := p.First; id < p.First+p.N; id++ {
			ids.add(id)
		}
		return nil
	})
}

// sweep removes those of ids, which are sorted, that are marked with last or an
// earlier epoch. A chunk that is packed loses its row, if no frame is based on
// that, and stays packed. One that nobody uses is gone, from its frame as well.
func (cn *conn) sweep(u *usage, ids []int64, last int64) (removed, stillPacked int64, err error) {
	var runs []codec.Run
	for _, id := range ids {
		runs = codec.AddToRuns(runs, id)
	}
	marked, rows := idSet{}, idSet{}
	for _, span := range spans(runs, 64) {
		err := cn.query(garbageIn, func(rows *sql.Rows) error {
			var id, epoch int64
			err := scan(rows, &id, &epoch)
			if epoch <= last {
				marked.add(id)
			}
			return err
		}, span.first, span.last)
		if err != nil {
			return 0, 0, err
		}
		if err := cn.eachID(chunkIDsIn, rows.add, span.first, span.last); err != nil {
			return 0, 0, err
		}
	}
	packed, err := cn.packedRuns(ids)
	if err != nil {
		return 0, 0, err
	}
	var dead, deadRows []codec.Run
	var unpacked []int64
	for _, id := range ids {
		if !marked.has(id) {
			continue
		}
		dead = codec.AddToRuns(dead, id)
		inFrame := frameOf(packed, id) != 0
		switch {
		case rows.has(id) && inFrame && !u.bases.has(id):
			deadRows = codec.AddToRuns(deadRows, id)
			stillPacked++
		case !u.unused.has(id):
			// It is needed, whoever marked it.
		case rows.has(id):
			deadRows = codec.AddToRuns(deadRows, id)
			removed++
		case inFrame:
			unpacked = append(unpacked, id)
			removed++
		}
	}
	for _, r := range deadRows {
		if _, err := cn.exec(deleteChunks, r.First, r.First+r.N-1); err != nil {
			return 0, 0, err
		}
	}
	if len(unpacked) > 0 {
		if err := cn.repack(unpacked, packed, 0); err != nil {
			return 0, 0, err
		}
	}
	for _, r := range dead {
		if _, err := cn.exec(deleteMarks, r.First, r.First+r.N-1); err != nil {
			return 0, 0, err
		}
	}
	return removed, stillPacked, nil
}

// wrongMarks returns which chunks are marked although a version needs their row,
// or a frame does. It takes a read transaction.
func (cn *conn) wrongMarks() ([]int64, error) {
	marks, err := cn.marks()
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	u := usage{unused: idSet{}, bases: idSet{}}
	ids := make([]int64, len(marks))
	for i, m := range marks {
		ids[i] = m.id
		u.unused.add(m.id)
	}
	if err := u.lookAt(cn); err != nil {
		return nil, err
	}
	packed, err := cn.packedRuns(ids)
	if err != nil {
		return nil, err
	}
	var wrong []int64
	for _, id := range ids {
		if u.bases.has(id) || !u.unused.has(id) && frameOf(packed, id) == 0 {
			wrong = append(wrong, id)
		}
	}
	return wrong, nil
}
