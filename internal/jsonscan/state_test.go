package jsonscan

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// A scan that stops at any place and goes on in a Scanner resumed from the
// encoded state there ends like one that never stopped.
func TestResumeAnywhere(t *testing.T) {
	for _, doc := range smallDocs() {
		want := scanAll(new(Scanner), doc)
		for i := range len(doc) + 1 {
			var s Scanner
			if _, err := s.Write(doc[:i]); err != nil {
				if !sameError(err, want) {
					t.Errorf("%q: %v, want %v", doc, err, want)
				}
				break
			}
			if got := scanAll(reopen(t, &s), doc[i:]); !sameError(got, want) {
				t.Errorf("%q resumed at %d: %v, want %v", doc, i, got, want)
			}
		}
	}
}

func TestResumeDeep(t *testing.T) {
	for _, depth := range []int{1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1000, MaxDepth} {
		// Arrays and objects in turns, in no pattern of eight.
		var open, closing strings.Builder
		var ends []string
		for i := range depth {
			if i%3 == 0 || i%7 == 0 {
				open.WriteString(`{"a":`)
				ends = append(ends, "}")
			} else {
				open.WriteString("[")
				ends = append(ends, "]")
			}
		}
		for i := range ends {
			closing.WriteString(ends[len(ends)-1-i])
		}
		var s Scanner
		if _, err := s.Write([]byte(open.String())); err != nil {
			t.Fatal(err)
		}
		if err := scanAll(reopen(t, &s), []byte("1"+closing.String())); err != nil {
			t.Errorf("depth %d: %v", depth, err)
		}
		wrong := map[string]string{"}": "]", "]": "}"}[ends[0]]
		if err := scanAll(reopen(t, &s), []byte("1"+closing.String()[:depth-1]+wrong)); err == nil {
			t.Errorf("depth %d: the outermost container may end with %q", depth, wrong)
		}
		if err := scanAll(reopen(t, &s), []byte("1"+closing.String()+ends[0])); err == nil {
			t.Errorf("depth %d: one end too many is accepted", depth)
		}
	}
}

// reopen returns a Scanner resumed from the encoded state of s.
func reopen(t *testing.T, s *Scanner) *Scanner {
	t.Helper()
	encoded := s.AppendState([]byte("x"))
	st, err := ParseState(encoded[1:])
	if err != nil {
		t.Fatalf("state %x: %v", encoded[1:], err)
	}
	if st != s.State() {
		t.Fatalf("state %x is %+v, want %+v", encoded[1:], st, s.State())
	}
	resumed := Resume(st, s.Position())
	if again := resumed.AppendState(nil); !bytes.Equal(again, encoded[1:]) {
		t.Fatalf("state %x encodes again as %x", encoded[1:], again)
	}
	return resumed
}

// Only what matters for the bytes to come makes two states differ.
func TestStateEquality(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{"", " \n", true},
		{"", "1 ", false},
		{"1 ", `{"a":[1,2,{}]}`, true},
		{"[1,", "[ [[{}]] , ", true},
		{"[1,", "[", false},
		{"[1", "[1 ", false},
		{"[1", "[-123", true},
		{"[1", "[0", false},
		{"[1.0", "[2.55", true},
		{"[1.0", "[1e0", false},
		{`["a`, `["bcd\n`, true},
		{`["a`, `{"a`, false},
		{`{"a`, `{"a":"a`, false},
		{`["\u00`, `["\uff`, true},
		{`["\u00`, `["\u0`, false},
		{"[\"\xc3", "[\"\xe2\x82", true},
		{"[\"\xe0", "[\"\xe1", false},
		{"[[]", "[{}", true},
		{"[[", "[{", false},
		{"[[[[[[[[[[{} ", "[[[[[[[[[[{}, 1 ", true},
		{"[[{", "[{", false},
	} {
		a, b := stateAfter(t, test.a), stateAfter(t, test.b)
		if (a == b) != test.equal {
			t.Errorf("after %q and %q: equal is %v, want %v", test.a, test.b, a == b, test.equal)
		}
	}
	if (State{}) != stateAfter(t, "") {
		t.Error("the zero State is not the beginning")
	}
}

func stateAfter(t *testing.T, doc string) State {
	t.Helper()
	var s Scanner
	if _, err := s.Write([]byte(doc)); err != nil {
		t.Fatal(err)
	}
	return s.State()
}

// Encoded states are kept, so their encoding must not change.
func TestStateEncoding(t *testing.T) {
	for _, test := range []struct{ doc, state string }{
		{"", "000000"},
		{"1", "120500"},
		{"1 ", "000500"},
		{"[", "00010100"},
		{"{", "00030101"},
		{`{"a`, "01040101"},
		{`{"a"`, "00040101"},
		{`{"a":`, "00000101"},
		{`[{"a":"\`, "02050202"},
		{`["\u`, "03050100"}, {`["\u0`, "04050100"}, {`["\u00`, "05050100"}, {`["\u000`, "06050100"},
		{"\"\xc3", "070500"}, {"\"\xe1", "080500"}, {"\"\xf1", "090500"},
		{"\"\xe0", "0a0500"}, {"\"\xed", "0b0500"}, {"\"\xf0", "0c0500"}, {"\"\xf4", "0d0500"},
		{"-", "100500"}, {"0", "110500"}, {"1.", "130500"}, {"1.0", "140500"},
		{"1.0", "140500"}, {"1e", "150500"}, {"1e+", "160500"}, {"1e+1", "170500"},
		{"t", "200500"}, {"tr", "210500"}, {"tru", "220500"},
		{"f", "230500"}, {"fa", "240500"}, {"fal", "250500"}, {"fals", "260500"},
		{"n", "270500"}, {"nu", "280500"}, {"nul", "290500"},
		{`{"a":1,`, "00020101"},
		{`[[{"a":[[[[[{"a":`, "00000904" + "01"},
		{strings.Repeat("[", 200), "0001c801" + strings.Repeat("00", 25)},
	} {
		var s Scanner
		if _, err := s.Write([]byte(test.doc)); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(s.AppendState(nil)); got != test.state {
			t.Errorf("after %q: %s, want %s", test.doc, got, test.state)
		}
	}
}

func TestParseStateRefuses(t *testing.T) {
	for _, test := range []struct{ state, reason string }{
		{"", "too few"},
		{"0000", "too few"},
		{"000080", "malformed depth"},
		{"00008000", "malformed depth"},
		{"0000ffffffffffffffffffff01", "malformed depth"},
		{"0000914e" + strings.Repeat("00", 1251), "depth 10001 is over 10000"},
		{"0000ffffffffffffffffff01", "is over 10000"},
		{"00000000", "1 bytes of containers for depth 0"},
		{"000001", "0 bytes of containers for depth 1"},
		{"0000010000", "2 bytes of containers for depth 1"},
		{"00000102", "above the depth"},
		{"000600", "do not go together"},   // no such want
		{"0e0500", "do not go together"},   // no such token
		{"1f0500", "do not go together"},   // no such token
		{"2a0500", "do not go together"},   // no such token
		{"ff0500", "do not go together"},   // no such token
		{"000100", "do not go together"},   // [ at depth 0
		{"00010101", "do not go together"}, // [ in an object
		{"000200", "do not go together"},   // a name at depth 0
		{"00020100", "do not go together"}, // a name in an array
		{"00030100", "do not go together"}, // { in an array
		{"00040100", "do not go together"}, // a colon in an array
		{"01040100", "do not go together"}, // a name's string in an array
		{"010000", "do not go together"},   // a string before a value
		{"11040101", "do not go together"}, // a number as a name
		{"200000", "do not go together"},   // a literal before a value
	} {
		b, err := hex.DecodeString(test.state)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseState(b); err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want %q", test.state, err, test.reason)
		}
	}
}

func ExampleResume() {
	var s Scanner
	s.Write([]byte("{\"paths\": [\n  \"a.go\",\n"))
	st, at := s.State(), s.Position()

	_, err := Resume(st, at).Write([]byte("  b.go\n]}"))
	fmt.Println(err)
	// Output: the document is not JSON: line 3, column 3: expected a value, found 'b'
}
