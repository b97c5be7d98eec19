package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// Verify implements idxdb.Verifier: SQLite's own check, the rows of all keys and
// versions, every chunk's hash, every frame, and every document's list of chunks and digest.
func (s *Store) Verify(ctx context.Context, progress idxdb.Progress) (idxdb.VerifyReport, error) {
	v := &verifier{s: s, ctx: ctx, progress: progress, sums: map[int64]chunkSum{}}
	v.report.Damage = []idxdb.Damage{} // never null in JSON
	if progress == nil {
		v.progress = func(string, int64, int64) {}
	}
	if err := v.run(); err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

type verifier struct {
	s        *Store
	ctx      context.Context
	progress idxdb.Progress
	report   idxdb.VerifyReport
	sums     map[int64]chunkSum // of chunks that are intact
}

type chunkSum struct {
	hash codec.Hash
	size int32
}

// note records damage and returns nil, or returns an error that is not damage.
func (v *verifier) note(d idxdb.Damage, err error) error {
	if !errors.Is(err, idxdb.ErrCorrupt) {
		return err
	}
	var c *idxdb.CorruptError
	if errors.As(err, &c) {
		if c.Key != "" {
			d.Key, d.Version, d.Doc = c.Key, c.Version, c.Doc
		}
		d.Detail = c.Detail
		if c.Err != nil {
			d.Detail += ": " + c.Err.Error()
		}
	} else {
		d.Detail = err.Error()
	}
	v.report.Damage = append(v.report.Damage, d)
	return nil
}

func (v *verifier) run() error {
	// What the versions of this moment use stays until the end.
	release, err := v.s.snapshot(v.ctx, func(*conn, int64) error { return nil })
	if err != nil {
		return v.note(idxdb.Damage{}, err)
	}
	defer release()
	if err := v.sqlite(); err != nil {
		return err
	}
	if err := v.marks(); err != nil {
		return err
	}
	keys, err := v.keys()
	if err != nil {
		return err
	}
	if err := v.chunks(); err != nil {
		return err
	}
	if err := v.frames(); err != nil {
		return err
	}
	for i := range keys {
		v.progress("versions", int64(i), int64(len(keys)))
		if err := v.note(idxdb.Damage{Key: keys[i].Name}, v.key(keys[i].Name)); err != nil {
			return err
		}
	}
	return nil
}

// sqlite runs SQLite's own check, which finds damaged pages and indexes.
func (v *verifier) sqlite() error {
	v.progress("pages", 0, 0)
	return v.note(idxdb.Damage{}, v.s.view(v.ctx, func(cn *conn) error {
		return cn.query(integrityCheck, func(rows *sql.Rows) error {
			var line string
			if err := scan(rows, &line); err != nil {
				return err
			}
			v.integrity(line)
			return nil
		})
	}))
}

// mostLines is how many lines of SQLite's own check are reported.
const mostLines = 100

// integrity reports a row of SQLite's check, which may have many lines.
func (v *verifier) integrity(row string) {
	if row == "ok" {
		return
	}
	for line := range strings.Lines(row) {
		line = strings.TrimSpace(line)
		switch n := len(v.report.Damage); {
		case line == "" || n > mostLines:
		case n == mostLines:
			v.report.Damage = append(v.report.Damage, idxdb.Damage{Detail: "SQLite: and more"})
		default:
			v.report.Damage = append(v.report.Damage, idxdb.Damage{Detail: "SQLite: " + line})
		}
	}
}

// marks checks that nothing that is needed is marked as garbage. A vacuum takes
// such a mark off.
func (v *verifier) marks() error {
	return v.note(idxdb.Damage{}, v.s.view(v.ctx, func(cn *conn) error {
		wrong, err := cn.wrongMarks()
		if len(wrong) > 0 {
			v.report.Damage = append(v.report.Damage, idxdb.Damage{
				Detail: fmt.Sprintf("%d chunks are marked as garbage although they are needed, chunk %d first; a vacuum mends that", len(wrong), wrong[0])})
		}
		return err
	}))
}

// keys checks that the list of keys is the one that was saved.
func (v *verifier) keys() (keys []schema.Key, err error) {
	err = v.s.view(v.ctx, func(cn *conn) error {
		if _, err := cn.list(idxdb.ListOptions{}); err != nil {
			if err := v.note(idxdb.Damage{}, err); err != nil {
				return err
			}
		}
		all, err := cn.everyKey()
		if err != nil {
			return v.note(idxdb.Damage{}, err)
		}
		for _, k := range all {
			if _, err := cn.lease(&k); err != nil {
				if err := v.note(idxdb.Damage{Key: k.Name}, err); err != nil {
					return err
				}
			}
			if k.Live() {
				keys = append(keys, k)
			}
		}
		return nil
	})
	return keys, err
}

// chunks decodes every chunk once.
func (v *verifier) chunks() error {
	total := int64(0)
	err := v.s.view(v.ctx, func(cn *conn) error {
		return cn.query(counts, func(rows *sql.Rows) error {
			var versions int64
			return scan(rows, &versions, &total)
		})
	})
	if err != nil {
		return v.note(idxdb.Damage{}, err)
	}
	var dec codec.Decoder
	var raw []byte
	for last, more := int64(0), true; more; {
		more = false
		err := v.s.view(v.ctx, func(cn *conn) error {
			return cn.query(chunksAfter, func(rows *sql.Rows) error {
				var id, size, number int64
				var hash, data sql.RawBytes
				if err := scan(rows, &id, &hash, &size, &number, &data); err != nil {
					return err
				}
				if err := inOrder("chunk", last, id); err != nil {
					return err
				}
				last, more = id, true
				v.report.Chunks++
				if len(hash) != len(codec.Hash{}) || size < 1 || size > codec.MaxChunk || number < 0 || number > 255 {
					return nil // not in sums: the versions that use it are damaged
				}
				var err error
				raw, err = dec.Decode(raw[:0], codec.Codec(number), int(size), data)
				if err == nil && codec.Sum(raw) == codec.Hash(hash) {
					v.sums[id] = chunkSum{codec.Hash(hash), int32(size)}
					v.report.Bytes += size
				}
				return nil
			}, last)
		})
		if err != nil {
			return v.note(idxdb.Damage{}, err)
		}
		v.progress("chunks", v.report.Chunks, max(total, v.report.Chunks))
	}
	return nil
}

// key checks all versions of a key.
func (v *verifier) key(name string) error {
	versions, err := v.s.log(v.ctx, name)
	if errors.Is(err, idxdb.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	v.report.Keys++
	for i := range versions {
		row := &versions[i]
		v.report.Versions++
		for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
			size, digest := row.StateSize, row.StateDigest
			if doc == idxdb.SearchDoc {
				if !row.SearchSize.Valid {
					continue
				}
				size, digest = row.SearchSize.Int64, row.SearchDigest
			}
			where := idxdb.Damage{Key: name, Version: row.Number, Doc: doc}
			if err := v.note(where, v.document(name, row, doc, size, digest)); err != nil {
				return err
			}
			v.report.Documents++
		}
	}
	return nil
}

func (v *verifier) document(name string, row *schema.Version, doc idxdb.Doc, size int64, digest []byte) error {
	var runs []codec.Run
	err := v.s.view(v.ctx, func(cn *conn) (err error) {
		runs, _, _, err = cn.runs(name, row, doc)
		return err
	})
	if err != nil {
		return err
	}
	sum := codec.NewDigest()
	var total int64
	for _, r := range runs {
		for i := range r.N {
			c, ok := v.sums[r.First+i]
			if !ok {
				// A save that came after all chunks were read may have brought it.
				return v.reload(name, row.Number, doc)
			}
			sum.Add(int(c.size), c.hash)
			total += int64(c.size)
		}
	}
	if h := sum.Sum(); total != size || string(h[:]) != string(digest) {
		return &idxdb.CorruptError{Key: name, Version: row.Number, Doc: doc, Detail: "its chunks are not those that were saved"}
	}
	return nil
}

func (v *verifier) reload(name string, number int64, doc idxdb.Doc) error {
	d, err := v.s.load(v.ctx, name, idxdb.LoadOptions{Version: number, Doc: doc})
	if errors.Is(err, idxdb.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	defer d.Body.Close()
	_, err = io.Copy(io.Discard, d.Body)
	return err
}
