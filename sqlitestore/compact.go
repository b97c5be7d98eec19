package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"

	"github.com/idxdb/idxdb"
)

// Rows written anew in one turn.
const (
	compactRows  = 500
	compactBytes = 512 << 10
)

// compact writes the rows of chunks anew if at least half as many were deleted
// from between them as are left: SQLite leaves gaps in its pages where rows were,
// and gives only whole pages back. So the work is in proportion to what was
// deleted. Ids and contents stay, and nobody sees the rows missing: a turn deletes
// them and inserts them again in one transaction.
func (s *Store) compact(ctx context.Context, deleted int64, progress idxdb.Progress) error {
	var left, done int64
	err := s.view(ctx, func(cn *conn) error {
		return cn.query(counts, func(rows *sql.Rows) error {
			var versions int64
			return scan(rows, &versions, &left)
		})
	})
	if err != nil || 2*deleted < left {
		return err
	}
	for last, more := int64(0), true; more; {
		progress("compact", min(done, left), left)
		err := s.vacuumTurn(ctx, func(cn *conn) (commit bool, err error) {
			var n int
			last, n, err = cn.rewrite(last)
			done += int64(n)
			more = n > 0
			return more, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite deletes and inserts the next rows after an id. It returns the last id
// and how many there were.
func (cn *conn) rewrite(after int64) (last int64, n int, err error) {
	type row struct {
		id, size, codec int64
		hash, data      []byte
	}
	var list []row
	last = after
	for total, more := 0, true; more && total < compactBytes && len(list) < compactRows; {
		more = false
		err := cn.query(chunksAfter, func(rows *sql.Rows) error {
			var r row
			var hash, data sql.RawBytes
			if err := scan(rows, &r.id, &hash, &r.size, &r.codec, &data); err != nil {
				return err
			}
			if err := inOrder("chunk", last, r.id); err != nil {
				return err
			}
			if more = total < compactBytes; !more {
				return nil
			}
			r.hash, r.data = bytes.Clone(hash), bytes.Clone(data)
			list = append(list, r)
			total += len(r.data)
			last = r.id
			return nil
		}, last)
		if err != nil {
			return after, 0, err
		}
	}
	if len(list) == 0 {
		return after, 0, nil
	}
	if _, err := cn.exec(deleteChunks, list[0].id, last); err != nil {
		return after, 0, err
	}
	for _, r := range list {
		if _, err := cn.exec(insertChunkAgain, r.id, r.hash, r.size, r.codec, r.data); err != nil {
			return after, 0, err
		}
	}
	return last, len(list), nil
}
