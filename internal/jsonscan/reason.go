package jsonscan

import (
	"fmt"
	"strconv"
)

// reason says why c is refused where the Scanner stands.
func (s *Scanner) reason(c byte) string {
	found := "found " + name(c)
	switch tok := s.tok; {
	case tok == tokString && c < 0x20:
		return fmt.Sprintf("control character 0x%02X in a string, it must be escaped", c)
	case tok == tokString, isUTF8(tok):
		return "invalid UTF-8 in a string, " + found
	case tok == tokEscape:
		return `expected one of "\/bfnrtu after \ in a string, ` + found
	case isString(tok):
		return `expected four hex digits after \u, ` + found
	case isNumber(tok):
		return "expected a digit in a number, " + found
	case isLiteral(tok):
		return "expected true, false or null, " + found
	}
	switch {
	case c == 0xEF && s.at.Offset == 0:
		return found + ", which begins a byte order mark; JSON has none"
	case (c == '[' || c == '{') && s.depth == MaxDepth && (s.want == wantValue || s.want == wantValueOrEnd):
		return fmt.Sprintf("arrays and objects are nested deeper than %d", MaxDepth)
	}
	return "expected " + s.wanted() + ", " + found
}

// endReason says what is missing at the end.
func (s *Scanner) endReason() string {
	switch tok := s.tok; {
	case isString(tok):
		return "unexpected end in a string"
	case isNumber(tok) && !isWholeNumber(tok):
		return "unexpected end in a number"
	case isLiteral(tok):
		return "unexpected end in true, false or null"
	case s.depth == 0:
		return "empty document"
	}
	return "unexpected end, expected " + s.wanted()
}

// wanted says what may stand where the Scanner stands between two tokens.
func (s *Scanner) wanted() string {
	switch s.want {
	case wantValue:
		return "a value"
	case wantValueOrEnd:
		return `a value or "]"`
	case wantName:
		return "a member name in double quotes"
	case wantNameOrEnd:
		return `a member name in double quotes or "}"`
	case wantColon:
		return `":" after a member name`
	}
	switch {
	case s.depth == 0:
		return "nothing more after the value"
	case s.inObject():
		return `"," or "}"`
	}
	return `"," or "]"`
}

// name returns c as a person would name it.
func name(c byte) string {
	if c > ' ' && c < 0x7F {
		return strconv.QuoteRune(rune(c))
	}
	return fmt.Sprintf("byte 0x%02X", c)
}
