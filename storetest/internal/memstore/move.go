package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
)

// Rename implements [idxdb.Renamer].
func (s *Store) Rename(ctx context.Context, from, to string) error {
	if err := s.enter(ctx, true, from, to); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.vacant(from, to); err != nil {
		return err
	}
	if s.faults.RenumberOne {
		s.entry(to).last = 0
	}
	if err := s.copyTo(to, s.keys[from].versions); err != nil {
		return err
	}
	s.end(from)
	return nil
}

// Clone implements [idxdb.Cloner].
func (s *Store) Clone(ctx context.Context, from, to string, allVersions bool) (int, error) {
	if err := s.enter(ctx, true, from, to); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.vacant(from, to); err != nil {
		return 0, err
	}
	versions := s.keys[from].versions
	if !allVersions {
		versions = versions[len(versions)-1:]
	}
	if err := s.copyTo(to, versions); err != nil {
		return 0, err
	}
	return len(versions), nil
}

func (s *Store) vacant(from, to string) error {
	if s.newest(from) == nil {
		return &idxdb.NotFoundError{Key: from}
	}
	return s.check(to, idxdb.IfVersion(0))
}

// copyTo gives key copies of versions. Numbers stay unless key had some before.
func (s *Store) copyTo(key string, versions []*version) error {
	e := s.entry(key)
	used := e.last > 0
	if used {
		if _, err := s.next(e.last, int64(len(versions))); err != nil {
			return err
		}
	}
	for _, v := range versions {
		copied := *v
		copied.Key = key
		if used {
			copied.Number = e.last + 1
		}
		e.last = copied.Number
		e.versions = append(e.versions, &copied)
	}
	return nil
}

// Import implements [idxdb.Importer].
func (s *Store) Import(ctx context.Context, v idxdb.Version, docs idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	if err := idxdb.CheckImport(v); err != nil && !s.faults.NoLimits {
		return idxdb.Saved{}, fmt.Errorf("import: %w", err)
	}
	opts := idxdb.SaveOptions{ID: v.ID, By: v.SavedBy, Message: v.Message}
	n, err := s.prepare(ctx, v.Key, docs, opts)
	if err != nil {
		return idxdb.Saved{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(v.Key, cond); err != nil {
		return idxdb.Saved{}, fmt.Errorf("import: %w", err)
	}
	if have := s.withID(v.Key, v.ID); have != nil {
		return idxdb.Saved{Version: have.Version, Unchanged: true}, nil
	}
	e := s.entry(v.Key)
	at, taken := slices.BinarySearchFunc(e.versions, v.Number, func(have *version, number int64) int {
		return cmp.Compare(have.Number, number)
	})
	if v.Number > e.last || v.Number >= e.first && !taken && at < len(e.versions) {
		n.Number = v.Number
	} else if n.Number, err = s.next(e.last, 1); err != nil {
		return idxdb.Saved{}, fmt.Errorf("import: %w", err)
	} else {
		at = len(e.versions)
	}
	n.SavedAt = v.SavedAt.UTC()
	e.last = max(e.last, n.Number)
	e.versions = slices.Insert(e.versions, at, n)
	return idxdb.Saved{Version: n.Version, NewBytes: n.State.Size}, nil
}
