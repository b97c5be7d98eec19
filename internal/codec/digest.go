package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Digest computes a document's digest from its chunks, which costs no second
// pass over the document: the SHA-256 over, for each chunk in order, its length
// in bytes as 4 bytes big endian and its 32-byte hash.
//
// The same bytes cut at other places have another digest.
type Digest struct {
	h   hash.Hash
	buf [4 + sha256.Size]byte
}

// NewDigest returns the Digest of a document without chunks.
func NewDigest() *Digest { return &Digest{h: sha256.New()} }

// Add adds the next chunk. Its length is in bytes, from 1 to [MaxChunk].
func (d *Digest) Add(length int, h Hash) {
	binary.BigEndian.PutUint32(d.buf[:4], uint32(length))
	copy(d.buf[4:], h[:])
	d.h.Write(d.buf[:]) // never fails
}

// Sum returns the digest of the chunks added so far. More may follow.
func (d *Digest) Sum() (sum Hash) {
	d.h.Sum(sum[:0])
	return sum
}
