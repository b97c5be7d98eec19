package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
)

var _ idxdb.Watcher = (*Store)(nil)

// Watch implements idxdb.Watcher.
//
// While nothing happens it sleeps. The system wakes it when somebody writes to
// the store's files, and a counter that SQLite keeps says whether anything was
// committed; only then is anything read. Once a second it looks at the counter in
// any case, and where the system tells nothing, twenty times a second.
func (s *Store) Watch(ctx context.Context, key string) iter.Seq2[idxdb.Change, error] {
	w := &watcher{s: s, key: key, heads: map[string]idxdb.ID{}, counter: -1}
	err := w.begin(ctx)
	return func(yield func(idxdb.Change, error) bool) {
		if err == nil {
			err = w.run(ctx, func(c idxdb.Change) bool { return yield(c, nil) })
		}
		if err != nil {
			yield(idxdb.Change{}, fmt.Errorf("watch: %w", err))
		}
	}
}

// compareShare is how much longer than a comparison of all keys takes the next one
// waits. Tests make it larger.
var compareShare time.Duration = 10

// A watcher knows the newest version of each key that it watches, as it was told
// last.
type watcher struct {
	s     *Store
	key   string              // "": all
	heads map[string]idxdb.ID // of keys that exist
	last  int64               // row id of the last version that was looked at

	mu sync.Mutex // held while cn is used
	cn *conn      // nil: not open yet, or closed by Store.Close

	counter int64     // SQLite's, when it was looked at last
	again   time.Time // when all keys may be compared again; see look
	partly  bool      // since they were compared, only new versions were looked at
}

// begin notes what there is now.
func (w *watcher) begin(ctx context.Context) error {
	if w.key != "" {
		if err := idxdb.CheckKey(w.key); err != nil {
			return err
		}
	}
	if w.s.immutable {
		return fmt.Errorf("%w: watching %s takes permission to write to it and its directory", idxdb.ErrUnsupported, w.s.path)
	}
	return w.s.view(ctx, func(cn *conn) error {
		_, err := w.compare(cn)
		return err
	})
}

// run yields changes until yield returns false or something fails.
func (w *watcher) run(ctx context.Context, yield func(idxdb.Change) bool) error {
	if err := w.open(); err != nil {
		return err
	}
	defer w.s.endWatch(w)
	wake := newAlarm(w.s.path)
	defer wake.close()
	for {
		changes, err := w.look()
		if err != nil {
			return err
		}
		for _, c := range changes {
			if !yield(c) {
				return nil
			}
		}
		var timeout <-chan time.Time
		if w.partly {
			timeout = time.After(time.Until(w.again))
		}
		if err := wake.wait(ctx, w.s.ctx, timeout); err != nil {
			return err
		}
	}
}

// open opens the connection that keeps count of commits.
func (w *watcher) open() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.s.closed {
		return idxdb.ErrClosed
	}
	cn, err := openConn(w.s.path, forReading, w.s.formats)
	if err != nil {
		return err
	}
	w.cn = cn
	w.s.watchers[w] = true
	return nil
}

// endWatch closes what a watcher has open. Store.Close does so too, whatever the
// watcher's loop is doing.
func (s *Store) endWatch(w *watcher) {
	s.mu.Lock()
	delete(s.watchers, w)
	s.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cn != nil {
		// Nothing was written through it.
		_ = w.cn.close()
		w.cn = nil
	}
}

func (s *Store) endWatches() {
	s.mu.Lock()
	list := slices.Collect(maps.Keys(s.watchers))
	s.mu.Unlock()
	for _, w := range list {
		s.endWatch(w)
	}
}

// look returns what changed since it looked last.
func (w *watcher) look() (changes []idxdb.Change, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cn == nil {
		return nil, idxdb.ErrClosed
	}
	if err := w.s.checkReplaced(); err != nil {
		return nil, err
	}
	var counter int64
	err = w.cn.query(dataVersion, func(rows *sql.Rows) error { return scan(rows, &counter) })
	due := w.partly && !time.Now().Before(w.again)
	if err != nil || counter == w.counter && !due {
		return nil, err
	}
	w.counter = counter
	if _, err := w.cn.begin.ExecContext(background); err != nil {
		return nil, translate(err)
	}
	defer w.cn.end.ExecContext(background) // of a read transaction: there is nothing to lose
	if err := w.cn.adopt(); err != nil {
		return nil, err
	}
	if w.cn.format.unreadable != nil {
		return nil, w.cn.format.unreadable
	}
	if start := time.Now(); w.key != "" || !start.Before(w.again) {
		changes, err = w.compare(w.cn)
		// In a store with very many keys this takes long. Then new versions, which
		// can be found quickly, are told at once, and all else (a rename, a delete)
		// a little later, so that this takes a part of the time.
		w.again, w.partly = start.Add(compareShare*time.Since(start)), false
		return changes, err
	}
	w.partly = true
	return w.newVersions(w.cn)
}

// compare looks at all keys.
func (w *watcher) compare(cn *conn) (changes []idxdb.Change, err error) {
	if err := cn.query(lastManifest, func(rows *sql.Rows) error { return scan(rows, &w.last) }); err != nil {
		return nil, err
	}
	var list []idxdb.Version
	if w.key == "" {
		list, err = cn.list(idxdb.ListOptions{})
	} else {
		list, err = cn.listOne(w.key)
	}
	if err != nil {
		return nil, err
	}
	gone := maps.Clone(w.heads)
	for i := range list {
		delete(gone, list[i].Key)
		changes = w.note(changes, &list[i])
	}
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		delete(w.heads, key)
		changes = append(changes, idxdb.Change{Key: key})
	}
	return changes, nil
}

// note adds v to changes if it is new.
func (w *watcher) note(changes []idxdb.Change, v *idxdb.Version) []idxdb.Change {
	if w.heads[v.Key] == v.ID {
		return changes
	}
	w.heads[v.Key] = v.ID
	return append(changes, idxdb.Change{Key: v.Key, Version: v})
}

// newVersions looks only at versions that were saved since.
func (w *watcher) newVersions(cn *conn) (changes []idxdb.Change, err error) {
	err = cn.query(newestAfter, func(rows *sql.Rows) error {
		var k keyRow
		var v versionRow
		if err := scan(rows, append(k.targets(), v.targets()...)...); err != nil {
			return err
		}
		if err := k.check(); err != nil {
			return err
		}
		if err := v.check(&k.Key); err != nil {
			return err
		}
		w.last = v.ID
		version := publicVersion(k.Name, &v.Version)
		changes = w.note(changes, &version)
		return nil
	}, w.last)
	return changes, err
}

// listOne is list for one key: its newest version, if it exists.
func (cn *conn) listOne(key string) ([]idxdb.Version, error) {
	k, err := cn.key(key)
	if err != nil || k == nil || !k.Live() {
		return nil, err
	}
	newest, err := cn.newest(k)
	if err != nil {
		return nil, err
	}
	return []idxdb.Version{publicVersion(key, newest)}, nil
}
