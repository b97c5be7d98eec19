package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// Packing brings the chunks that only older versions use into frames.
//
// For each key, such chunks are put in the order of their place in the document,
// with all contents that a place ever had one after another, and cut into frames
// of up to packSize bytes. No manifest changes: a chunk keeps its id, only the
// place of its bytes is another one. What the newest version of any key uses stays
// as it is, to be loaded fast and to be found by saves. What of it replaced a
// frame's chunks is the frame's base: the frame says only in what they differ. So
// a frame depends on chunks with rows, never on another frame. A packed chunk has
// no row in table chunk, and so no entry in the index of hashes: a save that meets
// its content again stores it again.
//
// Frames are made from chunks with rows and from small frames made before. A
// frame is taken in again if it is at most packRatio times as large as what comes
// to it, so that the work to add a little is little, and the number of small
// frames grows with the logarithm of what they hold (P. O'Neil et al., "The
// Log-Structured Merge-Tree", Acta Informatica 33(4), 1996). A frame of more than
// half packSize is left alone until more than half of its chunks are garbage.
//
// A chunk of a frame's base counts as used, so it has a row as long as the frame is
// there, even if no newest version uses it any more. A frame of which that is true
// for too many chunks is made anew, with a base of the newest version, and what it
// kept whole is packed.
//
// # Why nothing is lost beside saves, loads, deletes and other vacuums
//
// Three things happen, each in a transaction of its own, and each can be the last
// one that happens:
//
//  1. A frame is inserted, table packed says which chunks are in it, and the
//     chunks' own rows are marked in table garbage with the epoch, which is raised.
//     From then on the bytes of these chunks are there twice. The frame has been
//     decoded and compared before.
//  2. The sweep deletes marked rows, once nobody holds the mark's epoch or an
//     earlier one (garbage.go).
//  3. Frames that packed does not mention are deleted. Only the transaction that
//     inserts a frame makes packed mention it, so such a frame stays useless.
//
// A chunk that a version uses has a row or is packed, at any time: the sweep
// deletes the row of a packed chunk but leaves it packed, and takes a chunk out of
// packed only if it has no row and is marked, that is, no version uses it. A chunk
// that a frame is based on has a row: the transaction that inserts the frame makes
// sure that it is there and not marked, and those that mark look at the bases of
// all frames that came since.
//
// Loads look for a chunk in both tables in one transaction, so they find it,
// wherever it was a moment ago. They hold an epoch, so chunks of a version that is
// deleted meanwhile stay, packed or not.
//
// Saves refer to chunks that they found by hash, so to rows, never to packed
// chunks. One that found a row before it was marked holds an epoch that keeps the
// sweep from deleting it, and takes the mark off in its last transaction. One that
// comes later treats the row as absent, brings the content along, and takes the
// mark off if the row is still there then. Either way the row stays, whole, beside
// the copy in the frame, and the next vacuum that finds the chunk in no newest
// version again marks the row again.
//
// Two vacuums at once: the transaction of the first step moves only chunks whose
// row or whose place in a frame is still the one that was read. What is left is
// garbage in the new frame.

const (
	packChunks = 1 << 13 // chunks of a frame, at most: a turn to write takes as long as they are many
	packRatio  = 4
	baseWeight = 2
	staleShare = 8 // a frame is made anew if more than one of so many chunks of its base are history
)

// Tests make these smaller.
var (
	packSize  = codec.MaxFrame - 20*packChunks // bytes of content of a frame, and of its base, at most
	packLeast = 16 << 10                       // bytes of content, about, that are worth a frame
)

// A packer packs what one moment had.
type packer struct {
	s           *Store
	report      *idxdb.VacuumReport
	lastVersion int64 // the highest row id of a version at that moment
	lastFrame   int64 // and of a frame

	newest idSet                // chunks with a row that a newest version uses
	rows   idSet                // chunks with a row and not packed that no newest version uses
	again  []int64              // chunks with a row that are packed, and that no newest version uses
	packed []packedRun          // sorted
	moved  map[int64]int64      // the frames of chunks that were moved since
	frames map[int64]*frameInfo // by id
	due    idSet                // rows, and chunks of frames that should be made anew

	enc codec.FrameEncoder
}

type frameInfo struct {
	chunks, live int64 // in it, and those that are not garbage
	size         int64
	base, stale  int64 // chunks it is based on, and those that no newest version uses
}

// spent reports whether most of a frame is garbage, or whether it keeps too many
// chunks whole that could be packed if it were not for it.
func (f *frameInfo) spent() bool { return 2*f.live < f.chunks || staleShare*f.stale > f.base }

// liveSize estimates how much of the frame is needed, in bytes of content.
func (f *frameInfo) liveSize() int { return int(f.size * f.live / max(1, f.chunks)) }

// pack brings history into frames.
func (s *Store) pack(ctx context.Context, report *idxdb.VacuumReport, progress idxdb.Progress) error {
	if s.ranges == nil {
		return nil // the rows could never be deleted
	}
	p := &packer{s: s, report: report}
	release, err := s.snapshot(ctx, func(cn *conn, _ int64) error { return p.look(cn) })
	if err != nil {
		return err
	}
	defer release()
	if err := p.markAgain(ctx); err != nil {
		return err
	}
	if len(p.due) == 0 {
		return nil
	}
	keys, err := s.everyKey(ctx)
	if err != nil {
		return err
	}
	for i := range keys {
		progress("pack", int64(i), int64(len(keys)))
		if keys[i].Versions < 2 {
			continue // the newest version is all it has
		}
		if err := p.key(ctx, &keys[i]); err != nil {
			return err
		}
	}
	return nil
}

// look finds what there is to pack.
func (p *packer) look(cn *conn) error {
	*p = packer{s: p.s, report: p.report, newest: idSet{}, rows: idSet{}, due: idSet{}, moved: map[int64]int64{}, frames: map[int64]*frameInfo{}}
	if err := cn.eachID(chunkIDs, p.rows.add); err != nil {
		return err
	}
	err := cn.query(newestManifests, func(rows *sql.Rows) error {
		return eachRun(rows, func(r codec.Run) { p.rows.moveRun(r, p.newest) })
	})
	if err != nil {
		return err
	}
	if err := cn.eachID(garbageIDs, p.rows.remove); err != nil {
		return err
	}
	if err := cn.eachID(lastManifest, func(id int64) { p.lastVersion = id }); err != nil {
		return err
	}
	err = cn.query(frameSizes, func(rows *sql.Rows) error {
		var id, stored int64
		f := new(frameInfo)
		err := scan(rows, &id, &f.chunks, &f.size, &stored)
		p.frames[id] = f
		return err
	})
	if err != nil {
		return err
	}
	err = cn.query(basesAfter, func(rows *sql.Rows) error {
		id, runs, err := scanBase(rows, p.lastFrame)
		if err != nil {
			return err
		}
		p.lastFrame = id
		f := p.frames[id]
		for _, r := range runs {
			p.rows.removeRun(r) // it stays whole
			for id := r.First; id < r.First+r.N; id++ {
				f.base++
				if !p.newest.has(id) {
					f.stale++
				}
			}
		}
		return nil
	}, p.lastFrame)
	if err != nil {
		return err
	}
	err = cn.query(allPacked, func(rows *sql.Rows) error {
		run, err := scanPacked(rows)
		if err != nil {
			return err
		}
		p.packed = append(p.packed, run)
		if f := p.frames[run.frame]; f != nil {
			f.live += run.N
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, run := range p.packed {
		f := p.frames[run.frame]
		for id := run.First; id < run.First+run.N; id++ {
			if p.rows.has(id) {
				p.again = append(p.again, id)
				p.rows.remove(id)
			}
			if f != nil && f.spent() {
				p.due.add(id)
			}
		}
	}
	for _, id := range p.rows.sorted() {
		p.due.add(id)
	}
	return nil
}

// eachID runs a query for ids.
func (cn *conn) eachID(stmt int, do func(int64), args ...any) error {
	return cn.query(stmt, func(rows *sql.Rows) error {
		var id int64
		err := scan(rows, &id)
		do(id)
		return err
	}, args...)
}

// eachRun calls do for the runs of the two manifests of a row.
func eachRun(rows *sql.Rows, do func(codec.Run)) error {
	var search, state sql.RawBytes
	if err := scan(rows, &search, &state); err != nil {
		return err
	}
	for _, data := range [][]byte{search, state} {
		if data == nil {
			continue
		}
		runs, _, err := codec.ParseRuns(data)
		if err != nil {
			return &idxdb.CorruptError{Detail: "a list of chunks", Err: err}
		}
		for _, r := range runs {
			do(r)
		}
	}
	return nil
}

// markAgain marks the rows of chunks that are packed already: they were in use
// again for a while.
func (p *packer) markAgain(ctx context.Context) error {
	for done := 0; done < len(p.again); done += chunksATurn {
		turn := p.again[done:min(len(p.again), done+chunksATurn)]
		u := usage{unused: idSet{}, lastVersion: p.lastVersion, lastFrame: p.lastFrame}
		for _, id := range turn {
			u.unused.add(id)
		}
		err := p.s.vacuumTurn(ctx, func(cn *conn) (bool, error) {
			packed, err := cn.packedRuns(turn)
			if err != nil {
				return false, err
			}
			var still []int64
			for _, id := range turn {
				if frameOf(packed, id) != 0 {
					still = append(still, id)
				}
			}
			return cn.mark(&u, still)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// key packs the history of a key.
func (p *packer) key(ctx context.Context, k *schema.Key) error {
	order, err := p.order(ctx, k)
	if err != nil || len(order) == 0 {
		return err
	}
	sizes, err := p.sizes(ctx, order)
	if err != nil {
		return err
	}
	fresh := 0 // bytes
	for id, size := range sizes {
		if p.rows.has(id) {
			fresh += size
		}
	}
	taken, total := p.choose(order, fresh)
	if fresh == 0 && len(taken) == 0 || total < packLeast {
		return nil
	}
	parts := p.parts(order, sizes, taken)
	weight := 0
	for _, part := range parts {
		weight += part.weight()
	}
	limit := weight/((weight+packSize-1)/packSize) + 1 // about the same for all
	u := p.newUnit()
	for _, part := range parts {
		u.add(part)
		if u.weight >= limit || len(u.ids) >= packChunks {
			if err := u.write(ctx); err != nil {
				return err
			}
		}
	}
	return u.write(ctx)
}

// dropFrames deletes frames that no chunk is in any more, and returns how many.
func (s *Store) dropFrames(ctx context.Context) (int, error) {
	useless := map[int64]bool{}
	err := s.view(ctx, func(cn *conn) error {
		err := cn.query(frameSizes, func(rows *sql.Rows) error {
			var id, chunks, size, stored int64
			err := scan(rows, &id, &chunks, &size, &stored)
			useless[id] = true
			return err
		})
		if err != nil {
			return err
		}
		return cn.query(allPacked, func(rows *sql.Rows) error {
			run, err := scanPacked(rows)
			delete(useless, run.frame)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	for id := range useless {
		err := s.vacuumTurn(ctx, func(cn *conn) (bool, error) {
			_, err := cn.exec(deleteFrame, id)
			return true, err
		})
		if err != nil {
			return 0, fmt.Errorf("delete frame %d: %w", id, err)
		}
	}
	return len(useless), nil
}
