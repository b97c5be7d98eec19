package codec

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// Codec says how a chunk is stored. The numbers are on disk for ever.
type Codec uint8

// The codecs.
//
// A payload of HexLZ4 or HexZstd is: the length of the text and the length of
// the side stream, both unsigned varints; the side stream; the text, compressed
// as the name says, or as it is where that makes exactly the text's length.
// hexpack.go says how text and side stream become the chunk.
const (
	Raw     Codec = 1 // the chunk itself
	LZ4     Codec = 2 // one LZ4 block
	HexLZ4  Codec = 3 // hex packed, then one LZ4 block
	Zstd    Codec = 4 // the blocks of one zstd frame, see zstd.go
	HexZstd Codec = 5 // hex packed, then the blocks of one zstd frame
)

// String returns the codec's name.
func (c Codec) String() string {
	switch c {
	case Raw:
		return "raw"
	case LZ4:
		return "lz4"
	case HexLZ4:
		return "hex+lz4"
	case Zstd:
		return "zstd"
	case HexZstd:
		return "hex+zstd"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// Effort is how hard an Encoder tries.
type Effort int

// The efforts.
const (
	Fast  Effort = 0 // LZ4
	Small Effort = 1 // zstd: 8 % smaller on hashes, 20 % on fractions; 2 to 5 times slower
)

// An Encoder compresses chunks. It is not safe for concurrent use. It keeps
// buffers of a few times the largest chunk it was given, and some 150 KB of
// tables; 400 KB more once it was asked for [Small].
type Encoder struct {
	hex         hexPacker
	lz4         lz4.Compressor
	zst         zstdEncoder
	packed, out []byte
}

// NewEncoder returns an Encoder.
func NewEncoder() *Encoder { return &Encoder{} }

// Encode compresses a chunk of 1 to [MaxChunk] bytes. It tries what is worth
// trying for this content, and returns the smallest; that is the chunk itself,
// with [Raw], if nothing makes it smaller. The result is valid until the next
// call of Encode, and only as long as raw is not changed.
func (e *Encoder) Encode(raw []byte, effort Effort) (Codec, []byte) {
	plain, packed := LZ4, HexLZ4
	if effort == Small {
		plain, packed = Zstd, HexZstd
	}
	c, best := Raw, raw
	tryPlain := true
	if e.hex.pack(raw) {
		// Packing spends 4 bits a digit. zstd needs fewer for decimal digits, and
		// either compressor needs fewer for a hash that it has just seen.
		decimal := effort == Small && e.hex.decimal()
		tryPlain = decimal || e.hex.repeats > e.hex.tokens/4
		if !decimal {
			e.packed = e.appendPacked(e.packed[:0], effort)
			if len(e.packed) < len(best) {
				c, best = packed, e.packed
			}
		}
	}
	if tryPlain {
		e.out = e.compress(e.out[:0], raw, effort)
		if len(e.out) < len(best) {
			c, best = plain, e.out
		}
	}
	return c, best
}

// appendPacked appends the payload of what e.hex has packed.
func (e *Encoder) appendPacked(dst []byte, effort Effort) []byte {
	text, side := e.hex.text, e.hex.side
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	dst = binary.AppendUvarint(dst, uint64(len(side)))
	dst = append(dst, side...)
	head := len(dst)
	dst = e.compress(dst, text, effort)
	if len(dst)-head >= len(text) {
		dst = append(dst[:head], text...)
	}
	return dst
}

// compress appends text, compressed. If that is not possible it appends text
// itself.
func (e *Encoder) compress(dst, text []byte, effort Effort) []byte {
	if effort == Small {
		return e.zst.appendBlocks(dst, text)
	}
	n := len(dst)
	dst = slices.Grow(dst, lz4.CompressBlockBound(len(text)))
	m, err := e.lz4.CompressBlock(text, dst[n:cap(dst)])
	if err != nil || m == 0 { // cannot be, with that much room
		return append(dst, text...)
	}
	return dst[:n+m]
}

// A Decoder restores chunks. It is not safe for concurrent use. It keeps buffers
// of about the largest chunk it was given.
type Decoder struct {
	text []byte
	zst  zstdDecoder
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder { return &Decoder{} }

// Decode appends to dst the chunk of rawLen bytes that c stored as data. It
// allocates no more than a few times rawLen, which must be from 1 to
// [MaxChunk]. Errors match [idxdb.ErrCorrupt], and dst then comes back with the
// bytes it had. What no error was found in may still not be the chunk: compare
// its hash.
func (d *Decoder) Decode(dst []byte, c Codec, rawLen int, data []byte) ([]byte, error) {
	if rawLen < 1 || rawLen > MaxChunk {
		return dst, damaged("%s chunk of %d bytes: a chunk has 1 to %d", c, rawLen, MaxChunk)
	}
	if len(data) > rawLen || c != Raw && len(data) == rawLen {
		return dst, damaged("%s chunk of %d bytes is stored as %d", c, rawLen, len(data))
	}
	out, err := d.decode(dst, c, rawLen, data)
	if err != nil {
		return dst, fmt.Errorf("%s chunk of %d bytes: %w", c, rawLen, err)
	}
	return out, nil
}

func (d *Decoder) decode(dst []byte, c Codec, rawLen int, data []byte) ([]byte, error) {
	switch c {
	case Raw:
		if len(data) != rawLen {
			return nil, damaged("only %d are stored", len(data))
		}
		return append(dst, data...), nil
	case LZ4, Zstd:
		return d.decompress(dst, c == Zstd, rawLen, data)
	case HexLZ4, HexZstd:
		return d.decodeHex(dst, c == HexZstd, rawLen, data)
	}
	return nil, damaged("there is no such codec")
}

func (d *Decoder) decodeHex(dst []byte, zstd bool, rawLen int, data []byte) ([]byte, error) {
	textLen, n := uvarint(data)
	sideLen, m := uvarint(data[n:])
	if n == 0 || m == 0 {
		return nil, damaged("malformed length")
	}
	data = data[n+m:]
	// The text is shorter than the chunk, or packing would not have been used. It
	// is never empty, which the LZ4 decoder relies on.
	if textLen == 0 || textLen >= uint64(rawLen) || sideLen > uint64(len(data)) {
		return nil, damaged("a text of %d bytes and a side stream of %d are not possible", textLen, sideLen)
	}
	side, text := data[:sideLen], data[sideLen:]
	if uint64(len(text)) != textLen {
		var err error
		if d.text, err = d.decompress(d.text[:0], zstd, int(textLen), text); err != nil {
			return nil, err
		}
		text = d.text
	}
	return unpackHex(dst, rawLen, text, side)
}

// decompress appends exactly n bytes to dst, or fails.
func (d *Decoder) decompress(dst []byte, zstd bool, n int, data []byte) ([]byte, error) {
	if zstd {
		return d.zst.decode(dst, n, data)
	}
	// LZ4 cannot make more than 255 bytes of one.
	if n/255 > len(data) {
		return nil, damaged("%d bytes cannot hold that many", len(data))
	}
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	m, err := lz4.UncompressBlock(data, dst[start:start+n:start+n])
	if err != nil {
		return nil, &damage{text: "LZ4 block", cause: err}
	}
	if m != n {
		return nil, damaged("LZ4 block of %d bytes instead of %d", m, n)
	}
	return dst, nil
}
