package jsonscan

import (
	"math/rand/v2"
	"testing"
)

func addSeeds(f *testing.F) {
	for i, doc := range smallDocs() {
		f.Add(doc, uint64(i))
	}
	for _, test := range sourceTests {
		if len(test.doc) < 1000 {
			f.Add([]byte(test.doc), uint64(1))
		}
	}
}

// However doc is split, the result is that of encoding/json and unicode/utf8.
func FuzzScan(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, doc []byte, seed uint64) {
		var whole, parts Scanner
		want := scanAll(&whole, doc)
		checkOracle(t, doc, want)
		if got := writeAll(&parts, split(doc, seed)...); !sameError(got, want) {
			t.Fatalf("%q, split by %d: %v, in one write %v", doc, seed, got, want)
		}
		if whole.Source() != parts.Source() {
			t.Fatalf("%q, split by %d: source %+v, in one write %+v", doc, seed, parts.Source(), whole.Source())
		}
	})
}

// Wherever the scan of doc stops and is resumed, the result is the same.
func FuzzResume(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, doc []byte, seed uint64) {
		want := scanAll(new(Scanner), doc)
		s := new(Scanner)
		for _, p := range split(doc, seed) {
			if _, err := s.Write(p); err != nil {
				if !sameError(err, want) {
					t.Fatalf("%q, split by %d: %v, never resumed %v", doc, seed, err, want)
				}
				return
			}
			s = reopen(t, s)
		}
		if got := s.Close(); !sameError(got, want) {
			t.Fatalf("%q, split by %d: %v, never resumed %v", doc, seed, got, want)
		}
	})
}

// Whatever ParseState accepts is a state that can be encoded and gone on from.
func FuzzParseState(f *testing.F) {
	for _, doc := range smallDocs() {
		var s Scanner
		if _, err := s.Write(doc); err == nil {
			f.Add(s.AppendState(nil), []byte("1]}"))
		}
	}
	f.Fuzz(func(t *testing.T, state, rest []byte) {
		st, err := ParseState(state)
		if err != nil {
			return
		}
		s := Resume(st, Position{})
		if got := s.AppendState(nil); string(got) != string(state) {
			t.Fatalf("%x encodes again as %x", state, got)
		}
		if s.State() != st {
			t.Fatalf("%x: State is %+v after Resume from %+v", state, s.State(), st)
		}
		n, err := s.Write(rest)
		if err == nil {
			reopen(t, s)
		} else if n >= len(rest) {
			t.Fatalf("%x: %d of %d bytes are good and yet %v", state, n, len(rest), err)
		}
	})
}

// split cuts doc into parts of random lengths, some empty.
func split(doc []byte, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 0))
	most := 1 + r.IntN(40)
	var parts [][]byte
	for len(doc) > 0 {
		n := min(r.IntN(most+1), len(doc))
		parts = append(parts, doc[:n])
		doc = doc[n:]
	}
	return parts
}
