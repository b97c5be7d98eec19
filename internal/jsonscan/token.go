package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// How far a token is. These numbers are part of the encoding of a State and
// must not change.
const (
	tokNone = 0 // between tokens

	// In a string.
	tokString   = 1  // between two characters
	tokEscape   = 2  // after \
	tokHex4     = 3  // after \u, four hex digits are missing
	tokHex3     = 4  // three
	tokHex2     = 5  // two
	tokHex1     = 6  // one
	tokCont1    = 7  // in UTF-8, one continuation byte (80–BF) is missing
	tokCont2    = 8  // two
	tokCont3    = 9  // three
	tokAfterE0  = 10 // A0–BF, then one: no overlong forms
	tokAfterED  = 11 // 80–9F, then one: no surrogates
	tokAfterF0  = 12 // 90–BF, then two: no overlong forms
	tokAfterF4  = 13 // 80–8F, then two: nothing above U+10FFFF
	lastStrings = 13

	// In a number, after …
	tokMinus    = 16 // -
	tokZero     = 17 // a leading 0; may end here
	tokInt      = 18 // a digit before any point; may end here
	tokPoint    = 19 // the point
	tokFraction = 20 // a digit after the point; may end here
	tokE        = 21 // e or E
	tokSign     = 22 // the exponent's sign
	tokExponent = 23 // a digit of the exponent; may end here
	lastNumbers = 23

	// In a literal, after …
	tokT         = 32 // t
	tokTr        = 33
	tokTru       = 34
	tokF         = 35 // f
	tokFa        = 36
	tokFal       = 37
	tokFals      = 38
	tokN         = 39 // n
	tokNu        = 40
	tokNul       = 41
	lastLiterals = 41
)

func isString(tok uint8) bool  { return tok >= tokString && tok <= lastStrings }
func isNumber(tok uint8) bool  { return tok >= tokMinus && tok <= lastNumbers }
func isLiteral(tok uint8) bool { return tok >= tokT && tok <= lastLiterals }
func isUTF8(tok uint8) bool    { return tok >= tokCont1 && tok <= tokAfterF4 }

// isWholeNumber reports whether a number may end here.
func isWholeNumber(tok uint8) bool {
	return tok == tokZero || tok == tokInt || tok == tokFraction || tok == tokExponent
}

// tokenStart is what a number or literal is at after its first byte.
var tokenStart = [256]uint8{
	'-': tokMinus, '0': tokZero,
	'1': tokInt, '2': tokInt, '3': tokInt, '4': tokInt, '5': tokInt,
	'6': tokInt, '7': tokInt, '8': tokInt, '9': tokInt,
	't': tokT, 'f': tokF, 'n': tokN,
}

// literals says which byte goes on from each place in a literal, and to where.
var literals = [lastLiterals + 1]struct{ c, next uint8 }{
	tokT: {'r', tokTr}, tokTr: {'u', tokTru}, tokTru: {'e', tokNone},
	tokF: {'a', tokFa}, tokFa: {'l', tokFal}, tokFal: {'s', tokFals}, tokFals: {'e', tokNone},
	tokN: {'u', tokNu}, tokNu: {'l', tokNul}, tokNul: {'l', tokNone},
}

// scanToken goes on in the token that is at tok, from p[i]. It returns the index
// after the token and tokNone; or len(p) and where the token is then; or the
// index of a byte that is refused, where the token is before it, and false.
func scanToken(p []byte, i int, tok uint8) (int, uint8, bool) {
	if isString(tok) {
		return scanString(p, i, tok)
	}
	return scanScalar(p, i, tok)
}

// scanScalar is scanToken for numbers and literals.
func scanScalar(p []byte, i int, tok uint8) (int, uint8, bool) {
	if isNumber(tok) {
		return scanNumber(p, i, tok)
	}
	for ; i < len(p); i++ {
		l := literals[tok]
		if p[i] != l.c {
			return i, tok, false
		}
		if tok = l.next; tok == tokNone {
			return i + 1, tokNone, true
		}
	}
	return i, tok, true
}

// scanNumber is scanToken for numbers.
func scanNumber(p []byte, i int, tok uint8) (int, uint8, bool) {
	for i < len(p) {
		c := p[i]
		digit := c-'0' <= 9
		switch tok {
		case tokMinus:
			if !digit {
				return i, tok, false
			}
			tok = tokInt
			if c == '0' {
				tok = tokZero
			}
		case tokPoint:
			if !digit {
				return i, tok, false
			}
			tok = tokFraction
		case tokE:
			tok = tokExponent
			if c == '+' || c == '-' {
				tok = tokSign
			} else if !digit {
				return i, tokE, false
			}
		case tokSign:
			if !digit {
				return i, tok, false
			}
			tok = tokExponent
		default: // the number may end here
			switch {
			case digit && tok != tokZero:
				i = skipDigits(p, i)
				continue
			case c == '.' && (tok == tokZero || tok == tokInt):
				tok = tokPoint
			case c|0x20 == 'e' && tok != tokExponent:
				tok = tokE
			default:
				return i, tokNone, true
			}
		}
		i++
	}
	return i, tok, true
}

// ones times a byte is that byte eight times; highs is the high bit of each.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// skipDigits returns the index of the first byte at or after i that is not a
// digit.
func skipDigits(p []byte, i int) int {
	for len(p)-i >= 8 {
		// A digit becomes 0–9 and stays below 0x80 with 0x76 added; every other
		// byte does not. A carry comes only out of a byte that is a hit itself,
		// so the lowest hit is right.
		x := binary.LittleEndian.Uint64(p[i:]) ^ (ones * '0')
		if m := (x + ones*0x76 | x) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		i += 8
	}
	for i < len(p) && p[i]-'0' <= 9 {
		i++
	}
	return i
}
