package storetest

import (
	"errors"
	"strings"

	"github.com/idxdb/idxdb"
)

var jsonSentences = []sentence{
	{name: "JSON/OtherTextIsRefusedWithItsPosition", test: testInvalidJSON},
	{name: "JSON/OddTextIsStoredExactly", test: testOddJSON},
}

// invalidTexts is what is not JSON, with the offset of the first byte that
// cannot be; -1: only that it is refused.
var invalidTexts = []struct {
	name, text string
	offset     int64
}{
	{"empty", "", 0},
	{"white space only", " \n\t ", -1},
	{"truncated object", `{"a":1`, 6},
	{"truncated array", "[1,\n2", 5},
	{"truncated string", `"abc`, 4},
	{"truncated literal", `tru`, 3},
	{"truncated number", `-`, 1},
	{"truncated escape", `["\u12`, 6},
	{"truncated after a comma", `[1,`, 3},
	{"truncated after a name", `{"a"`, 4},
	{"two values", `{} {}`, 3},
	{"two values in lines", "{\"a\":1}\n{\"a\":2}\n", 8},
	{"two numbers", `1 2`, 2},
	{"trailing text", "[]\n\n  x", 6},
	{"surplus bracket", `[]]`, 2},
	{"wrong bracket", `[1}`, 2},
	{"byte order mark", "\ufeff{}", 0},
	{"UTF-16", "\xff\xfe{\x00}\x00", 0},
	{"invalid UTF-8 in a string", "[\"ab\xff\"]", 4},
	{"invalid UTF-8 in a name", "{\"ab\xfe\":1}", 4},
	{"invalid UTF-8 between", "[1\xff]", 2},
	{"raw newline in a string", "[\n\"a\nb\"]", 4},
	{"raw tab in a string", "[\"a\tb\"]", 3},
	{"raw NUL in a string", "[\"a\x00b\"]", 3},
	{"NUL after", "{}\x00", 2},
	{"trailing comma in an array", `[1,]`, 3},
	{"trailing comma in an object", `{"a":1,}`, 7},
	{"missing comma", `[1 2]`, 3},
	{"missing colon", `{"a" 1}`, 5},
	{"missing value", `{"a":}`, 5},
	{"name without quotes", `{a:1}`, 1},
	{"single quotes", `{'a':1}`, 1},
	{"comment", `[1, /* two */ 2]`, 4},
	{"bad escape", `["\x41"]`, 3},
	{"bad hex digit", `["\u12G4"]`, 6},
	{"leading zero", `[01]`, 2},
	{"leading plus", `[+1]`, 1},
	{"leading point", `[.5]`, 1},
	{"no digit after the point", `[1.]`, 3},
	{"no digit in the exponent", `[1e+]`, 4},
	{"NaN", `[NaN]`, 1},
	{"Infinity", `[-Infinity]`, 2},
	{"literal in capitals", `[True]`, 1},
	{"misspelled literal", `[nul]`, 4},
	{"form feed as space", "[1,\f2]", 3},
	{"no-break space", "[1,\u00a02]", 3},
	{"on the third line", "{\n  \"a\": 1,\n  \"b\": tru,\n  \"c\": 2\n}", 22},
	{"after CRLF", "[\r\n1,\r\n,]", 7},
	{"after wide runes", "[\"ключ\",\n \"日本\" x]", 23},
	{"after 100 KB", "[" + strings.Repeat("\"0123456789\",\n", 8000) + "]", 1 + 14*8000},
}

// position counts lines and columns the plain way.
func position(text string, offset int64) (line, column int64) {
	line, column = 1, 1
	for i := range offset {
		column++
		if text[i] == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

func testInvalidJSON(e *env) {
	const state, search = `{"good":true}`, `{"good":"search"}`
	before := e.save("key", state, search).Version
	for _, bad := range invalidTexts {
		for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
			d := idxdb.Documents{State: strings.NewReader(bad.text), Search: strings.NewReader(`{}`)}
			if doc == idxdb.SearchDoc {
				d = idxdb.Documents{State: strings.NewReader(`{}`), Search: strings.NewReader(bad.text)}
			}
			_, err := e.store.Save(e.ctx, "key", d, idxdb.SaveOptions{})
			var syntax *idxdb.SyntaxError
			if !errors.Is(err, idxdb.ErrInvalidJSON) || !errors.As(err, &syntax) {
				e.Errorf("%s in %s: error %v, want a *SyntaxError", bad.name, doc, err)
				continue
			}
			if syntax.Doc != doc || syntax.Reason == "" {
				e.Errorf("%s in %s: SyntaxError has Doc %q, Reason %q", bad.name, doc, syntax.Doc, syntax.Reason)
			}
			if bad.offset < 0 {
				continue
			}
			line, column := position(bad.text, bad.offset)
			if syntax.Offset != bad.offset || syntax.Line != line || syntax.Column != column {
				e.Errorf("%s in %s: refused at line %d, column %d, offset %d; want %d, %d, %d (%s)", bad.name, doc,
					syntax.Line, syntax.Column, syntax.Offset, line, column, bad.offset, syntax.Reason)
			}
		}
	}
	if v := e.holds("key", state, search); !sameVersion(v, before) {
		e.Errorf("after refused saves: %+v, want %+v", v, before)
	}
	e.saveFails(idxdb.ErrInvalidJSON, "new", `{`, none, idxdb.SaveOptions{})
	e.absent("new")
}

func testOddJSON(e *env) {
	// One key, so that each text is a small change of the one before.
	for name, text := range oddTexts {
		if saved := e.save("key", text, `[]`); saved.Unchanged {
			e.Errorf("%s was taken for the text before", name)
		}
		e.holds("key", text, `[]`)
	}
}
