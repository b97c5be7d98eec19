package sqlitestore

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// frameReaders keeps readers of frames, which have large buffers.
var frameReaders = sync.Pool{New: func() any { return new(frameReader) }}

// keepLimit is how many bytes of a document an unpacker keeps for later. Tests
// make it smaller.
var keepLimit = 16 << 20

// An unpacker finds the chunks of one document that are in frames. A frame is
// decoded when the first of its chunks is met, and the others that the document
// still needs are kept: those of one frame lie close together, but the document
// may take turns between several. So each frame is decoded once, unless more
// than keepLimit would have to be kept.
type unpacker struct {
	kept  map[int64]*keptChunk
	bytes int // in kept
}

type keptChunk struct {
	data []byte
	used bool
}

// take moves the chunks of runs that were kept to the batch, and returns the
// others.
func (u *unpacker) take(b *batch, runs []codec.Run, at map[int64]stored) []codec.Run {
	if len(u.kept) == 0 {
		return runs
	}
	var others []codec.Run
	for _, r := range runs {
		for id := r.First; id < r.First+r.N; id++ {
			if k := u.kept[id]; k != nil {
				at[id] = b.addPacked(k.data)
				k.used = true
				continue
			}
			others = codec.AddToRuns(others, id)
		}
	}
	return others
}

// keep keeps a chunk for later, if there is room.
func (u *unpacker) keep(id int64, data []byte) {
	if u.kept == nil {
		u.kept = map[int64]*keptChunk{}
	}
	if u.kept[id] != nil || u.bytes+len(data) > keepLimit {
		return
	}
	u.kept[id] = &keptChunk{data: slices.Clone(data)}
	u.bytes += len(data)
}

// forget drops what was used if it is much. A chunk may occur twice in a
// document, so it is not done at once.
func (u *unpacker) forget() {
	if u.bytes < keepLimit/2 {
		return
	}
	for id, k := range u.kept {
		if k.used {
			u.bytes -= len(k.data)
			delete(u.kept, id)
		}
	}
}

// addPacked adds a chunk whose hash is not known.
func (b *batch) addPacked(raw []byte) stored {
	from := len(b.data)
	b.data = append(b.data, raw...)
	return stored{size: len(raw), codec: codec.Raw, from: from, to: len(b.data), packed: true}
}

// unpack adds to at those of the chunks in runs that are in frames and not in at
// yet. rest are the chunks of the document that come later.
func (cn *conn) unpack(b *batch, runs, rest []codec.Run, at map[int64]stored, up *unpacker, fail func(string, error) error) error {
	var missing []int64
	for _, r := range runs {
		for id := r.First; id < r.First+r.N; id++ {
			if _, ok := at[id]; !ok {
				missing = append(missing, id)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	packed, err := cn.packedRuns(missing)
	if err != nil || len(packed) == 0 {
		return asDamage(err, fail, "the list of packed chunks")
	}
	var frames []int64
	for _, id := range missing {
		if f := frameOf(packed, id); f != 0 && !slices.Contains(frames, f) {
			frames = append(frames, f)
		}
	}
	later := slices.Clone(rest)
	slices.SortFunc(later, func(a, b codec.Run) int { return cmp.Compare(a.First, b.First) })
	for _, f := range frames {
		up.forget()
		err := cn.withFrame(f, func(chunks []codec.FrameChunk, content []byte) error {
			for _, c := range chunks {
				raw := content[:c.Size]
				content = content[c.Size:]
				if _, found := slices.BinarySearch(missing, c.ID); found {
					at[c.ID] = b.addPacked(raw)
				} else if contains(later, c.ID) {
					up.keep(c.ID, raw)
				}
			}
			return nil
		})
		if err != nil {
			return asDamage(err, fail, fmt.Sprintf("frame %d", f))
		}
	}
	return nil
}

// asDamage says of an error about stored bytes whose document it concerns.
func asDamage(err error, fail func(string, error) error, what string) error {
	if !errors.Is(err, idxdb.ErrCorrupt) {
		return err
	}
	var c *idxdb.CorruptError
	if errors.As(err, &c) {
		return fail(what+": "+c.Detail, c.Err)
	}
	return fail(what, err)
}

// contains reports whether id is in runs, which are sorted. Runs of one document
// may overlap, so it looks at a few before the place where it should be.
func contains(runs []codec.Run, id int64) bool {
	n, _ := slices.BinarySearchFunc(runs, id, func(r codec.Run, id int64) int {
		if r.First <= id {
			return -1
		}
		return 1
	})
	for i := n - 1; i >= 0 && i >= n-4; i-- {
		if id < runs[i].First+runs[i].N {
			return true
		}
	}
	return false
}
