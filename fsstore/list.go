package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/idxdb/idxdb"
)

// List yields the newest version of every key. See [idxdb.Store]. It reads a
// small record for each key, and the documents only where another program has
// saved them since.
func (s *Store) List(ctx context.Context, opts idxdb.ListOptions) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		list, err := s.list(ctx, opts)
		for _, v := range list {
			if ctxErr := ctx.Err(); ctxErr != nil {
				err = ctxErr
				break
			}
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			yield(idxdb.Version{}, fmt.Errorf("list %s: %w", s.dir, err))
		}
	}
}

// list returns what it could read, also with an error.
func (s *Store) list(ctx context.Context, opts idxdb.ListOptions) (list []idxdb.Version, err error) {
	for try := range 5 {
		if err := s.usable(ctx, false); err != nil {
			return nil, err
		}
		// A commit changes the directory of the pending record: one that went on
		// meanwhile may have been seen in part.
		before, _ := statDir(s.own())
		list, err = s.listOnce(ctx, opts)
		after, _ := statDir(s.own())
		if before == after {
			break
		}
		pause(try)
	}
	return list, err
}

func statDir(dir string) (fileID, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return fileID{}, err
	}
	return idOf(info), nil
}

func (s *Store) listOnce(ctx context.Context, opts idxdb.ListOptions) ([]idxdb.Version, error) {
	keys, err := s.keys(ctx)
	var list []idxdb.Version
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !strings.HasPrefix(key, opts.Prefix) {
			continue
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return list, ctxErr
		}
		v, keyErr := s.listed(ctx, key, keys[key], opts.NamesOnly)
		if keyErr != nil {
			err = errors.Join(err, keyErr)
		} else if v != nil {
			list = append(list, *v)
		}
	}
	return list, err
}

// listed returns the version of one key, nil if it does not exist.
func (s *Store) listed(ctx context.Context, key string, r *record, namesOnly bool) (*idxdb.Version, error) {
	if r != nil {
		state, err := statID(s.docPath(r.Dir, idxdb.StateDoc))
		if err != nil {
			return nil, err
		}
		if namesOnly && state != nil {
			return &idxdb.Version{Key: key}, nil
		}
		search, err := statID(s.docPath(r.Dir, idxdb.SearchDoc))
		if err != nil {
			return nil, err
		}
		if sameID(state, r.Head.fileID(idxdb.StateDoc)) && sameID(search, r.Head.fileID(idxdb.SearchDoc)) {
			v, err := r.Head.version(key)
			return &v, err
		}
	} else if namesOnly {
		return &idxdb.Version{Key: key}, nil
	}
	v, err := s.look(ctx, key)
	if err != nil || v.head == nil {
		return nil, err
	}
	return v.current(), nil
}

// keys returns all keys that may exist, with their records where they have one
// and no commit is pending. It returns what it could read also with an error.
func (s *Store) keys(ctx context.Context) (map[string]*record, error) {
	keys, owned := map[string]*record{}, map[string]bool{}
	p, _, err := s.readPending()
	if err != nil {
		return nil, err
	}
	if p != nil {
		for i := range p.Changes {
			keys[p.Changes[i].Record.Key] = nil // look will tell
			for _, r := range p.Changes[i].Others {
				keys[r.Key] = nil
			}
		}
	}
	names, err := os.ReadDir(s.own(keysDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var damaged error
	for _, e := range names {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		path := s.own(keysDir, e.Name())
		if filepath.Ext(path) != ".json" {
			continue
		}
		b, err := readOptional(path)
		if err != nil {
			return keys, err
		}
		r, err := decodeRecord(path, "", b)
		if err != nil {
			damaged = errors.Join(damaged, err)
			continue
		}
		if r == nil || r.Head == nil {
			continue
		}
		owned[r.Dir] = true
		if _, pending := keys[r.Key]; !pending {
			keys[r.Key] = r
		}
	}
	if p != nil {
		for i := range p.Changes {
			if c := &p.Changes[i]; c.Record.Head != nil {
				owned[c.Dir] = true
			}
		}
	}
	return keys, errors.Join(damaged, s.foreignKeys(keys, owned))
}

// foreignKeys adds the directories that no record owns.
func (s *Store) foreignKeys(keys map[string]*record, owned map[string]bool) error {
	dirs, err := os.ReadDir(filepath.Join(s.dir, indexesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	add := func(dir string) error {
		if owned[dir] {
			return nil
		}
		id, err := statID(s.docPath(dir, idxdb.StateDoc))
		if err != nil || id == nil {
			return err
		}
		if err := idxdb.CheckKey(dir); err != nil {
			s.opts.Warn(fmt.Sprintf("%s is left out: its name cannot be a key", s.path(dir)))
			return nil
		}
		keys[dir] = nil
		return nil
	}
	for _, e := range dirs {
		if !e.IsDir() && e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		if err := add(e.Name()); err != nil {
			return err
		}
	}
	return add(rootDir)
}
