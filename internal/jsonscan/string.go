package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// scanString is scanToken for strings, names included; the opening quote is
// already read.
func scanString(p []byte, i int, tok uint8) (int, uint8, bool) {
	for {
		if tok == tokString {
			i = skipPlain(p, i)
			if i == len(p) {
				return i, tok, true
			}
			switch c := p[i]; {
			case c == '"':
				return i + 1, tokNone, true
			case c == '\\':
				if i+1 < len(p) && simpleEscape[p[i+1]] {
					i += 2
					continue
				}
			case c >= 0x80:
				if n := runes(p[i:]); n > 0 {
					i += n
					continue
				}
			}
		}
		if i == len(p) {
			return i, tok, true
		}
		next, ok := stepString(tok, p[i])
		if !ok {
			return i, tok, false
		}
		tok = next
		i++
	}
}

// skipPlain returns the index of the first byte at or after i that is a quote,
// a backslash, a control character or above 0x7F, or len(p).
func skipPlain(p []byte, i int) int {
	// Two words a turn are worth 7 to 12 % on hashes, paths and text.
	for len(p)-i >= 16 {
		q := p[i : i+16]
		a, b := special(binary.LittleEndian.Uint64(q)), special(binary.LittleEndian.Uint64(q[8:]))
		if a|b == 0 {
			i += 16
			continue
		}
		if a != 0 {
			return i + bits.TrailingZeros64(a)/8
		}
		return i + 8 + bits.TrailingZeros64(b)/8
	}
	for len(p)-i >= 8 {
		if m := special(binary.LittleEndian.Uint64(p[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		i += 8
	}
	for i < len(p) && !isSpecial(p[i]) {
		i++
	}
	return i
}

// special sets the high bit of the lowest byte of x for which isSpecial is true,
// maybe bits above it, and none below. The way to find the quote (0x22) and the
// controls in one subtraction is Daniel Lemire's ("Quickly checking whether a
// string needs escaping", 2024): with bit 1 flipped they, and only they, are
// below 0x21. A borrow comes only out of a byte that is a hit itself.
func special(x uint64) uint64 {
	quoteOrControl := (x ^ ones*0x02) - ones*0x21
	backslash := (x ^ ones*'\\') - ones
	return (quoteOrControl | backslash | x) & highs
}

func isSpecial(c byte) bool { return c == '"' || c == '\\' || c < 0x20 || c >= 0x80 }

// simpleEscape is true of what may follow a backslash, but for u.
var simpleEscape = [256]bool{
	'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true,
}

// stepString moves a string on by one byte, which is not its closing quote. It
// returns false if the byte is refused.
func stepString(tok uint8, c byte) (uint8, bool) {
	cont := c >= 0x80 && c <= 0xBF
	switch tok {
	case tokString:
		switch {
		case c == '\\':
			return tokEscape, true
		case c < 0x80:
			return tokString, c >= 0x20
		}
		next := utf8Start[c-0x80]
		return next, next != tokNone
	case tokEscape:
		if c == 'u' {
			return tokHex4, true
		}
		return tokString, simpleEscape[c]
	case tokHex4, tokHex3, tokHex2:
		return tok + 1, isHex(c)
	case tokHex1:
		return tokString, isHex(c)
	case tokCont1:
		return tokString, cont
	case tokCont2:
		return tokCont1, cont
	case tokCont3:
		return tokCont2, cont
	case tokAfterE0:
		return tokCont1, cont && c >= 0xA0
	case tokAfterED:
		return tokCont1, cont && c <= 0x9F
	case tokAfterF0:
		return tokCont2, cont && c >= 0x90
	default: // tokAfterF4
		return tokCont2, cont && c <= 0x8F
	}
}

func isHex(c byte) bool {
	lower := c | 0x20
	return c-'0' <= 9 || lower >= 'a' && lower <= 'f'
}

// utf8Start is what a string is at after the first byte, less 0x80, of a
// sequence of several (table 3-7 of the Unicode Standard); tokNone if none
// begins so.
var utf8Start = func() (t [128]uint8) {
	fill := func(from, to int, tok uint8) {
		for c := from; c <= to; c++ {
			t[c-0x80] = tok
		}
	}
	fill(0xC2, 0xDF, tokCont1)
	fill(0xE0, 0xE0, tokAfterE0)
	fill(0xE1, 0xEF, tokCont2)
	fill(0xED, 0xED, tokAfterED)
	fill(0xF0, 0xF0, tokAfterF0)
	fill(0xF1, 0xF3, tokCont3)
	fill(0xF4, 0xF4, tokAfterF4)
	return t
}()

// runes returns how many bytes of p are whole, right UTF-8 sequences of two or
// three bytes, so that text that is not ASCII is fast too. It may stop early;
// the rest is for stepString to judge.
func runes(p []byte) int {
	n := 0
	for len(p)-n >= 3 {
		c := p[n]
		switch {
		case c >= 0xC2 && c <= 0xDF && p[n+1]&0xC0 == 0x80:
			n += 2
		case c > 0xE0 && c <= 0xEF && c != 0xED && p[n+1]&0xC0 == 0x80 && p[n+2]&0xC0 == 0x80:
			n += 3
		default:
			return n
		}
	}
	return n
}
