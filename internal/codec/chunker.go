package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// The averages a Chunker may be asked for, in bytes.
const (
	minAverage = 512
	maxAverage = 256 << 10 // times 4 is MaxChunk
)

// AverageFor returns the average chunk size in bytes for a document of size
// bytes: the smallest power of two from 1 KiB to 64 KiB that makes at most about
// 2,000 chunks of it, or 64 KiB. A negative size is unknown, and taken to be
// large.
//
// Small chunks find more of what is already there, but each costs a row, a hash
// and its share of an index to keep, and a look-up in every save. A document cut
// with another average than its last version shares no chunks with it, so who
// stores many versions keeps to one average while the size stays similar.
func AverageFor(size int64) int {
	const most = 64 << 10
	if size < 0 {
		return most
	}
	avg := 1 << 10
	for avg < most && size > int64(avg)*2048 {
		avg *= 2
	}
	return avg
}

// A Chunker finds content-defined chunk boundaries. It keeps nothing between
// calls, so any number of goroutines may share one.
//
// The method is a gear hash with normalised chunking: W. Xia et al., "FastCDC: a
// Fast and Efficient Content-Defined Chunking Approach for Data Deduplication",
// USENIX ATC 2016, and "The Design of Fast Content-Defined Chunking for Data
// Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020. No chunk but the
// last is shorter than a quarter of the average or longer than four times the
// average.
//
// Where a chunk ends is decided by its own bytes alone: most often by the last 64
// of them. Nothing that is stored depends on where boundaries are, but if they
// move, saves no longer find the chunks that older versions stored.
type Chunker struct {
	min, avg, max int
	early, late   uint64 // a boundary is where the hash is below: before avg, from avg on
}

// NewChunker returns a Chunker for chunks of about avg bytes, a power of two from
// 512 to 262144.
func NewChunker(avg int) (*Chunker, error) {
	if avg < minAverage || avg > maxAverage || avg&(avg-1) != 0 {
		return nil, fmt.Errorf("chunker: an average of %d bytes is not a power of two from %d to %d", avg, minAverage, maxAverage)
	}
	log := bits.Len(uint(avg)) - 1
	return &Chunker{
		min:   avg / 4,
		avg:   avg,
		max:   avg * 4,
		early: 1 << (64 - log - 2),
		late:  1 << (64 - log + 2),
	}, nil
}

// Max returns the length in bytes of the longest chunk. A buffer this long always
// holds a whole chunk.
func (c *Chunker) Max() int { return c.max }

// Cut returns the length of the first chunk of b, where b begins at a boundary.
// It returns 0 if more bytes are needed to tell, which is never so if b holds
// [Chunker.Max] bytes, or if final says that b ends the document and b is not
// empty.
func (c *Chunker) Cut(b []byte, final bool) int {
	n := min(len(b), c.max)
	if n > c.min {
		var h uint64
		for _, x := range b[c.min-window : c.min] {
			h = h<<1 + gear[x]
		}
		cut, h := scan(b[:min(n, c.avg)], c.min, h, c.early)
		if cut == 0 && n > c.avg {
			cut, _ = scan(b[:n], c.avg, h, c.late)
		}
		if cut != 0 {
			return cut
		}
	}
	if n == c.max || final {
		return n
	}
	return 0
}

// window is the number of bytes that the hash depends on: it moves one bit to
// the left with each byte.
const window = 64

// scan rolls h over b from position i on, and returns the position after the
// first byte at which it is below limit, else 0 and h at the end of b.
//
// All that saving an unchanged document costs, besides hashing it, is this loop.
// It takes four bytes a step, and gets from one to the next without waiting for
// the hashes between: h<<4 plus a sum that needs only the bytes.
func scan(b []byte, i int, h, limit uint64) (int, uint64) {
	for ; i+4 <= len(b); i += 4 {
		w := b[i : i+4 : i+4]
		g1 := gear[w[0]]
		g2 := g1<<1 + gear[w[1]]
		g3 := g2<<1 + gear[w[2]]
		g4 := g3<<1 + gear[w[3]]
		if h<<1+g1 < limit {
			return i + 1, 0
		}
		if h<<2+g2 < limit {
			return i + 2, 0
		}
		if h<<3+g3 < limit {
			return i + 3, 0
		}
		if h = h<<4 + g4; h < limit {
			return i + 4, 0
		}
	}
	for ; i < len(b); i++ {
		if h = h<<1 + gear[b[i]]; h < limit {
			return i + 1, 0
		}
	}
	return 0, h
}

// gear holds a random number for each byte value: the first 8 bytes, big endian,
// of SHA-256("idxdb gear table" followed by the byte).
var gear = gearTable()

func gearTable() (table [256]uint64) {
	seed := append([]byte("idxdb gear table"), 0)
	for i := range table {
		seed[len(seed)-1] = byte(i)
		sum := sha256.Sum256(seed)
		table[i] = binary.BigEndian.Uint64(sum[:])
	}
	return table
}
