package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
	"github.com/idxdb/idxdb/sqlitestore"
)

// addition is a migration that only adds a table.
const addition = "CREATE TABLE note (\n  id INTEGER PRIMARY KEY\n) STRICT;\nCREATE UNIQUE INDEX note_by_id ON note (id);\n"

// later is what a program knows that has one more format than this one, with the
// given read and write formats of it.
func later(read, write int, migration string) schema.Formats {
	return append(slices.Clip(schema.Known()), schema.Migration{
		To: schema.Format + 1, ReadFormat: read, WriteFormat: write, SQL: migration,
	})
}

// openKnowing opens a store as a program that knows other formats.
func openKnowing(t testing.TB, path string, known schema.Formats) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.OpenKnowing(ctx, path, sqlitestore.Options{Create: true}, known)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must2(t, s.Close()) })
	return s
}

// setFormat makes the numbers in a closed file what they are told to be.
func setFormat(t testing.TB, path string, header, format, read, write int64) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	must2(t, err)
	defer db.Close()
	m := schema.Meta{Format: format, ReadFormat: read, WriteFormat: write}
	must2(t, db.QueryRow("SELECT lineage, created_at, epoch, keys, key_set FROM meta").
		Scan(&m.Lineage, &m.CreatedAt, &m.Epoch, &m.Keys, &m.KeySet))
	_, err = db.Exec("UPDATE meta SET format = ?, read_format = ?, write_format = ?, checksum = ?", format, read, write, m.Checksum())
	must2(t, err)
	_, err = db.Exec(fmt.Sprintf("PRAGMA user_version = %d", header))
	must2(t, err)
}

// everyWrite tries everything that changes a file.
func everyWrite(s *sqlitestore.Store) map[string]error {
	state := func(text string) idxdb.Documents { return idxdb.Documents{State: strings.NewReader(text)} }
	errs := map[string]error{}
	_, errs["save"] = s.Save(ctx, "k", state("[1]"), idxdb.SaveOptions{})
	_, errs["save again"] = s.Save(ctx, "k", state("1"), idxdb.SaveOptions{})
	_, errs["batch"] = s.SaveBatch(ctx, []idxdb.BatchItem{{Key: "b", Open: func() (idxdb.Documents, func(), error) {
		return state("2"), func() {}, nil
	}}})
	_, errs["import"] = s.Import(ctx, idxdb.Version{Key: "i", Number: 1, ID: idxdb.NewID()}, state("3"), idxdb.Condition{})
	_, errs["clone"] = s.Clone(ctx, "k", "copy", true)
	errs["rename"] = s.Rename(ctx, "k", "r")
	errs["delete"] = s.Delete(ctx, "k", idxdb.DeleteOptions{})
	_, errs["vacuum"] = s.Vacuum(ctx, nil)
	return errs
}

func refusesWrites(t *testing.T, s *sqlitestore.Store, want error, says ...string) {
	t.Helper()
	for what, err := range everyWrite(s) {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
			continue
		}
		for _, text := range says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q does not say %q", what, err, text)
			}
		}
	}
	if got := load(t, s, "k", 0); got != "1" {
		t.Errorf("after refused writes the state is %q", got)
	}
}

// TestUpgrade goes with one file from an old program to a new one, for each kind
// of new format.
func TestUpgrade(t *testing.T) {
	for _, test := range []struct {
		name                string
		read, write         int
		migration           string
		oldReads, oldWrites bool
		advice              string
	}{
		{"Addition", 1, 1, addition, true, true, "run idxdb upgrade"},
		{"WritersLockedOut", 1, 2, addition, true, false, "below 2 can read the file but not change it"},
		{"AllLockedOut", 2, 2, addition, false, false, "locks out programs that know only formats below 2"},
		{"RowsMoved", 2, 2, addition + "INSERT INTO note SELECT id FROM version;\nUPDATE note SET id = id + 1;\nDELETE FROM note WHERE id < 0;\n",
			false, false, "locks out programs that know only formats below 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.idx")
			before := openKnowing(t, path, schema.Known()) // stays open all the time
			save(t, before, "k", "1")
			now := openKnowing(t, path, later(test.read, test.write, test.migration))
			if got := load(t, now, "k", 0); got != "1" {
				t.Errorf("the new program reads %q in the old file", got)
			}
			clean(t, now)
			refusesWrites(t, now, idxdb.ErrReadOnly, "the file has format 1", "writes format 2", test.advice)
			plan, err := now.PlanUpgrade(ctx)
			if want := (idxdb.UpgradePlan{From: 1, To: 2, ReadFormat: test.read, WriteFormat: test.write}); err != nil || plan != want {
				t.Errorf("plan %+v, %v; want %+v", plan, err, want)
			}
			from, to, err := now.Upgrade(ctx)
			if from != 1 || to != 2 || err != nil {
				t.Fatalf("upgrade: %d, %d, %v", from, to, err)
			}
			from, to, err = now.Upgrade(ctx)
			if from != 2 || to != 2 || err != nil {
				t.Errorf("upgrade again: %d, %d, %v", from, to, err)
			}
			if plan, err = now.PlanUpgrade(ctx); err != nil || plan.From != 2 || plan.To != 2 {
				t.Errorf("plan after the upgrade: %+v, %v", plan, err)
			}
			for round, old := range []func() (*sqlitestore.Store, error){
				func() (*sqlitestore.Store, error) { return before, nil },
				func() (*sqlitestore.Store, error) { return sqlitestore.Open(ctx, path, sqlitestore.Options{}) },
				func() (*sqlitestore.Store, error) {
					return sqlitestore.Open(ctx, path, sqlitestore.Options{ReadOnly: true})
				},
			} {
				s, err := old()
				if err != nil {
					mayOpen := test.oldReads && (test.oldWrites || round == 2)
					if mayOpen || !errors.Is(err, idxdb.ErrNewerFormat) {
						t.Errorf("round %d: the old program opens the new file: %v", round, err)
					}
					continue
				}
				if s != before {
					defer s.Close()
				}
				if round == 2 && !test.oldReads || round == 1 && !test.oldWrites {
					t.Errorf("round %d: the old program opened the new file", round)
					continue
				}
				checkOld(t, s, round < 2, test.oldReads, test.oldWrites)
			}
			save(t, now, "new", "[2]")
			clean(t, now)
			if test.oldReads {
				if got := load(t, before, "new", 0); got != "[2]" {
					t.Errorf("the old program reads %q of what the new one saved", got)
				}
			}
			if got := query(t, path, "SELECT format, read_format, write_format FROM meta")[0]; !slices.Equal(got, []string{"2", fmt.Sprint(test.read), fmt.Sprint(test.write)}) {
				t.Errorf("the file says %q", got)
			}
		})
	}
}

// checkOld tries what an old program may do after an upgrade.
func checkOld(t *testing.T, s *sqlitestore.Store, forWriting, reads, writes bool) {
	t.Helper()
	_, err := s.Load(ctx, "k", idxdb.LoadOptions{})
	switch {
	case reads && err != nil:
		t.Errorf("the old program loads: %v", err)
	case !reads && !errors.Is(err, idxdb.ErrNewerFormat):
		t.Errorf("the old program loads: %v, want ErrNewerFormat", err)
	}
	if !forWriting {
		return
	}
	_, err = s.Save(ctx, "old", idxdb.Documents{State: strings.NewReader("7")}, idxdb.SaveOptions{})
	switch {
	case writes && err != nil:
		t.Errorf("the old program saves: %v", err)
	case !writes && !errors.Is(err, idxdb.ErrNewerFormat):
		t.Errorf("the old program saves: %v, want ErrNewerFormat", err)
	}
	_, _, err = s.Upgrade(ctx)
	if writes != (err == nil) || !writes && !errors.Is(err, idxdb.ErrNewerFormat) {
		t.Errorf("the old program upgrades: %v", err)
	}
}

// TestUpgradeOfUnreadable brings a file to a format whose readers can do nothing
// with the old one.
func TestUpgradeOfUnreadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	// This program as the newer one: before it, there was no table for leases.
	var first, second strings.Builder
	for stmt := range strings.SplitSeq(schema.Known()[0].SQL, ";") {
		if stmt = strings.TrimSpace(stmt); strings.HasPrefix(stmt, "CREATE TABLE lease ") {
			second.WriteString(stmt + ";\n")
		} else if stmt != "" {
			first.WriteString(stmt + ";\n")
		}
	}
	now := schema.Formats{{To: 1, ReadFormat: 1, WriteFormat: 1, SQL: first.String()}, {To: 2, ReadFormat: 1, WriteFormat: 2, SQL: second.String()}}
	must(t, openKnowing(t, path, now).Close())
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	_, err = db.Exec("DROP TABLE lease")
	must(t, err)
	must(t, db.Close())
	setFormat(t, path, 1, 1, 1, 1)

	s := openKnowing(t, path, now)
	_, err = s.Load(ctx, "k", idxdb.LoadOptions{})
	if !errors.Is(err, idxdb.ErrUnsupported) || !strings.Contains(err.Error(), "run idxdb upgrade") {
		t.Errorf("load: %v", err)
	}
	if _, err := s.Inspect(ctx); !errors.Is(err, idxdb.ErrUnsupported) {
		t.Errorf("inspect: %v", err)
	}
	for what, err := range everyWrite(s) {
		if !errors.Is(err, idxdb.ErrReadOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if from, to, err := s.Upgrade(ctx); from != 1 || to != 2 || err != nil {
		t.Fatalf("upgrade: %d, %d, %v", from, to, err)
	}
	save(t, s, "k", "1")
	if got := load(t, s, "k", 0); got != "1" {
		t.Errorf("after the upgrade: %q", got)
	}
	clean(t, s)
}

// TestUpgradeFails makes sure that an upgrade happens whole or not at all.
func TestUpgradeFails(t *testing.T) {
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	for name, test := range map[string]struct {
		ctx       context.Context
		migration string
	}{
		"Statement": {ctx, addition + "INSERT INTO note VALUES (1);\nINSERT INTO note VALUES (1);\n"},
		"Canceled":  {canceled, addition},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			s := openKnowing(t, path, later(2, 2, test.migration))
			from, to, err := s.Upgrade(test.ctx)
			if err == nil || from != to {
				t.Fatalf("upgrade: %d, %d, %v", from, to, err)
			}
			save(t, open(t, path), "k", "2") // with the old program
			if plan, err := s.PlanUpgrade(ctx); err != nil || plan.From != 1 || plan.To != 2 {
				t.Errorf("plan: %+v, %v", plan, err)
			}
		})
	}
	path := newFile(t)
	s, err := sqlitestore.OpenKnowing(ctx, path, sqlitestore.Options{ReadOnly: true}, later(2, 2, addition))
	must(t, err)
	defer s.Close()
	if _, _, err := s.Upgrade(ctx); !errors.Is(err, idxdb.ErrReadOnly) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("upgrade of a store that is open for reading: %v", err)
	}
}

// TestUpgradeBySomebodyElse is about a program that waits for an upgrade: it
// sees it without opening the file again.
func TestUpgradeBySomebodyElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	save(t, openKnowing(t, path, schema.Known()), "k", "1")
	known := later(2, 2, addition)
	waits, upgrades := openKnowing(t, path, known), openKnowing(t, path, known)
	refusesWrites(t, waits, idxdb.ErrReadOnly)
	_, _, err := upgrades.Upgrade(ctx)
	must(t, err)
	save(t, waits, "k", "[2]")
	if got := load(t, upgrades, "k", 0); got != "[2]" {
		t.Errorf("got %q", got)
	}
}

// TestUpgradeBesideOldWriters upgrades a file while old programs save and load.
// Each of their saves is acknowledged and there afterwards, or refused.
func TestUpgradeBesideOldWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	now := later(2, 2, addition+"DROP TABLE garbage;\nCREATE TABLE garbage (\n  chunk_id INTEGER PRIMARY KEY,\n  epoch INTEGER NOT NULL\n);\n")
	save(t, openKnowing(t, path, schema.Known()), "k", "1")
	s := openKnowing(t, path, now)
	var running sync.WaitGroup
	acknowledged, started := make([]int, 3), make(chan bool, 3)
	for i := range acknowledged {
		old := openKnowing(t, path, schema.Known())
		running.Go(func() {
			for n := 1; ; n++ {
				_, err := old.Save(ctx, fmt.Sprint("old", i), idxdb.Documents{State: strings.NewReader(fmt.Sprint(n))}, idxdb.SaveOptions{})
				if err != nil {
					if !errors.Is(err, idxdb.ErrNewerFormat) {
						t.Errorf("old program %d: save %d: %v", i, n, err)
					}
					if n <= 3 {
						started <- true // too early, but nobody shall wait
					}
					break
				}
				acknowledged[i] = n
				if n == 3 {
					started <- true
				}
			}
			if _, err := old.Load(ctx, "k", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrNewerFormat) {
				t.Errorf("old program %d loads after it was refused: %v", i, err)
			}
			for _, err := range old.List(ctx, idxdb.ListOptions{}) {
				if !errors.Is(err, idxdb.ErrNewerFormat) {
					t.Errorf("old program %d lists after it was refused: %v", i, err)
				}
			}
		})
	}
	for range acknowledged {
		<-started
	}
	from, to, err := s.Upgrade(ctx)
	if from != 1 || to != 2 || err != nil {
		t.Errorf("upgrade: %d, %d, %v", from, to, err)
	}
	running.Wait()
	for i, n := range acknowledged {
		if got := load(t, s, fmt.Sprint("old", i), 0); got != fmt.Sprint(n) {
			t.Errorf("old program %d: %d saves were acknowledged, the newest is %s", i, n, got)
		}
	}
	save(t, s, "k", "[2]")
	clean(t, s)
}
