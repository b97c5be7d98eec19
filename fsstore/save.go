package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
)

// Save stores docs as the next version of key. See [idxdb.Store].
func (s *Store) Save(ctx context.Context, key string, docs idxdb.Documents, opts idxdb.SaveOptions) (idxdb.Saved, error) {
	saved, err := s.saveAll(ctx, "save", []request{{key: key, opts: opts, open: func() (idxdb.Documents, func(), error) {
		return docs, func() {}, nil
	}}})
	if err != nil {
		return idxdb.Saved{}, idxdb.OpError("save", key, err)
	}
	return saved[0], nil
}

// SaveBatch stores all items or none. See [idxdb.BatchSaver]. If the process
// dies while it carries out the commit, the next one to take the lock carries
// out the rest, except for keys that another program has saved since.
func (s *Store) SaveBatch(ctx context.Context, items []idxdb.BatchItem) ([]idxdb.Saved, error) {
	list := make([]request, len(items))
	for i, item := range items {
		list[i] = request{key: item.Key, opts: item.Opts, open: item.Open}
	}
	saved, err := s.saveAll(ctx, "save a batch", list)
	if err != nil {
		if len(list) == 1 {
			return nil, idxdb.OpError("save batch", list[0].key, err)
		}
		return nil, fmt.Errorf("save batch: %w", err)
	}
	return saved, nil
}

// Import stores a version that another store made. See [idxdb.Importer]. A
// version that is older than the newest here is read, and not kept.
func (s *Store) Import(ctx context.Context, v idxdb.Version, docs idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	if err := idxdb.CheckImport(v); err != nil {
		return idxdb.Saved{}, idxdb.OpError("import", v.Key, err)
	}
	opts := idxdb.SaveOptions{If: cond, Message: v.Message, ID: v.ID, By: v.SavedBy}
	saved, err := s.saveAll(ctx, "import", []request{{key: v.Key, opts: opts, imported: &v, open: func() (idxdb.Documents, func(), error) {
		return docs, func() {}, nil
	}}})
	if err != nil {
		return idxdb.Saved{}, idxdb.OpError("import", v.Key, err)
	}
	return saved[0], nil
}

// A request is one save of a commit.
type request struct {
	key      string
	opts     idxdb.SaveOptions
	open     func() (docs idxdb.Documents, done func(), err error)
	imported *idxdb.Version // set if it is not a new version but another store's

	staged *staged
}

func (r *request) check() error {
	if err := idxdb.CheckKey(r.key); err != nil {
		return err
	}
	if err := idxdb.RefuseLease(r.opts.Lease); err != nil {
		return err
	}
	if m := r.opts.Message; len(m) > idxdb.MaxMessageLen || !utf8.ValidString(m) {
		return fmt.Errorf("%w: a message is at most %d bytes of UTF-8", idxdb.ErrUsage, idxdb.MaxMessageLen)
	}
	return nil
}

func (s *Store) saveAll(ctx context.Context, operation string, list []request) (saved []idxdb.Saved, err error) {
	if err := s.usable(ctx, true); err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for i := range list {
		if err := list[i].check(); err != nil {
			return nil, inBatch(list, i, err)
		}
		if keys[list[i].key] {
			return nil, fmt.Errorf("%w: %q is in the batch twice", idxdb.ErrUsage, list[i].key)
		}
		keys[list[i].key] = true
	}
	defer func() {
		if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, idxdb.ErrOutcomeUnknown) {
			if gone := s.replaced(); gone != nil {
				err = gone
			}
		}
		for _, r := range list {
			if r.staged != nil {
				s.discard(r.staged, err)
			}
		}
	}()
	for i := range list {
		if err := s.stageRequest(ctx, &list[i]); err != nil {
			return nil, inBatch(list, i, err)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	err = s.change(ctx, operation, func() error {
		saved, err = s.saveStaged(ctx, list)
		return err
	})
	return saved, err
}

// inBatch says which of many saves err is about. Where there is one, the caller
// does.
func inBatch(list []request, i int, err error) error {
	if len(list) == 1 {
		return err
	}
	return idxdb.OpError("", list[i].key, err)
}

// stageRequest reads the documents, and flushes them to the disk unless they
// seem to be there already: that takes long and needs no lock.
func (s *Store) stageRequest(ctx context.Context, r *request) error {
	docs, done, err := r.open()
	if err != nil {
		return err
	}
	defer done()
	if r.staged, err = s.stage(ctx, docs); err != nil {
		return err
	}
	now, err := s.look(ctx, r.key)
	h := r.staged.head()
	if err == nil && now.head != nil && now.head.content() == h.content() {
		return nil
	}
	return s.sync(r.staged)
}

// saveStaged commits all of list. The lock is held.
func (s *Store) saveStaged(ctx context.Context, list []request) ([]idxdb.Saved, error) {
	saved := make([]idxdb.Saved, len(list))
	var changes []change
	taken := map[string]bool{}
	for i := range list {
		r := &list[i]
		v, err := s.look(ctx, r.key)
		if err != nil {
			return nil, err
		}
		var h *head
		if saved[i], h, err = plan(r, v); err != nil {
			return nil, inBatch(list, i, err)
		}
		if h == nil {
			continue
		}
		if err := s.sync(r.staged); err != nil {
			return nil, err
		}
		h.State.File = r.staged.state.File
		if h.Search != nil {
			h.Search = &r.staged.search.document
		}
		c, err := s.replace(ctx, v, h, taken)
		if err != nil {
			return nil, err
		}
		c.State.Temp = s.relative(r.staged.state.path)
		if r.staged.search != nil {
			c.Search.Temp = s.relative(r.staged.search.path)
		}
		changes = append(changes, *c)
	}
	if err := s.commit(changes); err != nil {
		if len(list) > 1 {
			return nil, unknown(err, list[0].key, idxdb.ID{})
		}
		return nil, unknown(err, list[0].key, saved[0].Version.ID)
	}
	return saved, nil
}

// unknown adds to the error of a commit that may have happened what it takes to
// find out: the key, and the id of a save that can be repeated with it.
func unknown(err error, key string, id idxdb.ID) error {
	if e, ok := errors.AsType[*idxdb.OutcomeUnknownError](err); ok {
		e.Key, e.ID = key, id
	}
	return err
}

// plan decides what a save comes to. The head is nil if nothing is to be written.
func plan(r *request, v *view) (idxdb.Saved, *head, error) {
	h := r.staged.head()
	if saved, done, err := repeated(r, v, &h); done || err != nil {
		return saved, nil, err
	}
	if err := r.opts.If.Check(r.key, v.current()); err != nil {
		return idxdb.Saved{}, nil, err
	}
	if v.head != nil && r.imported == nil && v.head.content() == h.content() {
		return idxdb.Saved{Version: v.version, Unchanged: true}, nil, nil
	}
	h.SavedAt = time.Now().UTC().Truncate(time.Microsecond)
	id := r.opts.ID
	if id.IsZero() {
		id = idxdb.NewID()
	}
	h.ID, h.Message, h.SavedBy = id.String(), r.opts.Message, author(r.opts.By)
	if r.opts.By == (idxdb.Author{}) && r.imported == nil {
		self := filelock.Self("")
		h.SavedBy = author{User: self.User, Host: self.Host, Program: filepath.Base(os.Args[0])}
	}
	var err error
	if in := r.imported; in != nil {
		h.SavedAt = in.SavedAt.UTC().Truncate(time.Microsecond)
		h.Number = in.Number
		if v.belongsBelow(in.Number) {
			version, err := h.version(r.key) // nothing is kept there
			return idxdb.Saved{Version: version, Unchanged: true}, nil, err
		}
	}
	if h.Number <= v.last() {
		if h.Number, err = idxdb.NextNumbers(v.last(), 1); err != nil {
			return idxdb.Saved{}, nil, err
		}
	}
	version, err := h.version(r.key)
	return idxdb.Saved{Version: version, NewBytes: newBytes(&h, v.head)}, &h, err
}

// repeated finds out whether a save with this id has happened. Once the key is
// gone, it has not.
func repeated(r *request, v *view, h *head) (saved idxdb.Saved, done bool, err error) {
	if r.opts.ID.IsZero() || v.head == nil {
		return saved, false, nil
	}
	content := ""
	if v.version.ID == r.opts.ID {
		content, saved.Version = v.head.content(), v.version
	} else if v.rec != nil {
		for _, old := range v.rec.Recent {
			if old.ID == r.opts.ID.String() {
				content = old.Content
				saved.Version = idxdb.Version{Key: r.key, Number: old.Number, ID: r.opts.ID, SavedAt: old.SavedAt}
			}
		}
	}
	switch {
	case content == "":
		return saved, false, nil
	case content != h.content():
		return saved, false, fmt.Errorf("the id %s is that of another save, of other documents: %w",
			r.opts.ID, &idxdb.ConflictError{Key: r.key, Want: r.opts.If, Current: v.current()})
	}
	saved.Unchanged = true
	return saved, true, nil
}

// belongsBelow reports whether n is below the newest version's number and, as far
// as is known, was never given out.
func (v *view) belongsBelow(n int64) bool {
	if v.head == nil || n >= v.head.Number {
		return false
	}
	return v.rec == nil || n >= v.rec.First && !slices.ContainsFunc(v.rec.Recent, func(old recent) bool { return old.Number == n })
}

func newBytes(h, old *head) (n int64) {
	had := map[string]bool{}
	if old != nil {
		had[old.State.Digest] = true
		if old.Search != nil {
			had[old.Search.Digest] = true
		}
	}
	for _, d := range []*document{&h.State, h.Search} {
		if d != nil && !had[d.Digest] {
			n += d.File.Size
		}
	}
	return n
}
