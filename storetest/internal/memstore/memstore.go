// Package memstore is the smallest complete [idxdb.Store]: maps under a mutex.
// The conformance suite is tested with it. An acknowledged save survives until
// the process ends; everything is held in memory.
package memstore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
)

// Faults are defects that a test may ask for, to see that they are found.
type Faults struct {
	ForgetNumbers bool // a key starts from 1 again after it was deleted
	KeepSearch    bool // a save without search keeps the former search document
	TornSave      bool // a save stores the state before it looks at search
	Unordered     bool // List is not sorted
	NoRetry       bool // a save's id is not looked for
	BlindRetry    bool // a retry's bytes are not compared
	LateCondition bool // unchanged is decided before the condition
	NoUnchanged   bool // equal bytes make a new version
	TornBatch     bool // a batch saves what comes before the bad item
	RenumberOne   bool // Rename starts to from 1 though it had versions
	LongMemory    bool // a save's id is found among the versions of a deleted key
	NoLimits      bool // numbers and what is imported are not looked at
}

// A Store is one handle on a store.
type Store struct {
	*data
	readOnly bool
	closed   chan struct{}
	once     sync.Once
}

type data struct {
	faults Faults
	mu     sync.Mutex
	keys   map[string]*entry
}

// An entry is a key. It stays when the key is deleted, for the sake of last.
type entry struct {
	versions []*version // oldest first
	gone     []*version // with Faults.LongMemory: those that were deleted
	first    int64      // versions below it were deleted
	last     int64      // the highest number ever given out
}

type version struct {
	idxdb.Version
	docs map[idxdb.Doc]string
}

var all = struct {
	sync.Mutex
	byDir map[string]*data
}{byDir: make(map[string]*data)}

// Open opens the store that belongs to dir. Nothing is ever written there.
func Open(dir string, opts idxdb.OpenOptions, faults Faults) (*Store, error) {
	dir = filepath.Clean(dir)
	all.Lock()
	defer all.Unlock()
	d := all.byDir[dir]
	if d == nil {
		if !opts.Create {
			return nil, fmt.Errorf("open %s: no store is there: %w", dir, idxdb.ErrNotFound)
		}
		d = &data{faults: faults, keys: make(map[string]*entry)}
		all.byDir[dir] = d
	}
	return &Store{data: d, readOnly: opts.ReadOnly, closed: make(chan struct{})}, nil
}

// Close implements [idxdb.Store].
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// enter is what every method does first.
func (s *Store) enter(ctx context.Context, writes bool, keys ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.isClosed() {
		return idxdb.ErrClosed
	}
	for _, k := range keys {
		if err := idxdb.CheckKey(k); err != nil {
			return err
		}
	}
	if writes && s.readOnly {
		return idxdb.ErrReadOnly
	}
	return nil
}

// newest returns the newest version of key, nil if there is none.
func (d *data) newest(key string) *version {
	e := d.keys[key]
	if e == nil || len(e.versions) == 0 {
		return nil
	}
	return e.versions[len(e.versions)-1]
}

func (d *data) entry(key string) *entry {
	if d.keys[key] == nil {
		d.keys[key] = &entry{}
	}
	return d.keys[key]
}

func (d *data) withID(key string, id idxdb.ID) *version {
	if e := d.keys[key]; e != nil {
		for _, v := range slices.Concat(e.versions, e.gone) {
			if v.ID == id {
				return v
			}
		}
	}
	return nil
}

// end takes all versions from a key.
func (d *data) end(key string) {
	e := d.keys[key]
	if d.faults.LongMemory {
		e.gone = append(e.gone, e.versions...)
	}
	e.versions, e.first = nil, e.last+1
}

// next returns the highest of the next n numbers after last.
func (d *data) next(last, n int64) (int64, error) {
	if d.faults.NoLimits {
		return last + n, nil
	}
	return idxdb.NextNumbers(last, n)
}

func (d *data) check(key string, cond idxdb.Condition) error {
	var current *idxdb.Version
	if v := d.newest(key); v != nil {
		copied := v.Version
		current = &copied
	}
	return cond.Check(key, current)
}

// Load implements [idxdb.Store].
func (s *Store) Load(ctx context.Context, key string, opts idxdb.LoadOptions) (*idxdb.Document, error) {
	if err := s.enter(ctx, false, key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.newest(key)
	if v == nil {
		return nil, &idxdb.NotFoundError{Key: key}
	}
	if opts.Version != 0 {
		v = nil
		for _, have := range s.keys[key].versions {
			if have.Number == opts.Version {
				v = have
			}
		}
		if v == nil {
			return nil, &idxdb.NotFoundError{Key: key, Version: opts.Version}
		}
	}
	doc := opts.DocOrDefault()
	text, ok := v.docs[doc]
	if !ok {
		return nil, &idxdb.NotFoundError{Key: key, Version: opts.Version, Doc: doc}
	}
	return &idxdb.Document{
		Version: v.Version,
		Doc:     doc,
		Size:    int64(len(text)),
		Body:    &body{text: strings.NewReader(text), store: s},
	}, nil
}

type body struct {
	text  *strings.Reader
	store *Store
}

func (b *body) Read(p []byte) (int, error) {
	if b.store.isClosed() {
		return 0, idxdb.ErrClosed
	}
	return b.text.Read(p)
}

func (b *body) Close() error { return nil }

// Delete implements [idxdb.Store].
func (s *Store) Delete(ctx context.Context, key string, opts idxdb.DeleteOptions) error {
	if err := s.enter(ctx, true, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest(key) == nil {
		return &idxdb.NotFoundError{Key: key}
	}
	if err := s.check(key, opts.If); err != nil {
		return err
	}
	s.end(key)
	if s.faults.ForgetNumbers {
		delete(s.keys, key)
	}
	return nil
}

// List implements [idxdb.Store].
func (s *Store) List(ctx context.Context, opts idxdb.ListOptions) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		if err := s.enter(ctx, false); err != nil {
			yield(idxdb.Version{}, err)
			return
		}
		for _, v := range s.snapshot(opts) {
			if err := ctx.Err(); err != nil {
				yield(idxdb.Version{}, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (s *Store) snapshot(opts idxdb.ListOptions) []idxdb.Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []idxdb.Version
	keys := slices.Sorted(maps.Keys(s.keys))
	if s.faults.Unordered {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		v := s.newest(k)
		switch {
		case v == nil || !strings.HasPrefix(k, opts.Prefix):
		case opts.NamesOnly:
			out = append(out, idxdb.Version{Key: k})
		default:
			out = append(out, v.Version)
		}
	}
	return out
}

// Log implements [idxdb.Historian].
func (s *Store) Log(ctx context.Context, key string) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		if err := s.enter(ctx, false, key); err != nil {
			yield(idxdb.Version{}, err)
			return
		}
		versions := s.versions(key)
		if len(versions) == 0 {
			yield(idxdb.Version{}, &idxdb.NotFoundError{Key: key})
			return
		}
		for _, v := range slices.Backward(versions) {
			if !yield(v.Version, nil) {
				return
			}
		}
	}
}

func (s *Store) versions(key string) []*version {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.keys[key]; e != nil {
		return slices.Clone(e.versions)
	}
	return nil
}

// now has no monotonic clock, as any time that comes back from a disk.
func now() time.Time { return time.Now().Round(0) }
