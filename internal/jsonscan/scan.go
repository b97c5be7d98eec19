package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// What the grammar wants next, between two tokens. These numbers are part of
// the encoding of a State and must not change.
const (
	wantValue      = 0 // a value; at depth 0 nothing but white space was seen
	wantValueOrEnd = 1 // just after [
	wantName       = 2 // after a comma in an object
	wantNameOrEnd  = 3 // just after {
	wantColon      = 4 // after a member's name
	wantAfter      = 5 // after a value: a comma, the container's end or the document's
)

// scan checks p from where the Scanner stands and moves it on. It returns len(p)
// and true, or the index of the first byte that is refused and false; then what
// the Scanner stands at says why (see reason).
//
// Raw newlines stand only between tokens, so lines are counted there: once a
// line, nothing a byte. That costs nothing that could be measured;
// bytes.Count and bytes.LastIndexByte over each p cost 1 to 30 %.
func (s *Scanner) scan(p []byte) (int, bool) {
	i := 0
	if s.tok != tokNone {
		var ok bool
		if i, s.tok, ok = scanToken(p, 0, s.tok); !ok || s.tok != tokNone {
			return i, ok
		}
		if s.want == wantColon && s.depth == 1 {
			s.capture.nameEnd(p, i)
		}
	}
	want, depth, object := s.want, s.depth, s.inObject()
	tok, ok := uint8(tokNone), true

loop:
	for i < len(p) {
		c := p[i]
		if c <= ' ' {
			switch c {
			case '\n':
				i++
				s.at.Newlines++
				s.at.LineStart = s.at.Offset + int64(i)
				i = skipSpaces(p, i)
			case ' ', '\t', '\r':
				i++
			default:
				ok = false
				break loop
			}
			continue
		}
		switch want {
		case wantAfter:
			if c == ',' && depth > 0 {
				want = wantValue
				if object {
					want = wantName
					if depth == 1 {
						s.capture.valueEnd(p, i)
					}
				}
				i++
				continue
			}
			closing := byte(']')
			if object {
				closing = '}'
			}
			if c != closing || depth == 0 {
				ok = false
				break loop
			}
		case wantName, wantNameOrEnd:
			if c == '"' {
				if depth == 1 {
					s.capture.nameStart(i)
				}
				want = wantColon
				if i, tok, ok = scanString(p, i+1, tokString); !ok || tok != tokNone {
					break loop
				}
				if depth == 1 {
					s.capture.nameEnd(p, i)
				}
				continue
			}
			if c != '}' || want == wantName {
				ok = false
				break loop
			}
		case wantColon:
			if c != ':' {
				ok = false
				break loop
			}
			i++
			want = wantValue
			if depth == 1 {
				s.capture.valueStart(i)
			}
			continue
		default: // wantValue, wantValueOrEnd
			if c == '"' {
				want = wantAfter
				if i, tok, ok = scanString(p, i+1, tokString); !ok || tok != tokNone {
					break loop
				}
				continue
			}
			if c == '[' || c == '{' {
				if depth == MaxDepth {
					ok = false
					break loop
				}
				bit := uint64(1) << (depth % 64)
				if object = c == '{'; object {
					s.stack[depth/64] |= bit
					want = wantNameOrEnd
				} else {
					s.stack[depth/64] &^= bit
					want = wantValueOrEnd
				}
				depth++
				i++
				continue
			}
			if start := tokenStart[c]; start != tokNone {
				want = wantAfter
				if i, tok, ok = scanScalar(p, i+1, start); !ok || tok != tokNone {
					break loop
				}
				continue
			}
			if c != ']' || want == wantValue {
				ok = false
				break loop
			}
		}
		// The innermost container ends.
		depth--
		object = depth > 0 && s.isObject(depth-1)
		if depth == 0 {
			s.capture.valueEnd(p, i)
		}
		want = wantAfter
		i++
	}
	s.tok, s.want, s.depth = tok, want, depth
	return i, ok
}

// skipSpaces returns the index of the first byte at or after i that is not a
// space, or one before it that a caller will look at: indentation is most of
// the white space there is, so it goes by words.
func skipSpaces(p []byte, i int) int {
	for len(p)-i >= 8 {
		x := binary.LittleEndian.Uint64(p[i:]) ^ (ones * ' ')
		if x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
		i += 8
	}
	return i
}
