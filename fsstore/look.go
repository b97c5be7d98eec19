package fsstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/idxdb/idxdb"
)

// A view is what is there of a key at one moment.
type view struct {
	key  string
	dir  string  // the name of its directory; only with head
	rec  *record // nil if there is none
	head *head   // nil if the key does not exist
	// adopt is set if head is not what the record says: another program has saved
	// since, or the files were copied.
	adopt   bool
	foreign bool // another program has saved since
	paths   [2]string
	version idxdb.Version
}

func (v *view) path(doc idxdb.Doc) string {
	if doc == idxdb.SearchDoc {
		return v.paths[1]
	}
	return v.paths[0]
}

// current returns the version that conditions are checked against.
func (v *view) current() *idxdb.Version {
	if v.head == nil {
		return nil
	}
	c := v.version
	return &c
}

// last returns the highest number given out.
func (v *view) last() int64 {
	var n int64
	if v.rec != nil {
		n = v.rec.Last
	}
	if v.head != nil {
		n = max(n, v.head.Number)
	}
	return n
}

// wasHead returns the head that a change replaces and that no record has.
func (v *view) wasHead() *head {
	if v.foreign {
		return v.head
	}
	return nil
}

// maxLooks bounds how often a reader looks again because something changed while
// it looked. A look takes far less time than a save.
const maxLooks = 200

var errChanging = errors.New("it changes again and again while it is looked at")

func pause(try int) {
	if try > 3 {
		time.Sleep(time.Millisecond)
	}
}

// look returns what is there of key.
//
// No lock is taken. Where the files are those that the key's record describes,
// the record is right. Where they are not, either a commit went on meanwhile,
// and then it shows in the pending record or in the key's record on a second
// look, since a commit ends by writing the one and removing the other; or another
// program has changed the files.
func (s *Store) look(ctx context.Context, key string) (*view, error) {
	for try := range maxLooks {
		pause(try)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		before, err := s.snapshot(key)
		if err != nil {
			return nil, err
		}
		v, sure, err := s.judge(ctx, key, before)
		if err != nil {
			return nil, err
		}
		if v != nil && sure {
			return v, nil
		}
		after, err := s.snapshot(key)
		if err != nil {
			return nil, err
		}
		if v != nil && before.equal(after) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("%q: %w", key, errChanging)
}

// A snapshot is what the store says of a key, apart from its files.
type snapshot struct {
	pendingText, recordText []byte
	owner                   string // whose the directory named like the key is
	pending                 *pending
	record                  *record
}

func (a *snapshot) equal(b *snapshot) bool {
	return a.owner == b.owner && bytes.Equal(a.pendingText, b.pendingText) && bytes.Equal(a.recordText, b.recordText)
}

func (s *Store) snapshot(key string) (*snapshot, error) {
	var snap snapshot
	var err error
	if snap.pending, snap.pendingText, err = s.readPending(); err != nil {
		return nil, err
	}
	path := s.recordPath(key)
	if snap.recordText, err = readOptional(path); err != nil {
		return nil, err
	}
	if snap.record, err = decodeRecord(path, key, snap.recordText); err != nil {
		return nil, err
	}
	if canBeDir(key) {
		if snap.owner, err = s.claim(key); err != nil {
			return nil, err
		}
	}
	return &snap, nil
}

// judge finds the key's files and decides which version they are. sure is set if
// nothing that may happen meanwhile could make that wrong. The view is nil if
// the files changed too fast.
func (s *Store) judge(ctx context.Context, key string, snap *snapshot) (v *view, sure bool, err error) {
	v = &view{key: key, rec: snap.record}
	owner := snap.owner
	var moves *change
	if snap.pending != nil {
		if moves, owner, err = s.overlay(v, snap.pending, owner); err != nil {
			return nil, false, err
		}
	}
	switch {
	case v.rec != nil && v.rec.Head != nil:
		v.dir = v.rec.Dir
	case key == rootKey, canBeDir(key) && (owner == "" || owner == key):
		v.dir = key
	default:
		return v, false, nil
	}
	var ids [2]*fileID
	for i, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
		if v.paths[i], ids[i], err = s.find(v.dir, doc, moves); err != nil {
			return nil, false, err
		}
	}
	if ids[0] == nil {
		return v, false, nil
	}
	if v.rec != nil && v.rec.Head != nil {
		h := v.rec.Head
		if sameID(ids[0], h.fileID(idxdb.StateDoc)) && sameID(ids[1], h.fileID(idxdb.SearchDoc)) {
			v.head = h
			v.version, err = h.version(key)
			return v, true, err
		}
	}
	ok, err := s.judgeForeign(ctx, v, ids)
	if err != nil || !ok {
		return nil, false, err
	}
	return v, false, nil
}

// overlay puts into v what a pending commit says of its key. It returns the
// change that moves the key's files, and whose the directory named like the key
// is.
func (s *Store) overlay(v *view, p *pending, owner string) (*change, string, error) {
	var moves *change
	for i := range p.Changes {
		c := &p.Changes[i]
		ok, err := s.holds(c)
		if err != nil {
			return nil, "", err
		}
		if !ok {
			continue
		}
		if c.Record.Key == v.key {
			v.rec, moves = &c.Record, c
		}
		for j := range c.Others {
			if c.Others[j].Key == v.key {
				v.rec = &c.Others[j]
			}
		}
		for _, dir := range c.Unclaim {
			if dir == v.key {
				owner = ""
			}
		}
		if c.Record.Head != nil && c.Dir == v.key {
			owner = c.Record.Key
		}
	}
	return moves, owner, nil
}

// find returns the path and the fileID of a document's file, nil if there is
// none.
func (s *Store) find(dir string, doc idxdb.Doc, c *change) (string, *fileID, error) {
	path := s.docPath(dir, doc)
	if c != nil {
		m := c.move(doc)
		if m.New == nil {
			return path, nil, nil
		}
		if m.Temp != "" {
			temp := filepath.Join(s.dir, m.Temp)
			id, err := statID(temp)
			if err != nil || sameID(id, m.New) {
				return temp, id, err
			}
		}
	}
	id, err := statID(path)
	return path, id, err
}

// open opens a document of the version that v describes, and returns nil if it
// is not there any more.
func (v *view) open(doc idxdb.Doc) (*os.File, error) {
	f, err := os.Open(v.path(doc))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if id := idOf(info); !sameID(&id, v.head.fileID(doc)) {
		f.Close()
		return nil, nil
	}
	return f, nil
}
