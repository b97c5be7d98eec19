package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

var _ io.WriteCloser = (*Scanner)(nil)

var accepted = []string{
	`0`, `-0`, `1`, `-1`, `10`, `1234567890123`, `0.5`, `0e0`, `1E+10`, `1.25e-300`, `1e999999`,
	`true`, `false`, `null`, `""`, `[]`, `{}`, ` [ ] `, "\t\r\n {\n}\n\n", "\n            1",
	`[1]`, `[1,2]`, `[[],[[]],{}]`, `{"a":1}`, `{"a":{},"b":[],"c":""}`, `{"":0}`,
	`{"a":1,"a":2}`, // a name twice
	"[\n  true,\n  false,\n  null\n]",
	`"\"\\\/\b\f\n\r\t"`, `"\u0041\uABCD\uefab"`, `"0123456\n0123456789"`,
	`"\ud800"`, `"\udc00\ud800x"`, // lone surrogates, escaped
	"\"é\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\"", "\"\u007f\u0080\u07ff\"", "\"日本語日本語日本語\"", "{\"ключ\":\"значение\"}",
	`{"source":{"type":"github"}}`, `{"source":1,"b":[{"source":2}],"source":"x"}`,
	"[\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\n        \"a/b.ts\"\n]",
}

var refused = []struct {
	doc          string
	line, column int64
	reason       string // a part of it
}{
	// Ends too early.
	{"", 1, 1, "empty document"},
	{" \n\t ", 2, 3, "empty document"},
	{"[", 1, 2, `unexpected end, expected a value or "]"`},
	{"[\n", 2, 1, "unexpected end"},
	{"[1", 1, 3, `unexpected end, expected "," or "]"`},
	{"[1,", 1, 4, "unexpected end, expected a value"},
	{"{", 1, 2, `unexpected end, expected a member name in double quotes or "}"`},
	{`{"a`, 1, 4, "unexpected end in a string"},
	{`{"a"`, 1, 5, `unexpected end, expected ":"`},
	{`{"a":`, 1, 6, "unexpected end, expected a value"},
	{`{"a":1`, 1, 7, `unexpected end, expected "," or "}"`},
	{`{"a":1,`, 1, 8, "unexpected end, expected a member name"},
	{`"`, 1, 2, "unexpected end in a string"},
	{`"\`, 1, 3, "unexpected end in a string"},
	{`"\u12`, 1, 6, "unexpected end in a string"},
	{"\"\xe2\x82", 1, 4, "unexpected end in a string"},
	{`-`, 1, 2, "unexpected end in a number"},
	{`1.`, 1, 3, "unexpected end in a number"},
	{`1e`, 1, 3, "unexpected end in a number"},
	{`1e-`, 1, 4, "unexpected end in a number"},
	{`tru`, 1, 4, "unexpected end in true, false or null"},

	// Two values.
	{"1 2", 1, 3, "expected nothing more after the value, found '2'"},
	{"{}\n{}", 2, 1, "expected nothing more after the value"},
	{`""""`, 1, 3, "expected nothing more after the value"},
	{"1,", 1, 2, "expected nothing more after the value"},
	{"[]]", 1, 3, "expected nothing more after the value"},
	{"{}}", 1, 3, "expected nothing more after the value"},
	{"truefalse", 1, 5, "expected nothing more after the value"},
	{"1\x00", 1, 2, "found byte 0x00"},

	// Not UTF-8.
	{"\xef\xbb\xbf{}", 1, 1, "byte order mark"},
	{"\xff\xfe{\x00}\x00", 1, 1, "found byte 0xFF"},
	{"\"\x80\"", 1, 2, "invalid UTF-8 in a string, found byte 0x80"},
	{"\"\xc0\xaf\"", 1, 2, "invalid UTF-8"},
	{"\"\xc1\xbf\"", 1, 2, "invalid UTF-8"},
	{"\"\xe0\x9f\xbf\"", 1, 3, "invalid UTF-8"},
	{"\"\xed\xa0\x80\"", 1, 3, "invalid UTF-8"},
	{"\"\xf0\x8f\xbf\xbf\"", 1, 3, "invalid UTF-8"},
	{"\"\xf4\x90\x80\x80\"", 1, 3, "invalid UTF-8"},
	{"\"\xf5\x80\x80\x80\"", 1, 2, "invalid UTF-8"},
	{"\"\xe2\x82\"", 1, 4, "invalid UTF-8"},
	{"\"\xf0\x90\x80\n\"", 1, 5, "invalid UTF-8"},
	{"\"日本\xe6語\"", 1, 9, "invalid UTF-8"},
	{"{\"\xff\":1}", 1, 3, "invalid UTF-8"},
	{"[\u00e9]", 1, 2, "expected a value or \"]\", found byte 0xC3"},
	{"[1 \xa0]", 1, 4, "found byte 0xA0"},

	// Strings.
	{"\"a\nb\"", 1, 3, "control character 0x0A in a string"},
	{"\"0123456789\x1f\"", 1, 12, "control character 0x1F in a string"},
	{"\"0123456789\x00\"", 1, 12, "control character 0x00 in a string"},
	{`"\x"`, 1, 3, `after \ in a string, found 'x'`},
	{"\"\\\n\"", 1, 3, `after \ in a string, found byte 0x0A`},
	{`"\u12g4"`, 1, 6, "four hex digits"},
	{`"\u123"`, 1, 7, "four hex digits"},
	{`'a'`, 1, 1, `expected a value, found '\''`},

	// Numbers and literals.
	{"01", 1, 2, "expected nothing more after the value"},
	{"[-01]", 1, 4, `expected "," or "]", found '1'`},
	{"+1", 1, 1, "expected a value"},
	{".5", 1, 1, "expected a value"},
	{"-.5", 1, 2, "expected a digit in a number, found '.'"},
	{"[1.]", 1, 4, "expected a digit"},
	{"1.e1", 1, 3, "expected a digit"},
	{"1.5.5", 1, 4, "expected nothing more"},
	{"1e1.5", 1, 4, "expected nothing more"},
	{"1e1e1", 1, 4, "expected nothing more"},
	{"1e+-1", 1, 4, "expected a digit"},
	{"1ex", 1, 3, "expected a digit"},
	{"--1", 1, 2, "expected a digit"},
	{"0x10", 1, 2, "expected nothing more"},
	{"NaN", 1, 1, "expected a value"},
	{"nul1", 1, 4, "expected true, false or null, found '1'"},
	{"[True]", 1, 2, "expected a value"},
	{"falsy", 1, 5, "expected true, false or null, found 'y'"},

	// Structure.
	{"[,]", 1, 2, `expected a value or "]", found ','`},
	{"[1,]", 1, 4, "expected a value, found ']'"},
	{"[1\n  2]", 2, 3, `expected "," or "]", found '2'`},
	{"[1}", 1, 3, `expected "," or "]", found '}'`},
	{"[}", 1, 2, `expected a value or "]", found '}'`},
	{"]", 1, 1, "expected a value"},
	{"{]", 1, 2, "expected a member name"},
	{"{1:2}", 1, 2, `expected a member name in double quotes or "}", found '1'`},
	{"{a:2}", 1, 2, "expected a member name"},
	{`{"a" 1}`, 1, 6, `expected ":" after a member name, found '1'`},
	{`{"a",1}`, 1, 5, `expected ":" after a member name`},
	{"{\n  \"a\": 1,\n}", 3, 1, "expected a member name in double quotes, found '}'"},
	{`{"a":}`, 1, 6, "expected a value, found '}'"},
	{`{"a":1]`, 1, 7, `expected "," or "}", found ']'`},
	{`{"a":1 "b":2}`, 1, 8, `expected "," or "}"`},
	{`{"a":1,,}`, 1, 8, "expected a member name"},
	{"[1, // one\n2]", 1, 5, "expected a value, found '/'"},
	{"[1,\v2]", 1, 4, "expected a value, found byte 0x0B"},
	{"[1,\n\f2]", 2, 1, "found byte 0x0C"},
	{"[1,\x002]", 1, 4, "found byte 0x00"},
	{"[1,\x7f2]", 1, 4, "found byte 0x7F"},
	{strings.Repeat("[", MaxDepth+1), 1, MaxDepth + 1, "nested deeper than 10000"},
	{strings.Repeat("[\n", MaxDepth) + "{}", MaxDepth + 1, 1, "nested deeper than 10000"},
	{strings.Repeat("[", MaxDepth) + "}", 1, MaxDepth + 1, "expected a value or"},
}

func TestAccepted(t *testing.T) {
	docs := append([]string{
		strings.Repeat("[", 200) + strings.Repeat("]", 200),
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
		strings.Repeat(`{"a":[`, MaxDepth/2) + strings.Repeat("]}", MaxDepth/2),
		strings.Repeat("7", 1_000_000),
		"-0." + strings.Repeat("7", 1_000_000) + "e" + strings.Repeat("7", 1_000_000),
		`"` + strings.Repeat("x", 1_000_000) + `"`,
	}, accepted...)
	for _, doc := range docs {
		if !json.Valid([]byte(doc)) || !utf8.ValidString(doc) {
			t.Fatalf("%.40q is in the wrong table", doc)
		}
		if err := scanAll(new(Scanner), []byte(doc)); err != nil {
			t.Errorf("%.40q: %v", doc, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range refused {
		err := scanAll(new(Scanner), []byte(test.doc))
		var syntax *idxdb.SyntaxError
		if !errors.As(err, &syntax) || !errors.Is(err, idxdb.ErrInvalidJSON) {
			t.Errorf("%.40q: %v, want a SyntaxError", test.doc, err)
			continue
		}
		if syntax.Line != test.line || syntax.Column != test.column || !strings.Contains(syntax.Reason, test.reason) {
			t.Errorf("%.40q: line %d, column %d, %q; want line %d, column %d, %q", test.doc,
				syntax.Line, syntax.Column, syntax.Reason, test.line, test.column, test.reason)
		}
		checkOracle(t, []byte(test.doc), err)
	}
}

// However a document is split into writes, the result is the same.
func TestSplits(t *testing.T) {
	for _, doc := range smallDocs() {
		want := scanAll(new(Scanner), doc)
		check := func(how string, got error) {
			if !sameError(got, want) {
				t.Errorf("%.40q %s: %v, in one write %v", doc, how, got, want)
			}
		}
		for i := range len(doc) + 1 {
			for j := i; j <= len(doc); j++ {
				var s Scanner
				check("in three", writeAll(&s, doc[:i], doc[i:j], doc[j:]))
			}
		}
		var s Scanner
		var bytewise [][]byte
		for i := range doc {
			bytewise = append(bytewise, doc[i:i+1], nil)
		}
		check("by bytes", writeAll(&s, bytewise...))
	}
}

// Every token is met at every alignment to the words the scanner works in.
func TestAlignment(t *testing.T) {
	for _, doc := range smallDocs() {
		for pad := range 17 {
			for _, padded := range [][]byte{
				append(bytes.Repeat([]byte(" "), pad), doc...),
				append(append([]byte("\n"), bytes.Repeat([]byte(" "), pad)...), doc...),
				append([]byte(`["`+strings.Repeat("x", pad)+`",`), append(doc[:len(doc):len(doc)], ']')...),
				append([]byte(`{"a":`), append(doc[:len(doc):len(doc)], strings.Repeat(" ", pad)+"}"...)...),
			} {
				checkOracle(t, padded, scanAll(new(Scanner), padded))
			}
		}
	}
}

// Every byte, put at every place of some documents.
func TestEveryByte(t *testing.T) {
	for _, doc := range []string{
		`{"ab":[-1.5e+3,true,"\u12aF\n",{}],"c":null}`,
		"[12345678901234567890.12345678901234567890,       1]",
		"[\"0123456789é日\U00010000\xed\x9f\xbf\xf4\x8f\xbf\xbf\xe0\xa0\x80\",\n         0]",
	} {
		for i := range len(doc) {
			for c := range 256 {
				changed := []byte(doc)
				changed[i] = byte(c)
				checkOracle(t, changed, scanAll(new(Scanner), changed))
			}
		}
	}
}

func TestFirstErrorStays(t *testing.T) {
	var s Scanner
	n, first := s.Write([]byte("[1,\n x]"))
	if n != 5 || first == nil {
		t.Fatalf("Write: %d, %v; want 5 and an error", n, first)
	}
	if n, err := s.Write([]byte("1]")); n != 0 || err != first {
		t.Errorf("second Write: %d, %v; want 0 and the first error", n, err)
	}
	if err := s.Close(); err != first {
		t.Errorf("Close: %v, want the first error", err)
	}
	if got := s.Source(); got != (idxdb.Source{}) {
		t.Errorf("Source: %v after an error", got)
	}
}

func TestClose(t *testing.T) {
	var s Scanner
	first := s.Close()
	if first == nil || s.Close() != first {
		t.Error("the second Close does not return the first one's error")
	}
	s = Scanner{}
	if err := scanAll(&s, []byte("{}")); err != nil || s.Close() != nil {
		t.Error("the second Close fails")
	}
	if _, err := s.Write([]byte(" ")); err == nil {
		t.Error("Write after Close: no error")
	}
}

func TestPosition(t *testing.T) {
	var s Scanner
	for _, p := range []string{"[1,", "\n  2,\n", "", " 3"} {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got, want := s.Position(), (Position{Offset: 11, Newlines: 2, LineStart: 9}); got != want {
		t.Errorf("Position: %+v, want %+v", got, want)
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	doc := []byte(strings.Repeat("[", 1000) + `{"a":["b",1.5]}` + strings.Repeat("]", 1000))
	got := testing.AllocsPerRun(10, func() {
		s := Scanner{capture: capture{buf: make([]byte, 0, 64)}}
		if scanAll(&s, doc) != nil {
			t.Fatal("refused")
		}
	})
	if got > 1 { // the Scanner itself, perhaps
		t.Errorf("%v allocations", got)
	}
}

func writeAll(s *Scanner, parts ...[]byte) error {
	for _, p := range parts {
		before := s.Position().Offset
		n, err := s.Write(p)
		if s.Position().Offset != before+int64(n) || (err == nil) != (n == len(p)) && len(p) > 0 {
			return errors.New("Write's count is wrong")
		}
		if err != nil {
			return err
		}
	}
	return s.Close()
}

func scanAll(s *Scanner, doc []byte) error { return writeAll(s, doc) }
