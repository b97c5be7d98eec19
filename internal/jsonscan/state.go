package jsonscan

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A State is where in the grammar a Scanner stands. It says nothing of what came
// before but what matters for what may come: two Scanners whose States are equal
// (by ==) accept and refuse the same bytes from there on. The zero State is the
// beginning of a document.
type State struct {
	tok, want uint8
	depth     int
	stack     string // a bit a container, the outermost first, low bits first; 1 is an object
}

// State returns where s stands. It means nothing after an error.
func (s *Scanner) State() State {
	st := State{tok: s.tok, want: s.want, depth: s.depth}
	if s.depth > 0 {
		// A byte, the most common case, becomes a string without an allocation.
		var buf [8]byte
		st.stack = string(s.appendStack(buf[:0]))
	}
	return st
}

// appendStack appends the bits of the open containers; those above are zero.
func (s *Scanner) appendStack(dst []byte) []byte {
	for level := 0; level < s.depth; level += 8 {
		b := byte(s.stack[level/64] >> (level % 64))
		if open := s.depth - level; open < 8 {
			b &= 1<<open - 1
		}
		dst = append(dst, b)
	}
	return dst
}

// Resume returns a Scanner that goes on from st. Its errors, lines and columns
// count from at, which is where in the document st was taken.
func Resume(st State, at Position) *Scanner {
	s := &Scanner{tok: st.tok, want: st.want, depth: st.depth, at: at}
	for i := range len(st.stack) {
		s.stack[i/8] |= uint64(st.stack[i]) << (i % 8 * 8)
	}
	return s
}

// AppendState appends the encoding of s.State() to dst. It is 3 bytes and one
// more for every 8 containers that are open (and a fourth from a depth of 128):
// how far the token is, what is wanted after it, the depth (an unsigned varint),
// and the stack.
func (s *Scanner) AppendState(dst []byte) []byte {
	dst = append(dst, s.tok, s.want)
	dst = binary.AppendUvarint(dst, uint64(s.depth))
	return s.appendStack(dst)
}

// ParseState reads what AppendState wrote, all of b. Everything else is an
// error: a Scanner never stands where ParseState says it cannot.
func ParseState(b []byte) (State, error) {
	if len(b) < 3 {
		return State{}, fmt.Errorf("scanner state: %d bytes are too few", len(b))
	}
	depth, n := binary.Uvarint(b[2:])
	stack := b[2:]
	switch {
	case n <= 0, n > 1 && stack[n-1] == 0:
		return State{}, errors.New("scanner state: malformed depth")
	case depth > MaxDepth:
		return State{}, fmt.Errorf("scanner state: depth %d is over %d", depth, MaxDepth)
	}
	stack = stack[n:]
	st := State{tok: b[0], want: b[1], depth: int(depth), stack: string(stack)}
	switch rest := st.depth % 8; {
	case len(stack) != (st.depth+7)/8:
		return State{}, fmt.Errorf("scanner state: %d bytes of containers for depth %d", len(stack), depth)
	case rest != 0 && stack[len(stack)-1]>>rest != 0:
		return State{}, errors.New("scanner state: containers above the depth")
	case !st.possible():
		return State{}, fmt.Errorf("scanner state: token %d, wanted %d and the containers do not go together", st.tok, st.want)
	}
	return st, nil
}

// possible reports whether a Scanner could stand at st; depth and stack are
// known to agree.
func (st State) possible() bool {
	array, object := false, false
	if top := st.depth - 1; top >= 0 {
		object = st.stack[top/8]>>(top%8)&1 != 0
		array = !object
	}
	switch {
	case isString(st.tok):
		return st.want == wantAfter || st.want == wantColon && object
	case isNumber(st.tok), isLiteral(st.tok):
		return st.want == wantAfter
	case st.tok != tokNone:
		return false
	}
	switch st.want {
	case wantValue, wantAfter:
		return true
	case wantValueOrEnd:
		return array
	case wantName, wantNameOrEnd, wantColon:
		return object
	}
	return false
}
