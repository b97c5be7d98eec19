package schema_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb/internal/schema"
)

// three is what a later program may know: format 2 only adds a table, format 3
// replaces one.
func three() schema.Formats {
	return append(slices.Clip(schema.Known()),
		schema.Migration{To: 2, ReadFormat: 1, WriteFormat: 1, SQL: "CREATE TABLE note (\n  id INTEGER PRIMARY KEY\n) STRICT;\nCREATE UNIQUE INDEX note_by_id ON note (id);\n"},
		schema.Migration{To: 3, ReadFormat: 2, WriteFormat: 3, SQL: "INSERT INTO note SELECT 1;\nDROP INDEX note_by_id;\nDROP TABLE garbage;\nCREATE TABLE trash (\n  id INTEGER PRIMARY KEY\n) STRICT;\n"},
	)
}

func TestStatementsOfEachFormat(t *testing.T) {
	f := three()
	first := schema.Known().Statements(1)
	if !slices.Equal(f.Statements(1), first) {
		t.Error("format 1 changed when others were added")
	}
	second := slices.Sorted(slices.Values(append(slices.Clone(first),
		"CREATE TABLE note (\n  id INTEGER PRIMARY KEY\n) STRICT", "CREATE UNIQUE INDEX note_by_id ON note (id)")))
	if got := f.Statements(2); !slices.Equal(got, second) {
		t.Errorf("format 2 has %q", got)
	}
	third := slices.DeleteFunc(slices.Clone(second), func(s string) bool {
		return strings.Contains(s, "note_by_id") || strings.HasPrefix(s, "CREATE TABLE garbage ")
	})
	third = slices.Sorted(slices.Values(append(third, "CREATE TABLE trash (\n  id INTEGER PRIMARY KEY\n) STRICT")))
	if got := f.Statements(3); !slices.Equal(got, third) {
		t.Errorf("format 3 has %q", got)
	}
	for _, format := range []int64{math.MinInt64, -1, 0, 4, math.MaxInt64} {
		if got := f.Statements(format); got != nil {
			t.Errorf("format %d has %q", format, got)
		}
	}
}

func TestAccess(t *testing.T) {
	old, now := schema.Known(), three()[:2]
	all, read, none := schema.Access{Read: true, Write: true}, schema.Access{Read: true}, schema.Access{}
	for _, test := range []struct {
		program                   schema.Formats
		header, meta, read, write int64
		want                      schema.Access
		damaged                   bool
	}{
		{old, 1, 1, 1, 1, all, false},
		{now, 2, 2, 1, 1, all, false},
		{now, 1, 1, 1, 1, schema.Access{Read: true, Older: true}, false},
		{old, 2, 2, 1, 1, all, false},
		{old, 2, 2, 1, 2, read, false},
		{old, 2, 2, 2, 2, none, false},
		{now, 9, 9, 2, 3, read, false},
		{old, math.MaxInt32, math.MaxInt32, 1, math.MaxInt32, read, false},
		{old, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, none, false},

		{old, 1, 5, 1, 1, none, true}, // header and row disagree
		{old, 2, 1, 1, 1, none, true},
		{old, 0, 0, 0, 0, none, true}, // out of range
		{old, 0, 0, 1, 1, none, true},
		{old, -1, -1, -1, -1, none, true},
		{old, math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt64, none, true},
		{old, 2, 2, 0, 1, none, true},
		{old, 2, 2, 2, 1, none, true},
		{old, 2, 2, 1, 3, none, true},
		{now, 2, 2, 2, 2, none, true}, // not what format 2 has
		{now, 2, 2, 1, 2, none, true},
	} {
		m := &schema.Meta{Format: test.meta, ReadFormat: test.read, WriteFormat: test.write}
		got, err := test.program.Access(test.header, m)
		if got != test.want || (err != nil) != test.damaged {
			t.Errorf("a program that knows %d formats, header %d, meta %d, %d, %d: %+v, %v",
				len(test.program), test.header, test.meta, test.read, test.write, got, err)
		}
	}
}

func TestCheckTables(t *testing.T) {
	f := three()
	old := f[:1]
	with := func(more ...string) []string {
		return slices.Sorted(slices.Values(append(old.Statements(1), more...)))
	}
	chunk := "CREATE TABLE chunk (\n  id    INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	changed := slices.Clone(old.Statements(1))
	for i, text := range changed {
		if rest, ok := strings.CutPrefix(text, chunk); ok {
			changed[i] = chunk + "  more INTEGER,\n" + rest
		}
	}
	if slices.Equal(changed, old.Statements(1)) {
		t.Fatal("table chunk is another than this test believes")
	}
	for name, test := range map[string]struct {
		format int64
		have   []string
		ok     bool
	}{
		"same":               {1, with(), true},
		"same and a table":   {1, with("CREATE TABLE note (a)"), false},
		"format 2":           {2, f.Statements(2), true},
		"newer, none added":  {2, with(), true},
		"table and index":    {2, with("CREATE TABLE note (a)", "CREATE INDEX x ON note (a)"), true},
		"replaced":           {3, f.Statements(3), false},
		"nothing":            {2, nil, false},
		"twice":              {2, with("CREATE INDEX key_by_hash ON key (name_hash)"), false},
		"missing":            {2, with()[1:], false},
		"column":             {2, changed, false},
		"trigger":            {2, with("CREATE TRIGGER x AFTER INSERT ON version BEGIN DELETE FROM chunk; END"), false},
		"trigger on another": {2, with("CREATE TABLE note (a)", "CREATE TRIGGER x AFTER INSERT ON note BEGIN DELETE FROM chunk; END"), false},
		"view":               {2, with("CREATE VIEW x AS SELECT 1"), false},
		"virtual table":      {2, with("CREATE VIRTUAL TABLE x USING dbstat"), false},
		"index":              {2, with("CREATE INDEX x ON chunk (data)"), false},
		"unique index":       {2, with("CREATE UNIQUE INDEX x ON chunk (data)"), false},
		"quoted":             {2, with(`CREATE INDEX x ON "chunk" (data)`), false},
		"capitals":           {2, with("CREATE INDEX x ON CHUNK (data)"), false},
		"comment":            {2, with("CREATE INDEX x ON/**/chunk (data)"), false},
		"SQLite's own":       {2, with("CREATE TABLE sqlite_stat1(tbl,idx,stat)"), false},
		"SQLite's own again": {2, with("CREATE TABLE sqlite_stat4 (tbl,idx,stat)"), false},
		"second table":       {2, with("CREATE TABLE key (a)"), false},
	} {
		if err := old.CheckTables(test.format, test.have); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
