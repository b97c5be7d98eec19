package sqlitestore_test

import (
	"errors"
	"math"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestFormatNumbers opens files with numbers that no program wrote.
func TestFormatNumbers(t *testing.T) {
	for _, test := range []struct {
		header, format, read, write int64
		want                        error // of Open for reading
		wantToWrite                 error
	}{
		{1, 1, 1, 1, nil, nil},
		{2, 2, 1, 1, nil, nil},
		{2, 2, 1, 2, nil, idxdb.ErrNewerFormat},
		{2, 2, 2, 2, idxdb.ErrNewerFormat, idxdb.ErrNewerFormat},
		{math.MaxInt32, math.MaxInt32, 1, 1, nil, nil},
		{math.MaxInt32, math.MaxInt32, 2, math.MaxInt32, idxdb.ErrNewerFormat, idxdb.ErrNewerFormat},
		{1, 5, 1, 1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{5, 1, 1, 1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{1, math.MaxInt64, 1, 1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{1, math.MinInt64, 1, 1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{0, 0, 0, 0, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{-1, -1, -1, -1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{math.MinInt32, math.MinInt32, 1, 1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{1, 1, 0, 1, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
		{2, 2, 1, 3, idxdb.ErrCorrupt, idxdb.ErrCorrupt},
	} {
		path := newFile(t)
		setFormat(t, path, test.header, test.format, test.read, test.write)
		before := snapshot(t, path)
		for _, readOnly := range []bool{true, false} {
			want := test.wantToWrite
			if readOnly {
				want = test.want
			}
			s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{ReadOnly: readOnly})
			if !errors.Is(err, want) {
				t.Errorf("%+v, readOnly=%v: %v", test, readOnly, err)
			}
			if err == nil {
				must(t, s.Close())
			}
		}
		if after := snapshot(t, path); after != before {
			t.Errorf("%+v: the file was changed by opening it", test)
		}
	}
}

// TestHostileNewerFormat gives files a number that allows more tables, and more
// than tables.
func TestHostileNewerFormat(t *testing.T) {
	for _, test := range []struct {
		sql string
		ok  bool
	}{
		{"CREATE TABLE more (a)", true},
		{"CREATE TABLE more (a); CREATE INDEX x ON more (a)", true},
		{"CREATE TRIGGER x AFTER INSERT ON version BEGIN DELETE FROM version; END", false},
		{"CREATE VIEW x AS SELECT 1", false},
		{"CREATE VIRTUAL TABLE x USING dbstat", false},
		{"CREATE INDEX x ON chunk (data)", false},
		{`CREATE INDEX x ON "chunk" (data)`, false},
		{"ALTER TABLE chunk ADD COLUMN more INTEGER DEFAULT 1", false},
		{"DROP TABLE garbage", false},
		{"DROP TABLE garbage; CREATE VIEW garbage AS SELECT 1 AS chunk_id, 1 AS epoch", false},
		{"ALTER TABLE meta RENAME TO old; CREATE VIEW meta AS SELECT * FROM old", false},
		{"ALTER TABLE meta ADD COLUMN more BLOB AS (zeroblob(1000000000))", false},
		{"ANALYZE", false},
	} {
		path := newFile(t)
		setFormat(t, path, 2, 2, 1, 1)
		execSQL(t, path, test.sql)
		s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
		switch {
		case test.ok && err != nil:
			t.Errorf("%s: %v", test.sql, err)
		case !test.ok && !errors.Is(err, idxdb.ErrCorrupt):
			t.Errorf("%s: %v, want ErrCorrupt", test.sql, err)
		}
		if err == nil {
			save(t, s, "k", "1")
			clean(t, s)
			must(t, s.Close())
		}
	}
}
