package sqlitestore

import (
	"context"
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// Delete implements idxdb.Store. It changes one row: the versions stay in the
// file until the next vacuum.
func (s *Store) Delete(ctx context.Context, key string, opts idxdb.DeleteOptions) error {
	err := idxdb.CheckKey(key)
	if err == nil {
		err = s.update(ctx, "delete", func(cn *conn) (bool, error) {
			return true, cn.remove(key, opts.If, permit{s.leaseFiles(), opts.Lease, opts.IgnoreLease})
		})
	}
	if err != nil {
		return idxdb.OpError("delete", key, unknown(err, key, idxdb.ID{}))
	}
	return nil
}

func (cn *conn) remove(key string, cond idxdb.Condition, p permit) error {
	k, err := cn.key(key)
	if err != nil {
		return err
	}
	if err := p.check(cn, key, k); err != nil {
		return err
	}
	if k == nil || !k.Live() {
		if err := cond.Check(key, nil); err != nil {
			return err
		}
		return &idxdb.NotFoundError{Key: key}
	}
	newest, err := cn.newest(k)
	if err != nil {
		return err
	}
	current := publicVersion(k.Name, newest)
	if err := cond.Check(key, &current); err != nil {
		return err
	}
	return cn.retire(k)
}

// retire makes a key one that had versions once.
func (cn *conn) retire(k *schema.Key) error {
	meta, err := cn.meta()
	if err != nil {
		return err
	}
	meta.Keys--
	meta.KeySet ^= schema.NameHash(k.Name)
	if err := cn.setMeta(&meta); err != nil {
		return err
	}
	k.First, k.Versions = k.Last+1, 0
	return cn.setKey(k)
}

// revive makes a key live again, or for the first time, by giving it versions up
// to last.
func (cn *conn) revive(k *schema.Key, last, versions int64) error {
	meta, err := cn.meta()
	if err != nil {
		return err
	}
	meta.Keys++
	meta.KeySet ^= schema.NameHash(k.Name)
	if err := cn.setMeta(&meta); err != nil {
		return err
	}
	k.Last, k.Versions = last, versions
	return cn.setKey(k)
}

// Rename implements idxdb.Renamer.
func (s *Store) Rename(ctx context.Context, from, to string) error {
	err := s.between(ctx, "rename", from, to, func(cn *conn, src, dst *schema.Key) error {
		if err := (permit{files: s.leaseFiles()}).check(cn, from, src); err != nil {
			return err
		}
		versions, err := cn.versions(src)
		if err != nil {
			return err
		}
		if err := renumber(versions, dst); err != nil {
			return err
		}
		for i := range versions {
			v := &versions[i]
			v.KeyID = dst.ID
			if _, err := cn.exec(moveVersion, v.ID, v.KeyID, v.Number, v.Checksum()); err != nil {
				return err
			}
		}
		if err := cn.revive(dst, versions[0].Number, src.Versions); err != nil {
			return err
		}
		return cn.retire(src)
	})
	if err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, unknown(err, to, idxdb.ID{}))
	}
	return nil
}

// renumber gives versions, newest first, the numbers that they have under the name
// of dst: those that they have, unless there were versions under that name. Then
// they go on from those one by one: adding the old numbers to the new ones would
// double them with each change of the name and back.
func renumber(versions []schema.Version, dst *schema.Key) error {
	if dst.Last == 0 {
		return nil
	}
	highest, err := idxdb.NextNumbers(dst.Last, int64(len(versions)))
	if err != nil {
		return err
	}
	for i := range versions {
		versions[i].Number = highest - int64(i)
	}
	return nil
}

// Clone implements idxdb.Cloner. Only rows are copied; both keys share the
// chunks.
func (s *Store) Clone(ctx context.Context, from, to string, allVersions bool) (count int, err error) {
	err = s.between(ctx, "copy", from, to, func(cn *conn, src, dst *schema.Key) error {
		versions, err := cn.versions(src)
		if err != nil {
			return err
		}
		if !allVersions {
			versions = versions[:1]
		}
		count = len(versions)
		if err := renumber(versions, dst); err != nil {
			return err
		}
		for i := range versions {
			v := versions[i]
			v.KeyID = dst.ID
			id, err := cn.insertVersionRow(&v)
			if err != nil {
				return err
			}
			if _, err := cn.exec(cloneManifest, v.ID, id); err != nil {
				return err
			}
		}
		return cn.revive(dst, versions[0].Number, int64(count))
	})
	if err != nil {
		return 0, fmt.Errorf("copy %q to %q: %w", from, to, unknown(err, to, idxdb.ID{}))
	}
	return count, nil
}

// between runs fn for a key that exists and one that does not.
func (s *Store) between(ctx context.Context, operation, from, to string, fn func(cn *conn, src, dst *schema.Key) error) error {
	for _, key := range []string{from, to} {
		if err := idxdb.CheckKey(key); err != nil {
			return err
		}
	}
	return s.update(ctx, operation, func(cn *conn) (bool, error) {
		src, err := cn.liveKey(from)
		if err != nil {
			return false, err
		}
		dst, err := cn.key(to)
		if err != nil {
			return false, err
		}
		if err := (permit{files: s.leaseFiles()}).check(cn, to, dst); err != nil {
			return false, err
		}
		if dst != nil && dst.Live() {
			newest, err := cn.newest(dst)
			if err != nil {
				return false, err
			}
			current := publicVersion(to, newest)
			return false, &idxdb.ConflictError{Key: to, Want: idxdb.IfVersion(0), Current: &current}
		}
		if dst == nil {
			id, err := cn.exec(insertKey, to, schema.NameHash(to))
			if err != nil {
				return false, err
			}
			dst = &schema.Key{ID: id, Name: to, First: 1}
		}
		return true, fn(cn, src, dst)
	})
}
