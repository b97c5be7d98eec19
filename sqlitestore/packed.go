package sqlitestore

import (
	"database/sql"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// A packedRun is a row of table packed: chunks that are in a frame.
type packedRun struct {
	codec.Run
	frame int64
}

// scanPacked reads a row. What it returns has sane numbers, whatever the file
// says.
func scanPacked(rows *sql.Rows) (p packedRun, err error) {
	if err := scan(rows, &p.First, &p.N, &p.frame); err != nil {
		return p, err
	}
	if p.First < 1 || p.N < 1 || p.N > codec.MaxFrameChunks || p.First+p.N < p.First {
		return p, &idxdb.CorruptError{Detail: fmt.Sprintf("the list of packed chunks has %d from %d on", p.N, p.First)}
	}
	return p, nil
}

// packedRuns returns the rows of table packed that contain any of ids, which are
// sorted.
func (cn *conn) packedRuns(ids []int64) ([]packedRun, error) {
	var runs []codec.Run
	for _, id := range ids {
		runs = codec.AddToRuns(runs, id)
	}
	var list []packedRun
	for _, span := range spans(runs, 1000) {
		err := cn.query(packedIn, func(rows *sql.Rows) error {
			p, err := scanPacked(rows)
			if err != nil {
				return err
			}
			n, _ := slices.BinarySearch(ids, p.First)
			wanted := n < len(ids) && ids[n] < p.First+p.N
			if wanted && (len(list) == 0 || list[len(list)-1].First < p.First) {
				list = append(list, p)
			}
			return nil
		}, span.first, span.last)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// frameOf returns the frame that has a chunk, 0 if none has. runs is sorted.
func frameOf(runs []packedRun, id int64) int64 {
	i, found := slices.BinarySearchFunc(runs, id, func(p packedRun, id int64) int {
		switch {
		case p.First+p.N <= id:
			return -1
		case p.First > id:
			return 1
		}
		return 0
	})
	if !found {
		return 0
	}
	return runs[i].frame
}

// repack makes table packed say that ids, which are sorted, are in a frame, or in
// none if frame is 0. old are the rows that contain any of them.
func (cn *conn) repack(ids []int64, old []packedRun, frame int64) error {
	moved := func(id int64) bool {
		_, found := slices.BinarySearch(ids, id)
		return found
	}
	put := func(runs []codec.Run, frame int64) error {
		for _, r := range runs {
			if _, err := cn.exec(insertPacked, r.First, r.N, frame); err != nil {
				return err
			}
		}
		return nil
	}
	for _, p := range old {
		if _, err := cn.exec(deletePacked, p.First); err != nil {
			return err
		}
		var rest []codec.Run
		for id := p.First; id < p.First+p.N; id++ {
			if !moved(id) {
				rest = codec.AddToRuns(rest, id)
			}
		}
		if err := put(rest, p.frame); err != nil {
			return err
		}
	}
	if frame == 0 {
		return nil
	}
	var runs []codec.Run
	for _, id := range ids {
		if n := len(runs); n > 0 && runs[n-1].N == codec.MaxFrameChunks {
			runs = append(runs, codec.Run{First: id, N: 1})
			continue
		}
		runs = codec.AddToRuns(runs, id)
	}
	return put(runs, frame)
}

var errNoFrame error = &idxdb.CorruptError{Detail: "it is missing"}

// scanBase reads an id and the base of a frame: the ids of chunks with rows, in
// ascending order.
func scanBase(rows *sql.Rows, after int64) (id int64, runs []codec.Run, err error) {
	var data sql.RawBytes
	if err := scan(rows, &id, &data); err != nil {
		return 0, nil, err
	}
	if err := inOrder("frame", after, id); err != nil {
		return 0, nil, err
	}
	runs, err = parseBase(data)
	if err != nil {
		return 0, nil, &idxdb.CorruptError{Detail: fmt.Sprintf("the base of frame %d", id), Err: err}
	}
	return id, runs, nil
}

func parseBase(data []byte) ([]codec.Run, error) {
	runs, total, err := codec.ParseRuns(data)
	if err != nil {
		return nil, err
	}
	if total > codec.MaxFrame { // no chunk is empty
		return nil, &idxdb.CorruptError{Detail: fmt.Sprintf("%d chunks are too many", total)}
	}
	for i := 1; i < len(runs); i++ {
		if runs[i].First < runs[i-1].First+runs[i-1].N {
			return nil, &idxdb.CorruptError{Detail: "its chunks are out of order"}
		}
	}
	return runs, nil
}

// A frameReader decodes frames. It keeps buffers of the size of the largest.
type frameReader struct {
	frame codec.FrameDecoder
	chunk codec.Decoder
	base  []byte
}

// readBase fills base with chunks that have rows, and returns what is known of
// them. It leaves out those after the first that would make it too long.
func (f *frameReader) readBase(cn *conn, runs []codec.Run) (ids []int64, hashes map[int64]codec.Hash, err error) {
	f.base = f.base[:0]
	hashes = map[int64]codec.Hash{}
	fail := func(detail string, err error) error { return &idxdb.CorruptError{Detail: detail, Err: err} }
	full := false
	for _, span := range spans(runs, 4) {
		err := cn.query(chunkData, func(rows *sql.Rows) error {
			id, c, data, err := scanChunk(rows, fail)
			if err != nil || full || !span.has(id) {
				return err
			}
			if full = len(f.base)+c.size > codec.MaxFrame; full {
				return nil
			}
			start := len(f.base)
			if f.base, err = f.chunk.Decode(f.base, c.codec, c.size, data); err != nil {
				return fail(fmt.Sprintf("chunk %d", id), err)
			}
			if codec.Sum(f.base[start:]) != c.hash {
				return fail(fmt.Sprintf("chunk %d has other content", id), nil)
			}
			ids = append(ids, id)
			hashes[id] = c.hash
			return nil
		}, span.first, span.last)
		if err != nil {
			return nil, nil, err
		}
	}
	return ids, hashes, nil
}

// withFrame decodes a frame. What fn is given is valid until it returns. Errors
// that match idxdb.ErrCorrupt say that the frame is damaged, or its base.
func (cn *conn) withFrame(id int64, fn func(chunks []codec.FrameChunk, content []byte) error) error {
	dec := frameReaders.Get().(*frameReader)
	defer frameReaders.Put(dec)
	var base []codec.Run
	err := cn.query(frameBase, func(rows *sql.Rows) (err error) {
		var data sql.RawBytes
		if err := scan(rows, &data); err != nil {
			return err
		}
		base, err = parseBase(data)
		return err
	}, id)
	if err != nil {
		return err
	}
	ids, _, err := dec.readBase(cn, base)
	if err != nil {
		return err
	}
	for _, r := range base {
		if int64(len(ids)) < r.N || ids[0] != r.First || ids[r.N-1] != r.First+r.N-1 {
			return &idxdb.CorruptError{Detail: fmt.Sprintf("of its base, chunks from %d on are missing", r.First)}
		}
		ids = ids[r.N:]
	}
	found := false
	err = cn.query(frameData, func(rows *sql.Rows) error {
		var count, size int64
		var data sql.RawBytes
		if err := scan(rows, &count, &size, &data); err != nil {
			return err
		}
		found = true
		chunks, content, err := dec.frame.Decode(size, data, dec.base)
		if err != nil {
			return err
		}
		if int64(len(chunks)) != count {
			return &idxdb.CorruptError{Detail: fmt.Sprintf("it has %d chunks instead of %d", len(chunks), count)}
		}
		return fn(chunks, content)
	}, id)
	if err == nil && !found {
		err = errNoFrame
	}
	return err
}
