package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// frames decodes every frame once. A vacuum may replace one by another
// meanwhile; then the versions that use its chunks are loaded to find out.
func (v *verifier) frames() error {
	var frames []int64
	var packed []packedRun
	err := v.s.view(v.ctx, func(cn *conn) error {
		err := cn.query(frameSizes, func(rows *sql.Rows) error {
			var id, chunks, size, stored int64
			err := scan(rows, &id, &chunks, &size, &stored)
			frames = append(frames, id)
			return err
		})
		if err != nil {
			return err
		}
		return cn.query(allPacked, func(rows *sql.Rows) error {
			p, err := scanPacked(rows)
			packed = append(packed, p)
			return err
		})
	})
	if err != nil {
		return v.note(idxdb.Damage{}, err)
	}
	for i := 1; i < len(packed); i++ {
		if packed[i-1].First+packed[i-1].N > packed[i].First {
			v.report.Damage = append(v.report.Damage, idxdb.Damage{
				Detail: fmt.Sprintf("chunk %d is said to be in two frames, %d and %d", packed[i].First, packed[i-1].frame, packed[i].frame)})
		}
	}
	for i, id := range frames {
		v.progress("frames", int64(i), int64(len(frames)))
		err := v.frame(id, packed)
		if errors.Is(err, errNoFrame) {
			continue // it was replaced
		}
		if err := v.note(idxdb.Damage{}, asDamage(err, func(detail string, err error) error {
			return &idxdb.CorruptError{Detail: detail, Err: err}
		}, fmt.Sprintf("frame %d", id))); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) frame(id int64, packed []packedRun) error {
	return v.s.view(v.ctx, func(cn *conn) error {
		return cn.withFrame(id, func(chunks []codec.FrameChunk, content []byte) error {
			for _, c := range chunks {
				raw := content[:c.Size]
				content = content[c.Size:]
				if frameOf(packed, c.ID) != id {
					continue // garbage
				}
				sum := chunkSum{codec.Sum(raw), int32(c.Size)}
				v.report.Bytes += int64(c.Size)
				if row, ok := v.sums[c.ID]; ok && row != sum {
					return &idxdb.CorruptError{Detail: fmt.Sprintf("its chunk %d is another one than in the table of chunks", c.ID)}
				} else if !ok {
					v.report.Chunks++
				}
				v.sums[c.ID] = sum
			}
			return nil
		})
	})
}
