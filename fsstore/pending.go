package fsstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb"
)

// A pending record is a commit. From the moment it is on the disk, all its
// changes have happened: readers read them through it, and whoever takes the
// lock next carries out what is left of them.
type pending struct {
	ID      string   `json:"id"` // random
	Changes []change `json:"changes"`
}

// A change is what happens to one key and its files.
type change struct {
	Dir       string   `json:"dir"` // where the files are moved to or removed from
	State     move     `json:"state"`
	Search    move     `json:"search"`
	Record    record   `json:"record"`              // of the key, afterwards
	Others    []record `json:"others,omitempty"`    // of keys that lose their directory by it
	Unclaim   []string `json:"unclaim,omitempty"`   // directories that are nobody's afterwards
	RemoveDir string   `json:"removeDir,omitempty"` // a directory to remove if it is empty then
}

// A move puts a temporary file into place, or removes what is there.
type move struct {
	Temp string  `json:"temp,omitempty"` // relative to the store's directory
	New  *fileID `json:"new"`            // of the temporary file; nil: there is to be no file
	Old  *fileID `json:"old"`            // of the file it replaces; nil: there was none
}

func (c *change) move(doc idxdb.Doc) move {
	if doc == idxdb.SearchDoc {
		return c.Search
	}
	return c.State
}

// readPending returns the commit that is being carried out, nil if there is
// none, and its text.
func (s *Store) readPending() (*pending, []byte, error) {
	path := s.own(pendingFile)
	b, err := readOptional(path)
	if err != nil || b == nil {
		return nil, nil, err
	}
	var p pending
	if err := decode(path, b, &p); err != nil {
		return nil, nil, err
	}
	for i := range p.Changes {
		if !p.Changes[i].valid() {
			return nil, nil, &idxdb.CorruptError{Detail: path + " names what is not of this store"}
		}
	}
	return &p, b, nil
}

// valid reports whether all names in c stay inside the store.
func (c *change) valid() bool {
	ok := isDirName(c.Dir) && c.Record.valid() && (c.RemoveDir == "" || isDirName(c.RemoveDir))
	for _, m := range []move{c.State, c.Search} {
		ok = ok && (m.Temp == "" || filepath.IsLocal(m.Temp))
	}
	for i := range c.Others {
		ok = ok && c.Others[i].valid()
	}
	for _, dir := range c.Unclaim {
		ok = ok && isDirName(dir)
	}
	return ok
}

// holds reports whether the change has happened or can still be carried out: its
// files are as it found them, or as it leaves them. If not, somebody else has
// changed them since.
func (s *Store) holds(c *change) (bool, error) {
	for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
		m := c.move(doc)
		var temp *fileID
		if m.New != nil && m.Temp != "" {
			var err error
			if temp, err = statID(filepath.Join(s.dir, m.Temp)); err != nil {
				return false, err
			}
		}
		// In this order: it may be renamed meanwhile.
		there, err := statID(s.docPath(c.Dir, doc))
		if err != nil {
			return false, err
		}
		done := sameID(there, m.New)
		possible := sameID(there, m.Old) && (m.New == nil || sameID(temp, m.New))
		if !done && !possible {
			return false, nil
		}
	}
	return true, nil
}

// apply carries out a change. It may have been carried out in part or in whole.
func (s *Store) apply(c *change) error {
	if c.State.New != nil {
		if err := s.disk.mkdirAll(s.path(c.Dir)); err != nil {
			return err
		}
	}
	for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
		if err := s.applyMove(c.move(doc), s.docPath(c.Dir, doc)); err != nil {
			return err
		}
	}
	if err := s.disk.syncDir(s.path(c.Dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if c.RemoveDir != "" && c.RemoveDir != rootDir {
		if err := s.removeDir(s.path(c.RemoveDir)); err != nil {
			return err
		}
	}
	return s.applyRecords(c)
}

func (s *Store) applyMove(m move, path string) error {
	there, err := statID(path)
	if err != nil {
		return err
	}
	switch {
	case sameID(there, m.New):
		return nil
	case !sameID(there, m.Old):
		// The next one to take the lock drops what we began.
		return fmt.Errorf("%s: another program has changed it in this moment", path)
	case m.New == nil:
		return s.disk.remove(path)
	}
	return s.disk.rename(filepath.Join(s.dir, m.Temp), path)
}

// removeDir removes a directory unless something is left in it.
func (s *Store) removeDir(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || len(list) > 0 {
		return err
	}
	if err := s.disk.remove(dir); err != nil {
		return err
	}
	return s.disk.syncDir(filepath.Dir(dir))
}

func (s *Store) applyRecords(c *change) error {
	if c.Record.Head != nil && c.Record.Dir != rootDir {
		owner, err := s.claim(c.Record.Dir)
		if err != nil {
			return err
		}
		if owner != c.Record.Key {
			if err := s.disk.put(s.claimPath(c.Record.Dir), s.mode(), claim{c.Record.Key}); err != nil {
				return err
			}
		}
	}
	for _, r := range append([]record{c.Record}, c.Others...) {
		if err := s.disk.put(s.recordPath(r.Key), s.mode(), r); err != nil {
			return err
		}
	}
	for _, dir := range c.Unclaim {
		if err := s.disk.remove(s.claimPath(dir)); err != nil {
			return err
		}
	}
	return nil
}

// A claim says whose a directory is.
type claim struct {
	Key string `json:"key"`
}

// claim returns the key that the directory belongs to, "" if nobody has claimed
// it.
func (s *Store) claim(dir string) (string, error) {
	b, err := readOptional(s.claimPath(dir))
	if err != nil || b == nil {
		return "", err
	}
	var c claim
	return c.Key, decode(s.claimPath(dir), b, &c)
}

// recover carries out what a process that died has left undone. The lock is
// held.
func (s *Store) recover() error {
	p, _, err := s.readPending()
	if err != nil || p == nil {
		return err
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		ok, err := s.holds(c)
		if err != nil {
			return err
		}
		if ok {
			err = s.apply(c)
		} else {
			err = s.drop(c)
		}
		if err != nil {
			return fmt.Errorf("carry out the unfinished change of %q: %w", c.Record.Key, writeError(err))
		}
	}
	return s.disk.remove(s.own(pendingFile))
}

// drop gives up a change, because its files were changed since. The number it
// had is not used again.
func (s *Store) drop(c *change) error {
	key := c.Record.Key
	b, err := readOptional(s.recordPath(key))
	if err != nil {
		return err
	}
	r, err := decodeRecord(s.recordPath(key), key, b)
	if err != nil {
		return err
	}
	if r == nil {
		r = &record{Key: key}
	}
	r.Last = max(r.Last, c.Record.Last)
	if err := s.disk.put(s.recordPath(key), s.mode(), *r); err != nil {
		return err
	}
	for _, m := range []move{c.State, c.Search} {
		if filepath.IsLocal(m.Temp) && filepath.Dir(filepath.Dir(m.Temp)) == filepath.Join(ownDir, tempDir) {
			if err := s.disk.remove(filepath.Join(s.dir, m.Temp)); err != nil {
				return err
			}
		}
	}
	s.opts.Warn(fmt.Sprintf("an unfinished change of %q was dropped: another program has changed %s since", key, s.path(c.Dir)))
	return nil
}
