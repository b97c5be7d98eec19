package codec

import "bytes"

// Hex packing. Index states are full of hexadecimal hashes, which no byte-wise
// compressor can shrink: their digits are random. So runs of digits are taken out
// of the chunk and stored as the bytes they stand for.
//
// A chunk becomes a text and a side stream. The text is the chunk, in which
//
//	0x01 0x00   stands for the byte 0x01,
//	0x01 n      (n from 8 to 255) stands for the next n bytes of the side
//	            stream, each written as two digits 0-9a-f, the high one first,
//	            and every other byte for itself. 0x01 is never followed by
//
// a number from 1 to 7 and is never last. The whole side stream is used.
const (
	escape    = 0x01
	minPacked = 8   // bytes of one token; shorter runs of digits stay as they are
	maxPacked = 255 // bytes of one token; longer runs take several
)

// hexPacker packs chunks. Its buffers hold the last result.
type hexPacker struct {
	text, side []byte
}

// pack fills text and side, and reports whether together they are shorter than
// raw.
func (p *hexPacker) pack(raw []byte) bool {
	text, side := p.text[:0], p.side[:0]
	for i := 0; i < len(raw); {
		j := i
		for j < len(raw) && isHex(raw[j]) {
			j++
		}
		for j-i >= 2*minPacked {
			n := min((j-i)/2, maxPacked)
			text = append(text, escape, byte(n))
			for range n {
				side = append(side, nibble(raw[i])<<4|nibble(raw[i+1]))
				i += 2
			}
		}
		text = append(text, raw[i:j]...)
		if i = j; i < len(raw) {
			text = append(text, raw[i])
			if raw[i] == escape {
				text = append(text, 0)
			}
			i++
		}
	}
	p.text, p.side = text, side
	return len(text)+len(side) < len(raw) && len(side) > 0
}

func isHex(b byte) bool { return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' }

func nibble(b byte) byte {
	if b >= 'a' {
		return b - 'a' + 10
	}
	return b - '0'
}

// unpackHex appends to dst the chunk of rawLen bytes of a text and a side stream.
func unpackHex(dst []byte, rawLen int, text, side []byte) ([]byte, error) {
	const digits = "0123456789abcdef"
	start := len(dst)
	dst = grow(dst, rawLen)
	for {
		i := bytes.IndexByte(text, escape)
		lit := text
		if i >= 0 {
			lit = text[:i]
		}
		if len(lit) > rawLen-(len(dst)-start) {
			return nil, damaged("hex packed text is too long")
		}
		dst = append(dst, lit...)
		if i < 0 {
			break
		}
		if i+1 >= len(text) {
			return nil, damaged("hex packed text ends in an escape")
		}
		n := int(text[i+1])
		text = text[i+2:]
		room := rawLen - (len(dst) - start)
		switch {
		case n == 0 && room > 0:
			dst = append(dst, escape)
		case n < minPacked || n > len(side) || 2*n > room:
			return nil, damaged("hex packed text has an impossible count of %d", n)
		default:
			for _, b := range side[:n] {
				dst = append(dst, digits[b>>4], digits[b&15])
			}
			side = side[n:]
		}
	}
	if len(dst)-start != rawLen || len(side) != 0 {
		return nil, damaged("hex packed text of %d bytes, with %d bytes over", len(dst)-start, len(side))
	}
	return dst, nil
}
