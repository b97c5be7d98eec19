package sqlitestore_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestUnknownOutcome makes the commit of each kind of change fail in a way that
// leaves open whether it happened, both where it did and where it did not.
func TestUnknownOutcome(t *testing.T) {
	id := idxdb.NewID()
	item := func(key string) idxdb.BatchItem {
		return idxdb.BatchItem{Key: key, Open: func() (idxdb.Documents, func(), error) {
			return idxdb.Documents{State: strings.NewReader("[9]")}, func() {}, nil
		}}
	}
	for name, test := range map[string]struct {
		run func(*sqlitestore.Store) error
		key string
		id  idxdb.ID
	}{
		"Save": {func(s *sqlitestore.Store) error {
			_, err := s.Save(ctx, "k", idxdb.Documents{State: strings.NewReader("[2]")}, idxdb.SaveOptions{ID: id})
			return err
		}, "k", id},
		"Batch": {func(s *sqlitestore.Store) error {
			_, err := s.SaveBatch(ctx, []idxdb.BatchItem{item("a"), item("b")})
			return err
		}, "a", idxdb.ID{}},
		"Delete": {func(s *sqlitestore.Store) error { return s.Delete(ctx, "k", idxdb.DeleteOptions{}) }, "k", idxdb.ID{}},
		"Rename": {func(s *sqlitestore.Store) error { return s.Rename(ctx, "k", "new") }, "new", idxdb.ID{}},
		"Clone": {func(s *sqlitestore.Store) error {
			_, err := s.Clone(ctx, "k", "new", false)
			return err
		}, "new", idxdb.ID{}},
		"Lease": {func(s *sqlitestore.Store) error {
			_, err := s.Lease(ctx, "k", idxdb.LeaseOptions{})
			return err
		}, "", idxdb.ID{}},
	} {
		for _, happened := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				s := open(t, filepath.Join(t.TempDir(), "team.idx"))
				save(t, s, "k", "[1]")
				restore := sqlitestore.FailCommit(happened)
				err := test.run(s)
				restore()
				e, ok := errors.AsType[*idxdb.OutcomeUnknownError](err)
				if !ok || !errors.Is(err, idxdb.ErrOutcomeUnknown) {
					t.Fatalf("%v, want an unknown outcome", err)
				}
				if e.Key != test.key || e.ID != test.id {
					t.Errorf("it is of %q and id %s: %v", e.Key, e.ID, err)
				}
				if test.id.IsZero() && strings.Contains(err.Error(), idxdb.ID{}.String()) {
					t.Errorf("it speaks of an id: %v", err)
				}
				clean(t, s)
			})
		}
	}
}

// TestUnknownOutcomeOfAPart is about chunks that are stored before the save that
// needs them: then the save has certainly not happened.
func TestUnknownOutcomeOfAPart(t *testing.T) {
	sqlitestore.SetStageLimit(t, 1)
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	restore := sqlitestore.FailCommit(true)
	_, err := s.Save(ctx, "k", idxdb.Documents{State: strings.NewReader(document(1, 10_000))}, idxdb.SaveOptions{})
	restore()
	if err == nil || errors.Is(err, idxdb.ErrOutcomeUnknown) {
		t.Errorf("%v, want an error that is certain", err)
	}
	for v, err := range s.List(context.Background(), idxdb.ListOptions{}) {
		t.Errorf("there is %q, %v", v.Key, err)
	}
	clean(t, s)
}
