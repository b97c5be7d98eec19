package fsstore

import (
	"context"
	"fmt"

	"github.com/idxdb/idxdb"
)

// Delete removes key. See [idxdb.Store]. Files in its directory that are not of
// the store stay there.
func (s *Store) Delete(ctx context.Context, key string, opts idxdb.DeleteOptions) error {
	err := s.checkChange(ctx, key)
	if err == nil {
		err = idxdb.RefuseLease(opts.Lease)
	}
	if err == nil {
		err = s.change(ctx, "delete", func() error { return s.delete(ctx, key, opts) })
	}
	if err != nil {
		return idxdb.OpError("delete", key, err)
	}
	return nil
}

func (s *Store) checkChange(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := idxdb.CheckKey(key); err != nil {
			return err
		}
	}
	return s.usable(ctx, true)
}

func (s *Store) delete(ctx context.Context, key string, opts idxdb.DeleteOptions) error {
	v, err := s.look(ctx, key)
	if err != nil {
		return err
	}
	if v.head == nil {
		return &idxdb.NotFoundError{Key: key}
	}
	if err := opts.If.Check(key, v.current()); err != nil {
		return err
	}
	if err := s.canMoveInto(s.path(v.dir)); err != nil {
		return err
	}
	err = s.commit([]change{{
		Dir:       v.dir,
		State:     move{Old: v.head.fileID(idxdb.StateDoc)},
		Search:    move{Old: v.head.fileID(idxdb.SearchDoc)},
		Record:    v.rec.next(key, "", v.wasHead(), nil),
		Unclaim:   unclaim(v.dir),
		RemoveDir: v.dir,
	}})
	return unknown(err, key, idxdb.ID{})
}

func unclaim(dir string) []string {
	if dir == rootDir {
		return nil
	}
	return []string{dir}
}

// Rename gives the key from the name to. See [idxdb.Renamer].
func (s *Store) Rename(ctx context.Context, from, to string) error {
	err := s.checkChange(ctx, from, to)
	if err == nil {
		err = s.change(ctx, "rename", func() error { return s.rename(ctx, from, to) })
	}
	if err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, err)
	}
	return nil
}

func (s *Store) rename(ctx context.Context, from, to string) error {
	src, dst, err := s.fromTo(ctx, from, to)
	if err != nil {
		return err
	}
	if err := s.canMoveInto(s.path(src.dir)); err != nil {
		return err
	}
	h := *src.head
	if h.Number, err = moved(h.Number, dst); err != nil {
		return err
	}
	c, err := s.replace(ctx, dst, &h, map[string]bool{})
	if err != nil {
		return err
	}
	c.State.Temp = s.relative(src.path(idxdb.StateDoc))
	if h.Search != nil {
		c.Search.Temp = s.relative(src.path(idxdb.SearchDoc))
	}
	c.Others = append(c.Others, src.rec.next(from, "", src.wasHead(), nil))
	c.Unclaim = unclaim(src.dir)
	c.RemoveDir = src.dir
	return unknown(s.commit([]change{*c}), to, idxdb.ID{})
}

// fromTo looks at a key that must exist and one that must not.
func (s *Store) fromTo(ctx context.Context, from, to string) (src, dst *view, err error) {
	if src, err = s.look(ctx, from); err != nil {
		return nil, nil, err
	}
	if src.head == nil {
		return nil, nil, &idxdb.NotFoundError{Key: from}
	}
	if dst, err = s.look(ctx, to); err != nil {
		return nil, nil, err
	}
	return src, dst, idxdb.IfVersion(0).Check(to, dst.current())
}

// moved returns the number that a version has as one of dst.
func moved(n int64, dst *view) (int64, error) {
	if last := dst.last(); last > 0 {
		return idxdb.NextNumbers(last, 1)
	}
	return n, nil
}

// Clone makes to a copy of from. See [idxdb.Cloner]. The files are copied byte
// by byte, since ctxc writes files in place, and would change both.
func (s *Store) Clone(ctx context.Context, from, to string, _ bool) (int, error) {
	err := s.checkChange(ctx, from, to)
	if err == nil {
		err = s.clone(ctx, from, to)
	}
	if err != nil {
		return 0, fmt.Errorf("clone %q as %q: %w", from, to, err)
	}
	return 1, nil
}

func (s *Store) clone(ctx context.Context, from, to string) (err error) {
	state, err := s.Load(ctx, from, idxdb.LoadOptions{})
	if err != nil {
		return err
	}
	defer state.Body.Close()
	docs := idxdb.Documents{State: state.Body}
	if state.Version.Search != nil {
		search, err := s.Load(ctx, from, idxdb.LoadOptions{Version: state.Version.Number, Doc: idxdb.SearchDoc})
		if err != nil {
			return err
		}
		defer search.Body.Close()
		docs.Search = search.Body
	}
	st, err := s.stage(ctx, docs)
	defer func() { s.discard(st, err) }()
	if err != nil {
		return err
	}
	if err := s.sync(st); err != nil {
		return err
	}
	return s.change(ctx, "clone", func() error {
		src, dst, err := s.fromTo(ctx, from, to)
		if err != nil {
			return err
		}
		h := *src.head
		copied := st.head()
		if h.content() != copied.content() {
			return fmt.Errorf("%w: %q was saved while it was copied: try again", idxdb.ErrConflict, from)
		}
		h.State, h.Search = copied.State, copied.Search
		if h.Number, err = moved(h.Number, dst); err != nil {
			return err
		}
		c, err := s.replace(ctx, dst, &h, map[string]bool{})
		if err != nil {
			return err
		}
		c.State.Temp = s.relative(st.state.path)
		if st.search != nil {
			c.Search.Temp = s.relative(st.search.path)
		}
		return unknown(s.commit([]change{*c}), to, idxdb.ID{})
	})
}
