package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// Inspect implements idxdb.Inspector.
func (s *Store) Inspect(ctx context.Context) (idxdb.Inspection, error) {
	in := idxdb.Inspection{
		Location:   s.path,
		Kind:       "sqlite",
		FileSize:   s.fileSize(),
		KeyDetails: []idxdb.KeyDetails{},
	}
	err := s.view(ctx, func(cn *conn) error {
		meta, err := cn.meta()
		if err != nil {
			return err
		}
		in.Format = int(meta.Format)
		in.Lineage = hex.EncodeToString(meta.Lineage)
		in.CreatedAt = time.UnixMicro(meta.CreatedAt).UTC()
		list, err := cn.list(idxdb.ListOptions{})
		if err != nil {
			return err
		}
		in.Keys = int64(len(list))
		for _, v := range list {
			if err := cn.inspectKey(&in, v); err != nil {
				return err
			}
		}
		free, err := cn.freeList()
		in.FreeSize = free * schema.PageSize
		return err
	})
	if err == nil {
		err = s.inspectChunks(ctx, &in)
	}
	if err == nil {
		var log idxdb.LogSize
		log, err = s.readLogSize(ctx)
		in.LogSize, in.LogPending = log.Size, log.Pending
	}
	if err != nil {
		return idxdb.Inspection{}, fmt.Errorf("inspect: %w", err)
	}
	return in, nil
}

func (cn *conn) inspectKey(in *idxdb.Inspection, newest idxdb.Version) error {
	k, err := cn.liveKey(newest.Key)
	if err != nil {
		return err
	}
	versions, err := cn.versions(k)
	if err != nil {
		return err
	}
	d := idxdb.KeyDetails{Newest: newest, Versions: k.Versions}
	for i := range versions {
		d.RawSize += versions[i].StateSize + versions[i].SearchSize.Int64
	}
	in.Versions += d.Versions
	in.RawSize += d.RawSize
	in.KeyDetails = append(in.KeyDetails, d)
	return nil
}

// inspectChunks adds up all chunks, packed or not, and what of them no version
// uses. Of a frame that is a share of it, since its chunks are compressed
// together.
func (s *Store) inspectChunks(ctx context.Context, in *idxdb.Inspection) error {
	u := usage{unused: idSet{}}
	return s.view(ctx, func(cn *conn) error {
		if err := cn.everyChunk(u.unused); err != nil {
			return err
		}
		if err := u.lookAt(cn); err != nil {
			return err
		}
		rows := idSet{}
		err := cn.query(chunkSizes, func(rowset *sql.Rows) error {
			var id, raw, compressed int64
			if err := scan(rowset, &id, &raw, &compressed); err != nil {
				return err
			}
			rows.add(id)
			in.Chunks++
			in.ContentSize += raw
			in.StoredSize += compressed
			if u.unused.has(id) {
				in.GarbageSize += compressed
			}
			return nil
		})
		if err != nil {
			return err
		}
		used := map[int64]int64{} // chunks of frames that versions use
		err = cn.query(allPacked, func(rowset *sql.Rows) error {
			p, err := scanPacked(rowset)
			if err != nil {
				return err
			}
			for id := p.First; id < p.First+p.N; id++ {
				in.PackedChunks++
				if !rows.has(id) {
					in.Chunks++
				}
				if !u.unused.has(id) {
					used[p.frame]++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return cn.query(frameSizes, func(rowset *sql.Rows) error {
			var id, chunks, raw, compressed int64
			if err := scan(rowset, &id, &chunks, &raw, &compressed); err != nil {
				return err
			}
			in.ContentSize += raw
			in.StoredSize += compressed
			in.PackedSize += compressed
			if dead := chunks - used[id]; dead > 0 {
				in.GarbageSize += compressed * dead / max(1, chunks)
			}
			return nil
		})
	})
}
