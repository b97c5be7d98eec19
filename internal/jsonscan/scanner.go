package jsonscan

import (
	"errors"

	"github.com/idxdb/idxdb"
)

// MaxDepth is how deep arrays and objects may nest. It is the limit of
// encoding/json, so that what is accepted here can be read with it.
const MaxDepth = 10_000

// A Scanner checks that what is written to it is one JSON text. The zero value
// is ready to use. A Scanner must not be used from several goroutines at once.
type Scanner struct {
	tok   uint8 // how far the present token is, tokNone between tokens
	want  uint8 // what the grammar wants after the present token
	depth int   // containers that are open
	stack [(MaxDepth + 63) / 64]uint64
	at    Position
	err   error // the first error, for good
	ended bool  // Close was called

	capture capture
}

// A Position is a place in a document. The zero Position is its beginning.
type Position struct {
	Offset    int64 // in bytes
	Newlines  int64 // how many "\n" are before it
	LineStart int64 // the offset of the first byte of its line
}

var errEnded = errors.New("jsonscan: Write after Close")

// Write checks the next bytes of the document. The first error is a
// [*idxdb.SyntaxError], and the result of every later call too; n is then how
// many bytes of p come before the one that is refused. Write does not keep p.
func (s *Scanner) Write(p []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.ended {
		return 0, errEnded
	}
	n, ok := s.scan(p)
	s.at.Offset += int64(n)
	if !ok {
		s.err = s.syntaxError(s.reason(p[n]))
		return n, s.err
	}
	s.capture.keep(p)
	return n, nil
}

// Close says that the document ends here. It fails with a [*idxdb.SyntaxError]
// if that is too early, and with the error of an earlier Write if there was one.
func (s *Scanner) Close() error {
	if s.ended || s.err != nil {
		return s.err
	}
	s.ended = true
	// Only the end tells that a number at the top is complete.
	complete := s.tok == tokNone || isWholeNumber(s.tok)
	if s.depth > 0 || s.want != wantAfter || !complete {
		s.err = s.syntaxError(s.endReason())
	}
	return s.err
}

// Position returns the place of the byte that the next Write begins with.
func (s *Scanner) Position() Position { return s.at }

func (s *Scanner) syntaxError(reason string) *idxdb.SyntaxError {
	return &idxdb.SyntaxError{
		Line:   s.at.Newlines + 1,
		Column: s.at.Offset - s.at.LineStart + 1,
		Offset: s.at.Offset,
		Reason: reason,
	}
}

// inObject reports whether the innermost open container is an object.
func (s *Scanner) inObject() bool {
	return s.depth > 0 && s.isObject(s.depth-1)
}

// isObject reports whether the container at the level, from 0, is an object.
func (s *Scanner) isObject(level int) bool {
	return s.stack[level/64]>>(level%64)&1 != 0
}
