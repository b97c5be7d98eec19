package fsstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/idxdb/idxdb"
)

// replace returns the change that makes h the head of v's key, whose temporary
// files the caller names. taken are the directories that the same commit has
// given away already.
func (s *Store) replace(ctx context.Context, v *view, h *head, taken map[string]bool) (*change, error) {
	c := &change{Dir: v.dir}
	rec := v.rec
	if v.head == nil {
		if err := s.allocate(ctx, v, c, taken); err != nil {
			return nil, err
		}
		if rec != nil { // by whomever the key was deleted
			ended := rec.next(v.key, "", nil, nil)
			rec = &ended
		}
	}
	if err := s.canMoveInto(s.path(c.Dir)); err != nil {
		return nil, err
	}
	taken[c.Dir] = true
	c.Record = rec.next(v.key, c.Dir, v.wasHead(), h)
	for _, m := range []struct {
		doc idxdb.Doc
		m   *move
	}{{idxdb.StateDoc, &c.State}, {idxdb.SearchDoc, &c.Search}} {
		old, err := statID(s.docPath(c.Dir, m.doc))
		if err != nil {
			return nil, err
		}
		if v.head != nil && !sameID(old, v.head.fileID(m.doc)) {
			return nil, fmt.Errorf("%s: %w by another program: try again", s.path(c.Dir), errChanging)
		}
		*m.m = move{New: h.fileID(m.doc), Old: old}
	}
	return c, nil
}

// allocate chooses a directory for a key that has none.
func (s *Store) allocate(ctx context.Context, v *view, c *change, taken map[string]bool) error {
	for _, name := range names(v.key) {
		if taken[name] {
			continue
		}
		if name == rootDir {
			c.Dir = name
			return nil
		}
		info, err := os.Stat(s.path(name))
		if err == nil && !info.IsDir() {
			continue
		}
		if id, err := statID(s.docPath(name, idxdb.StateDoc)); err != nil {
			return err
		} else if id != nil {
			continue
		}
		// Free, but perhaps claimed by a key whose files ctxc has deleted.
		owner, err := s.claim(name)
		if err != nil {
			return err
		}
		if owner != "" && owner != v.key {
			old, err := s.look(ctx, owner)
			if err != nil {
				return err
			}
			if old.rec != nil && old.rec.Head != nil && old.rec.Dir == name {
				c.Others = append(c.Others, old.rec.next(owner, "", nil, nil))
			}
		}
		c.Dir = name
		return nil
	}
	return fmt.Errorf("no directory is free for the key: %s", strings.Join(names(v.key), ", "))
}

func (s *Store) relative(path string) string {
	rel, err := filepath.Rel(s.dir, path)
	if err != nil {
		return path // cannot be: it is below s.dir
	}
	return rel
}

// canMoveInto makes sure that files can be moved into dir, or into the directory
// above it if it does not exist. A commit that cannot be carried out would stand
// in the way of all others.
func (s *Store) canMoveInto(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) && dir != s.dir {
		dir = filepath.Dir(dir)
		info, err = os.Stat(dir)
	}
	if err != nil {
		return err
	}
	own, err := os.Stat(s.own(tempDir))
	if err != nil {
		return err
	}
	if device(info) != device(own) {
		return fmt.Errorf("%w: %s is on another file system than %s, and files cannot be moved there in one step",
			idxdb.ErrUnsupported, dir, s.own())
	}
	if err := writable(dir); err != nil {
		return writeError(&fs.PathError{Op: "write to", Path: dir, Err: err})
	}
	return nil
}

// commit makes the changes happen, all or none. An OutcomeUnknownError says that
// they may have happened, or are half carried out, in which case the next one to
// take the lock does the rest. After other errors nothing has happened.
func (s *Store) commit(changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	var id [16]byte
	rand.Read(id[:])
	p := pending{ID: hex.EncodeToString(id[:]), Changes: changes}
	if err := s.disk.put(s.own(pendingFile), s.mode(), p); err != nil {
		now, _, readErr := s.readPending()
		if readErr == nil && (now == nil || now.ID != p.ID) {
			return writeError(err)
		}
		return s.leave(err)
	}
	for i := range changes {
		if err := s.apply(&changes[i]); err != nil {
			return s.leave(err)
		}
	}
	// All is done. If the record stays, the next one finds that nothing is left.
	_ = s.disk.remove(s.own(pendingFile))
	return nil
}

// leave leaves a commit for the next one to take the lock, and with it the
// temporary files that it names.
func (s *Store) leave(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.session.needed = true
	}
	return &idxdb.OutcomeUnknownError{Err: err}
}
