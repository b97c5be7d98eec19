package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// ChecksumSize is the length of a row's checksum, in bytes.
const ChecksumSize = 8

// A Checksum collects the fields of a row. FORMAT.md ("Row checksums") gives
// the encoding. The checksum finds damage, not forgery.
type Checksum struct {
	buf []byte
}

// NewChecksum starts the checksum of a row of table.
func NewChecksum(table string) *Checksum {
	c := &Checksum{buf: make([]byte, 0, 256)}
	c.Text(table)
	return c
}

// Int adds an integer column.
func (c *Checksum) Int(v int64) *Checksum {
	c.buf = append(c.buf, 'i')
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
	return c
}

// Text adds a text column.
func (c *Checksum) Text(v string) *Checksum {
	c.buf = append(c.buf, 't')
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v)))
	c.buf = append(c.buf, v...)
	return c
}

// Blob adds a blob column.
func (c *Checksum) Blob(v []byte) *Checksum {
	c.buf = append(c.buf, 'b')
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v)))
	c.buf = append(c.buf, v...)
	return c
}

// Null adds a column that is NULL.
func (c *Checksum) Null() *Checksum {
	c.buf = append(c.buf, 'n')
	return c
}

// Sum returns the checksum of the fields added so far.
func (c *Checksum) Sum() []byte {
	sum := sha256.Sum256(c.buf)
	return sum[:ChecksumSize]
}

// Matches reports whether stored is the checksum of the fields added.
func (c *Checksum) Matches(stored []byte) bool { return bytes.Equal(c.Sum(), stored) }

// NameHash is the hash of a key's name: the first 8 bytes of its SHA-256 as a
// signed big-endian integer. meta.key_set is the exclusive or of the hashes of
// all live keys, so that a listing can tell that none is missing or altered.
func NameHash(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
