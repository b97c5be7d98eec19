package sqlitestore

import (
	"database/sql"
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// finish is the last transaction of a save. It returns false if nothing is to be
// written.
func (cn *conn) finish(st *stage, items []*item, epoch int64) (commit bool, err error) {
	meta, err := cn.meta()
	if err != nil {
		return false, err
	}
	keys := make([]*schema.Key, len(items))
	for i, it := range items {
		if keys[i], err = cn.judge(it); err != nil {
			return false, inBatch(items, it, err)
		}
		commit = commit || !it.saved.Unchanged
	}
	if !commit {
		return false, nil
	}
	if err := cn.putAll(st); err != nil {
		return false, err
	}
	commit = false
	for i, it := range items {
		if it.saved.Unchanged {
			continue
		}
		if err := cn.resolveItem(st, it, meta.Epoch != epoch); err != nil {
			return false, err
		}
		same, err := cn.sameContent(keys[i], it)
		if err != nil {
			return false, err
		}
		if same {
			continue
		}
		if it.twin != nil {
			err := fmt.Errorf("%w: id %s is that of version %d, which has other content", idxdb.ErrConflict, it.id, it.twin.Number)
			return false, inBatch(items, it, err)
		}
		if err := cn.store(&meta, keys[i], it); err != nil {
			return false, err
		}
		it.saved.NewBytes = it.added
		commit = true
	}
	if commit {
		err = cn.setMeta(&meta)
	}
	return commit, err
}

// judge decides what becomes of an item: an error, unchanged, or a new version.
// It returns the row of its key, nil if it needs a new one.
func (cn *conn) judge(it *item) (*schema.Key, error) {
	it.saved, it.twin = idxdb.Saved{}, nil
	k, err := cn.key(it.key)
	if err != nil {
		return nil, err
	}
	if k == nil || !k.Live() {
		if err := it.permit.check(cn, it.key, k); err != nil {
			return nil, err
		}
		return k, it.cond.Check(it.key, nil)
	}
	newest, err := cn.newest(k)
	if err != nil {
		return nil, err
	}
	if it.retry {
		v, err := cn.oneVersion(k, versionBySaveID, k.ID, it.id[:], k.First)
		if err != nil {
			return nil, err
		}
		if v != nil {
			if !it.sameDigests(v) && it.number == 0 {
				it.twin = v
				return k, nil
			}
			it.saved = idxdb.Saved{Version: publicVersion(k.Name, v), Unchanged: true}
			return k, nil
		}
	}
	if err := it.permit.check(cn, it.key, k); err != nil {
		return nil, err
	}
	current := publicVersion(k.Name, newest)
	if err := it.cond.Check(it.key, &current); err != nil {
		return nil, err
	}
	if it.number == 0 && it.sameDigests(newest) {
		it.saved = idxdb.Saved{Version: current, Unchanged: true}
	}
	return k, nil
}

func (it *item) sameDigests(v *schema.Version) bool {
	if it.state.size != v.StateSize || string(it.state.digest[:]) != string(v.StateDigest) {
		return false
	}
	if it.search == nil || !v.SearchSize.Valid {
		return it.search == nil && !v.SearchSize.Valid
	}
	return it.search.size == v.SearchSize.Int64 && string(it.search.digest[:]) == string(v.SearchDigest)
}

func (cn *conn) resolveItem(st *stage, it *item, collected bool) error {
	for _, d := range []*document{it.state, it.search} {
		if d == nil {
			continue
		}
		if err := d.resolve(st); err != nil {
			return err
		}
		if !collected {
			continue // nothing was marked since the save began
		}
		if err := cn.recheck(d); err != nil {
			return err
		}
	}
	return nil
}

// sameContent compares an item with the newest version, or with its twin, where
// the digests cannot, because the documents were cut with different chunk sizes.
// That takes two first saves of one key at the same time, one of which did not
// know its size, so it may be slow.
func (cn *conn) sameContent(k *schema.Key, it *item) (bool, error) {
	if k == nil || !k.Live() || it.number != 0 {
		return false, nil
	}
	newest := it.twin
	if newest == nil {
		var err error
		if newest, err = cn.newest(k); err != nil {
			return false, err
		}
	}
	if it.state.size != newest.StateSize || (it.search == nil) == newest.SearchSize.Valid ||
		it.search != nil && it.search.size != newest.SearchSize.Int64 {
		return false, nil
	}
	differently := false
	for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
		d, digest := it.state, newest.StateDigest
		if doc == idxdb.SearchDoc {
			d, digest = it.search, newest.SearchDigest
		}
		if d == nil || string(d.digest[:]) == string(digest) {
			continue
		}
		runs, _, average, err := cn.runs(k.Name, newest, doc)
		if err != nil {
			return false, err
		}
		if average == d.average {
			return false, nil // cut alike, so the content differs
		}
		same, err := cn.sameBytes(runs, d.runs())
		if err != nil || !same {
			return false, err
		}
		differently = true
	}
	if differently {
		it.saved = idxdb.Saved{Version: publicVersion(k.Name, newest), Unchanged: true}
	}
	return differently, nil
}

func (d *document) runs() []codec.Run {
	var runs []codec.Run
	for _, r := range d.refs {
		runs = codec.AddToRuns(runs, r.id)
	}
	return runs
}

// store writes the rows of a new version.
func (cn *conn) store(meta *schema.Meta, k *schema.Key, it *item) error {
	k, err := cn.keyForSaving(k, it.key)
	if err != nil {
		return err
	}
	v := &it.row
	v.KeyID = k.ID
	if v.Number, err = cn.numberFor(k, it); err != nil {
		return err
	}
	backfill := v.Number <= k.Last
	if it.number == 0 {
		v.SavedAt = now()
	}
	v.StateSize, v.StateDigest = it.state.size, it.state.digest[:]
	var searchAverage, searchChunks any
	if it.search != nil {
		v.SearchSize = sql.NullInt64{Int64: it.search.size, Valid: true}
		v.SearchDigest = it.search.digest[:]
		searchAverage, searchChunks = it.search.average, codec.AppendRuns(nil, it.search.runs())
	}
	if v.ID, err = cn.insertVersionRow(v); err != nil {
		return err
	}
	if _, err := cn.exec(insertManifest, v.ID, searchAverage, searchChunks,
		it.state.average, codec.AppendRuns(nil, it.state.runs())); err != nil {
		return err
	}
	if !backfill {
		if !k.Live() {
			meta.Keys++
			meta.KeySet ^= schema.NameHash(k.Name)
		}
		k.Last = v.Number
	}
	k.Versions++
	it.saved.Version = publicVersion(k.Name, v)
	return cn.setKey(k)
}

// numberFor returns the number that an item gets as a version of k. That of an
// import is below k.Last where it fills a gap.
func (cn *conn) numberFor(k *schema.Key, it *item) (int64, error) {
	n := it.number
	if n > k.Last {
		return n, nil
	}
	if n >= k.First && n > 0 && k.Live() {
		taken, err := cn.oneVersion(k, versionByNumber, k.ID, n)
		if err != nil {
			return 0, err
		}
		if taken == nil {
			return n, nil
		}
	}
	return idxdb.NextNumbers(k.Last, 1)
}

// keyForSaving returns the row of a key, a new one if k is nil.
func (cn *conn) keyForSaving(k *schema.Key, name string) (*schema.Key, error) {
	if k != nil {
		return k, nil
	}
	id, err := cn.exec(insertKey, name, schema.NameHash(name))
	return &schema.Key{ID: id, Name: name, First: 1}, err
}

func (cn *conn) insertVersionRow(v *schema.Version) (int64, error) {
	return cn.exec(insertVersion, v.KeyID, v.Number, v.SaveID, v.SavedAt, v.User, v.Host, v.Program, v.Message,
		v.SourceType, v.SourceIdentifier, v.SourceRef, v.SourceSyncedAt,
		v.StateSize, v.StateDigest, v.SearchSize, nilIfEmpty(v.SearchDigest), v.Checksum())
}

// nilIfEmpty keeps a missing blob NULL; the driver would write an empty one.
func nilIfEmpty(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
