package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// List implements idxdb.Store.
func (s *Store) List(ctx context.Context, opts idxdb.ListOptions) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		var list []idxdb.Version
		err := s.view(ctx, func(cn *conn) (err error) {
			list, err = cn.list(opts)
			return err
		})
		if err != nil {
			yield(idxdb.Version{}, fmt.Errorf("list: %w", err))
			return
		}
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// list reads all keys even where a prefix is asked for: only the whole set can
// be compared with its hash, and so only then is it sure that none is missing.
func (cn *conn) list(opts idxdb.ListOptions) ([]idxdb.Version, error) {
	meta, err := cn.meta()
	if err != nil {
		return nil, err
	}
	var list []idxdb.Version
	var count, set int64
	add := func(v idxdb.Version) {
		count++
		set ^= schema.NameHash(v.Key)
		if strings.HasPrefix(v.Key, opts.Prefix) {
			list = append(list, v)
		}
	}
	if opts.NamesOnly {
		err = cn.query(listNames, func(rows *sql.Rows) error {
			var name string
			var live bool
			err := scan(rows, &name, &live)
			if live {
				add(idxdb.Version{Key: name})
			}
			return err
		})
	} else {
		err = cn.query(listKeys, func(rows *sql.Rows) error {
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
			add(publicVersion(k.Name, &v.Version))
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	if count != meta.Keys || set != meta.KeySet {
		return nil, &idxdb.CorruptError{Detail: fmt.Sprintf("the file should have %d keys, but the list of the %d found is not that of those saved", meta.Keys, count)}
	}
	for i := 1; i < len(list); i++ {
		if list[i-1].Key >= list[i].Key {
			return nil, &idxdb.CorruptError{Detail: "the index of names is out of order"}
		}
	}
	return list, nil
}

// Log implements idxdb.Historian.
func (s *Store) Log(ctx context.Context, key string) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		versions, err := s.log(ctx, key)
		if err != nil {
			yield(idxdb.Version{}, idxdb.OpError("log", key, err))
			return
		}
		for i := range versions {
			if !yield(publicVersion(key, &versions[i]), nil) {
				return
			}
		}
	}
}

func (s *Store) log(ctx context.Context, key string) (versions []schema.Version, err error) {
	if err := idxdb.CheckKey(key); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(cn *conn) error {
		k, err := cn.liveKey(key)
		if err != nil {
			return err
		}
		versions, err = cn.versions(k)
		return err
	})
	return versions, err
}

// snapshot runs fn in a read transaction and keeps everything that fn saw from
// being collected until release is called.
//
// Garbage is collected in two steps: a transaction marks chunks with the file's
// epoch and raises it; marked chunks go only while nobody holds that epoch or an
// earlier one. So the epoch that is held must be the one of the transaction.
func (s *Store) snapshot(ctx context.Context, fn func(cn *conn, epoch int64) error) (release func(), err error) {
	epoch := int64(-1)
	release = func() {}
	for {
		var current int64
		err := s.view(ctx, func(cn *conn) error {
			meta, err := cn.meta()
			if err != nil {
				return err
			}
			current = meta.Epoch
			if current != epoch && s.ranges != nil {
				return nil
			}
			return fn(cn, current)
		})
		if err != nil {
			release()
			return nil, err
		}
		if current == epoch || s.ranges == nil {
			return release, nil
		}
		release()
		release, epoch = func() {}, -1
		ok, err := s.ranges.Share(current)
		switch {
		case err != nil:
			return nil, err
		case ok:
			release, epoch = func() { s.ranges.Unshare(current) }, current
			continue
		}
		// A collector has the epoch for a moment, and a newer one is current.
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}
