package codec

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Hex packing. Index states are full of hexadecimal hashes, which no byte-wise
// compressor can shrink: their digits are random. So runs of digits are taken out
// of the chunk and stored as the bytes they stand for.
//
// A chunk becomes a text and a side stream. In the text
//
//	0x01 0x00  stands for the byte 0x01,
//	0x01 n     (n from 8 to 255) stands for the next n bytes of the side stream,
//	           each written as two digits 0-9a-f, the high one first,
//
// and every other byte stands for itself. 0x01 is never followed by a number
// from 1 to 7 and is never last, and the whole side stream is used.
const (
	escape    = 0x01
	minPacked = 8   // bytes of one token; a shorter run of digits stays as it is
	maxPacked = 255 // bytes of one token; a longer run takes several
	minRun    = 2 * minPacked
)

// hexPacker packs chunks. Its fields are about the last one.
type hexPacker struct {
	text, side []byte
	tokens     int         // in text
	repeats    int         // tokens that stand for what another did shortly before
	recent     [256]uint64 // the first bytes of the last tokens, by their hash
}

// pack fills text and side, and reports whether together they are shorter than
// raw.
func (p *hexPacker) pack(raw []byte) bool {
	p.text, p.side = p.text[:0], p.side[:0]
	p.tokens, p.repeats, p.recent = 0, 0, [256]uint64{}
	from := 0 // raw[:from] is done
	for i := 0; ; {
		i = findRun(raw, i)
		if i < 0 {
			break
		}
		p.literal(raw[from:i])
		end := i + hexLen(raw[i:])
		for end-i >= minRun {
			n := min((end-i)/2, maxPacked)
			p.text = append(p.text, escape, byte(n))
			p.side = appendPacked(p.side, raw[i:i+2*n])
			p.note(p.side[len(p.side)-n:])
			i += 2 * n
		}
		from, i = i, end
	}
	if len(p.side) == 0 {
		return false
	}
	p.literal(raw[from:])
	return len(p.text)+len(p.side) < len(raw)
}

// note counts a token, and whether it is a repeat.
func (p *hexPacker) note(side []byte) {
	const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio: multiplicative hashing
	first := binary.LittleEndian.Uint64(side)
	slot := &p.recent[first*golden>>56]
	if *slot == first && p.tokens > 0 {
		p.repeats++
	}
	*slot = first
	p.tokens++
}

// decimal reports whether what was packed looks like decimal digits, as of
// fractions, rather than like hashes, in which only two bytes of five have no
// digit above 9.
func (p *hexPacker) decimal() bool {
	sample := p.side[:min(len(p.side), 512)]
	n := 0
	for _, b := range sample {
		if b>>4 <= 9 && b&15 <= 9 {
			n++
		}
	}
	return n > len(sample)*3/4
}

// literal appends b to the text, with escapes.
func (p *hexPacker) literal(b []byte) {
	for {
		i := bytes.IndexByte(b, escape)
		if i < 0 {
			p.text = append(p.text, b...)
			return
		}
		p.text = append(append(p.text, b[:i+1]...), 0)
		b = b[i+1:]
	}
}

// findRun returns where the first run of at least minRun digits at or after i
// begins, or -1. No digit is just before i. As in the string search of Boyer and
// Moore (CACM 20(10), 1977) it looks at the last byte first where a run might be:
// most often that is no digit, and all bytes before it can be skipped.
func findRun(b []byte, i int) int {
	for i+minRun <= len(b) {
		w := b[i : i+minRun : i+minRun]
		if !isHex[w[15]] {
			i += minRun
			continue
		}
		if no := notHex(binary.LittleEndian.Uint64(w[8:])); no != 0 {
			i += 16 - bits.LeadingZeros64(no)/8
			continue
		}
		if no := notHex(binary.LittleEndian.Uint64(w)); no != 0 {
			i += 8 - bits.LeadingZeros64(no)/8
			continue
		}
		return i
	}
	return -1
}

// hexLen returns the number of digits that b begins with.
func hexLen(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if no := notHex(binary.LittleEndian.Uint64(b[i:])); no != 0 {
			return i + bits.TrailingZeros64(no)/8
		}
	}
	for i < len(b) && isHex[b[i]] {
		i++
	}
	return i
}

var isHex = func() (is [256]bool) {
	for _, c := range []byte("0123456789abcdef") {
		is[c] = true
	}
	return is
}()

// Eight bytes at a time in one register ("SIMD within a register": H. S. Warren,
// Hacker's Delight, 2nd ed., chapter 6).
const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// notHex returns a word with the top bit set in each byte that is not a digit
// 0-9a-f in x, and no other bits.
func notHex(x uint64) uint64 {
	y := x &^ tops // so that no sum below carries into the next byte
	digit := (y + (0x80-'0')*ones) &^ (y + (0x80-'9'-1)*ones)
	letter := (y + (0x80-'a')*ones) &^ (y + (0x80-'f'-1)*ones)
	return (^(digit | letter) | x) & tops
}

// appendPacked appends the bytes that an even number of digits stand for.
func appendPacked(dst, digits []byte) []byte {
	for ; len(digits) >= 8; digits = digits[8:] {
		x := binary.LittleEndian.Uint64(digits)
		x = x&(0x0f*ones) + 9*(x>>6&ones)      // the values of the digits
		x = (x<<4 | x>>8) & 0x00ff00ff00ff00ff // pairs of them in each 16 bits
		x = (x | x>>8) & 0x0000ffff0000ffff    // and those moved together
		dst = binary.LittleEndian.AppendUint32(dst, uint32(x|x>>16))
	}
	for ; len(digits) >= 2; digits = digits[2:] {
		x := uint16(digits[0]) | uint16(digits[1])<<8
		x = x&0x0f0f + 9*(x>>6&0x0101)
		dst = append(dst, byte(x<<4|x>>8))
	}
	return dst
}

// putUnpacked writes to dst the digits of the bytes of src, twice as many.
func putUnpacked(dst, src []byte) {
	for len(src) >= 4 {
		x := uint64(binary.LittleEndian.Uint32(src))
		x = (x | x<<16) & 0x0000ffff0000ffff
		x = (x | x<<8) & 0x00ff00ff00ff00ff
		x = (x>>4 | x<<8) & (0x0f * ones)
		letter := (x + 6*ones) >> 4 & ones
		binary.LittleEndian.PutUint64(dst, x+'0'*ones+letter*('a'-'0'-10))
		dst, src = dst[8:], src[4:]
	}
	const digits = "0123456789abcdef"
	for _, b := range src {
		dst[0], dst[1] = digits[b>>4], digits[b&15]
		dst = dst[2:]
	}
}

// unpackHex appends to dst the chunk of rawLen bytes of a text and a side stream.
func unpackHex(dst []byte, rawLen int, text, side []byte) ([]byte, error) {
	start := len(dst)
	dst = slices.Grow(dst, rawLen)
	out := dst[start : start+rawLen] // what is left to fill
	short := 0
	if len(side) > len(text)/2 { // short literals, as between fractions
		short = 24
	}
	for {
		n := copyLiteral(out, text, short)
		if n < 0 {
			return nil, damaged("hex packed text is too long")
		}
		out, text = out[n:], text[n:]
		if len(text) == 0 {
			break
		}
		if len(text) == 1 {
			return nil, damaged("hex packed text ends in an escape")
		}
		count := int(text[1])
		text = text[2:]
		switch {
		case count == 0 && len(out) > 0:
			out[0] = escape
			out = out[1:]
		case count < minPacked || count > len(side) || 2*count > len(out):
			return nil, damaged("hex packed text asks for %d bytes, with %d left and room for %d", count, len(side), len(out)/2)
		default:
			putUnpacked(out[:2*count], side[:count])
			out, side = out[2*count:], side[count:]
		}
	}
	if len(out) != 0 || len(side) != 0 {
		return nil, damaged("hex packed text ends %d bytes early, with %d bytes over", len(out), len(side))
	}
	return dst[:start+rawLen], nil
}

// copyLiteral copies text up to its first escape to out. It returns the number of
// bytes before the escape, or -1 if there is no room for them. It may write some
// bytes more to out. The first bytes, up to short, are copied without calls of
// bytes.IndexByte and copy, which do not pay off for them.
func copyLiteral(out, text []byte, short int) int {
	i := 0
	for i < short && i+8 <= len(text) && i+8 <= len(out) {
		x := binary.LittleEndian.Uint64(text[i:])
		binary.LittleEndian.PutUint64(out[i:], x)
		x ^= escape * ones
		if zero := (x - ones) &^ x & tops; zero != 0 {
			return i + bits.TrailingZeros64(zero)/8 // the lowest bit set is right
		}
		i += 8
	}
	n := bytes.IndexByte(text[i:], escape)
	if n < 0 {
		n = len(text) - i
	}
	if n > len(out)-i {
		return -1
	}
	copy(out[i:], text[i:i+n])
	return i + n
}
