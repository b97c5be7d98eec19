package sqlitestore

import (
	"bytes"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// sameBytes compares two documents by content. It is for documents that were cut
// differently.
func (cn *conn) sameBytes(a, b []codec.Run) (bool, error) {
	left, right := &content{cn: cn, runs: a}, &content{cn: cn, runs: b}
	for {
		if err := left.fill(); err != nil {
			return false, err
		}
		if err := right.fill(); err != nil {
			return false, err
		}
		n := min(len(left.rest), len(right.rest))
		if n == 0 {
			return len(left.rest) == len(right.rest), nil
		}
		if !bytes.Equal(left.rest[:n], right.rest[:n]) {
			return false, nil
		}
		left.rest, right.rest = left.rest[n:], right.rest[n:]
	}
}

// content reads a document within the caller's transaction.
type content struct {
	cn   *conn
	runs []codec.Run
	dec  codec.Decoder
	up   unpacker
	rest []byte // empty after fill: the end
}

func (c *content) fill() error {
	if len(c.rest) > 0 || len(c.runs) == 0 {
		return nil
	}
	fail := func(detail string, err error) error { return &idxdb.CorruptError{Detail: detail, Err: err} }
	var b batch
	rest, err := c.cn.fetch(&b, c.runs, batchChunks, &c.up, fail)
	if err != nil {
		return err
	}
	if err := b.decode(&c.dec, fail); err != nil {
		return err
	}
	c.runs, c.rest = rest, b.out
	return nil
}
