package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

// checkOracle fails the test if err is not what encoding/json and unicode/utf8
// say of doc: whether it is accepted, and which byte is the first bad one.
func checkOracle(t *testing.T, doc []byte, err error) {
	t.Helper()
	valid := json.Valid(doc) && utf8.Valid(doc)
	if (err == nil) != valid {
		t.Fatalf("%.200q: %v, but the oracle says valid=%v", doc, err, valid)
	}
	if valid {
		return
	}
	var syntax *idxdb.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("%.200q: %v is not a SyntaxError", doc, err)
	}
	offset := min(firstBadJSON(doc), firstBadUTF8(doc))
	before := doc[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := offset - bytes.LastIndexByte(before, '\n')
	if syntax.Offset != int64(offset) || syntax.Line != int64(line) || syntax.Column != int64(column) {
		t.Fatalf("%.200q: %v (offset %d); the oracle says line %d, column %d (offset %d)",
			doc, err, syntax.Offset, line, column, offset)
	}
}

// firstBadJSON returns the index of the first byte that encoding/json refuses,
// or len(doc).
func firstBadJSON(doc []byte) int {
	// A NUL is refused everywhere, so there is an error at a byte and not at the
	// end, where the offset means something else.
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal(append(bytes.Clone(doc), 0), &raw), &syntax) {
		panic("encoding/json accepts a NUL")
	}
	return int(syntax.Offset) - 1
}

// firstBadUTF8 returns the index of the first byte with which doc is not the
// beginning of UTF-8, or len(doc).
func firstBadUTF8(doc []byte) int {
	for i := 0; i < len(doc); {
		r, size := utf8.DecodeRune(doc[i:])
		if r != utf8.RuneError || size != 1 {
			i += size
			continue
		}
		for n := 1; i+n <= len(doc); n++ {
			if utf8.FullRune(doc[i : i+n]) {
				return i + n - 1
			}
		}
		return len(doc)
	}
	return len(doc)
}

// smallDocs are all documents of the tables that are small enough to try
// everything on.
func smallDocs() [][]byte {
	var docs [][]byte
	for _, doc := range accepted {
		docs = append(docs, []byte(doc))
	}
	for _, test := range refused {
		if len(test.doc) < 100 {
			docs = append(docs, []byte(test.doc))
		}
	}
	return docs
}

func sameError(a, b error) bool {
	var sa, sb *idxdb.SyntaxError
	if a == nil || b == nil || !errors.As(a, &sa) || !errors.As(b, &sb) {
		return a == nil && b == nil
	}
	return *sa == *sb
}
