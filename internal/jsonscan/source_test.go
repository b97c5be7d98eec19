package jsonscan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

var sourceTests = []struct {
	name, doc string
	want      idxdb.Source
}{
	{"github", `{"version":1,"source":{"type":"github","config":{"owner":"babel","repo":"babel","ref":"HEAD"},
		"resolvedRef":"6d97ee87","syncedAt":"2026-01-23T13:42:25+01:00"}}`,
		idxdb.Source{Type: "github", Identifier: "babel/babel", Ref: "6d97ee87",
			SyncedAt: time.Date(2026, 1, 23, 12, 42, 25, 0, time.UTC)}},
	{"bitbucket", `{"source":{"type":"bitbucket","config":{"workspace":"w","repo":"r"}}}`,
		idxdb.Source{Type: "bitbucket", Identifier: "w/r"}},
	{"gitlab", `{"source":{"type":"gitlab","config":{"projectId":"group/project"}}}`,
		idxdb.Source{Type: "gitlab", Identifier: "group/project"}},
	{"gitlab number", `{"source":{"type":"gitlab","config":{"projectId":12345678}}}`,
		idxdb.Source{Type: "gitlab", Identifier: "12345678"}},
	{"website", `{"source":{"type":"website","config":{"url":"https://me:pw@Docs.Example.com:8443/a?b"}}}`,
		idxdb.Source{Type: "website", Identifier: "docs.example.com"}},
	{"website without a host", `{"source":{"type":"website","config":{"url":"docs"}}}`, idxdb.Source{Type: "website"}},
	{"website with a broken URL", `{"source":{"type":"website","config":{"url":"http://[::1"}}}`, idxdb.Source{Type: "website"}},
	{"other type", `{"source":{"type":"s3","identifier":"bucket/x","config":{"owner":"o","repo":"r"}}}`,
		idxdb.Source{Type: "s3", Identifier: "bucket/x"}},
	{"no type", `{"source":{"identifier":"x","resolvedRef":"r"}}`, idxdb.Source{Identifier: "x", Ref: "r"}},
	{"known types ignore identifier", `{"source":{"type":"github","identifier":"x"}}`, idxdb.Source{Type: "github"}},
	{"half an identifier", `{"source":{"type":"github","config":{"owner":"o","repo":""}}}`, idxdb.Source{Type: "github"}},

	{"absent", `{"a":1}`, idxdb.Source{}},
	{"not an object", `["source",{"type":"x"}]`, idxdb.Source{}},
	{"a string", `"source"`, idxdb.Source{}},
	{"null", `{"source":null}`, idxdb.Source{}},
	{"a number", `{"source":1}`, idxdb.Source{}},
	{"an array", `{"source":[{"type":"x"}]}`, idxdb.Source{}},
	{"empty", `{"source":{}}`, idxdb.Source{}},
	{"deeper", `{"a":{"source":{"type":"x"}},"b":[{"source":{"type":"y"}}]}`, idxdb.Source{}},
	{"in an array at the top", `[{"source":{"type":"x"}}]`, idxdb.Source{}},
	{"a longer name", `{"sources":{"type":"x"},"source ":{"type":"x"},"Source":{"type":"x"}}`, idxdb.Source{}},
	{"a shorter name", `{"sourc":{"type":"x"},"":{"type":"y"}}`, idxdb.Source{}},
	{"an escaped name", `{"sourc\u0065":{"type":"x"}}`, idxdb.Source{}},
	{"as a value", `{"a":"source","b":{"type":"x"}}`, idxdb.Source{}},
	{"exact names inside", `{"source":{"Type":"x","TYPE":"y","type":"z"}}`, idxdb.Source{Type: "z"}},

	{"the last wins", `{"source":{"type":"x","resolvedRef":"r"},"a":1,"source":{"type":"y"},"b":2}`, idxdb.Source{Type: "y"}},
	{"the last wins, odd", `{"source":{"type":"x"},"source":7}`, idxdb.Source{}},
	{"first member", "{\n \"source\" \n : \n {\"type\":\"x\"} \n , \"z\" : [ 1 , 2 ] }", idxdb.Source{Type: "x"}},
	{"nested source inside", `{"source":{"source":{"type":"in"},"type":"out"}}`, idxdb.Source{Type: "out"}},

	{"wrong types", `{"source":{"type":1,"identifier":[],"config":7,"resolvedRef":{},"syncedAt":2026}}`, idxdb.Source{}},
	{"wrong types, field by field", `{"source":{"type":"github","config":[],"resolvedRef":"r","syncedAt":"yesterday"}}`,
		idxdb.Source{Type: "github", Ref: "r"}},
	{"wrong types in config", `{"source":{"type":"github","config":{"owner":1,"repo":"r"}}}`, idxdb.Source{Type: "github"}},
	{"huge number", `{"source":{"type":"x","n":1e999999}}`, idxdb.Source{Type: "x"}},
	{"long strings", `{"source":{"type":"` + strings.Repeat("t", 1024) + `","identifier":"` + strings.Repeat("日", 400) +
		`","resolvedRef":"` + strings.Repeat("r", 1025) + `"}}`,
		idxdb.Source{Type: strings.Repeat("t", 1024), Identifier: strings.Repeat("日", 341), Ref: strings.Repeat("r", 1024)}},

	{"just fits", `{"source":` + sized(maxSource) + `}`, idxdb.Source{Type: "x"}},
	{"too long", `{"source":` + sized(maxSource+1) + `}`, idxdb.Source{}},
	{"too long, then not", `{"source":` + sized(maxSource+1) + `,"source":{"type":"y"}}`, idxdb.Source{Type: "y"}},
	{"fits, then too long", `{"source":{"type":"y"},"source":` + sized(maxSource+1) + `}`, idxdb.Source{}},
}

// sized returns an object of n bytes.
func sized(n int) string {
	const head, tail = `{"type":"x","pad":"`, `"}`
	return head + strings.Repeat("p", n-len(head)-len(tail)) + tail
}

func TestSource(t *testing.T) {
	for _, test := range sourceTests {
		for _, size := range []int{1 << 20, 7, 3, 1} {
			var s Scanner
			for rest := []byte(test.doc); len(rest) > 0; {
				n := min(size, len(rest))
				part := append([]byte(nil), rest[:n]...)
				if _, err := s.Write(part); err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				clear(part) // Write must not have kept it
				rest = rest[n:]
			}
			if got := s.Source(); got != (idxdb.Source{}) {
				t.Errorf("%s: %+v before Close", test.name, got)
			}
			if err := s.Close(); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if got := s.Source(); got != test.want {
				t.Errorf("%s by %d: %+v, want %+v", test.name, size, got, test.want)
			}
			if len(s.capture.buf) > maxSource {
				t.Errorf("%s by %d: %d bytes were captured", test.name, size, len(s.capture.buf))
			}
		}
	}
}

// A name at the top that is longer than any that matters is not kept.
func TestLongNameIsNotKept(t *testing.T) {
	var s Scanner
	s.Write([]byte(`{"source`))
	s.Write([]byte(strings.Repeat("x", 1<<20)))
	if n := cap(s.capture.buf); n > 1024 {
		t.Errorf("%d bytes are kept of a name", n)
	}
	if err := scanAll(&s, []byte(`":{"type":"x"}}`)); err != nil {
		t.Fatal(err)
	}
	if got := s.Source(); got != (idxdb.Source{}) {
		t.Errorf("%+v from another member", got)
	}
}

// A resumed Scanner knows of a member only if its name begins later.
func TestSourceAfterResume(t *testing.T) {
	const doc = `{"a":1,"source":{"type":"x"},"b":2}`
	for i := range len(doc) {
		var s Scanner
		if _, err := s.Write([]byte(doc[:i])); err != nil {
			t.Fatal(err)
		}
		resumed := reopen(t, &s)
		if err := scanAll(resumed, []byte(doc[i:])); err != nil {
			t.Fatal(err)
		}
		want := ""
		if i <= strings.Index(doc, `"source"`) {
			want = "x"
		}
		if got := resumed.Source().Type; got != want {
			t.Errorf("resumed at %d: type %q, want %q", i, got, want)
		}
	}
}

func ExampleScanner() {
	var s Scanner
	s.Write([]byte(`{"source": {"type": "github", "config": {"owner": "idxdb"`))
	s.Write([]byte(`, "repo": "idxdb"}}}`))
	if err := s.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(s.Source().Type, s.Source().Identifier)
	// Output: github idxdb/idxdb
}
