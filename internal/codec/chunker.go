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
// bytes; a negative size is unknown and taken to be large. Small chunks find
// more that is already there, but each costs a row, a hash and its share of an
// index; the steps keep a document at some hundred to some thousand chunks.
func AverageFor(size int64) int {
	switch {
	case size < 0 || size > 100<<20:
		return 64 << 10
	case size > 50<<20:
		return 32 << 10
	case size > 25<<20:
		return 16 << 10
	case size > 12<<20:
		return 8 << 10
	case size > 6<<20:
		return 4 << 10
	}
	return 2 << 10
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
// The boundary after a byte is decided by the bytes since the previous boundary
// alone. Nothing that is stored depends on where boundaries are, but if they
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
		h, cut := scan(b[:min(n, c.avg)], c.min, 0, c.early)
		if cut == 0 {
			_, cut = scan(b[:n], c.avg, h, c.late)
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

// scan rolls h over b from position i on. It returns the position after the
// first byte at which h is below limit, or 0 and h at the end of b.
func scan(b []byte, i int, h, limit uint64) (uint64, int) {
	for ; i < len(b); i++ {
		h = h<<1 + gear[b[i]]
		if h < limit {
			return h, i + 1
		}
	}
	return h, 0
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
