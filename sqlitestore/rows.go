package sqlitestore

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
)

// keyRow is where a row's keyColumns are scanned to.
type keyRow struct {
	schema.Key
	nameHash int64
	live     int64
	checksum []byte
}

func (k *keyRow) targets() []any {
	return []any{&k.ID, &k.Name, &k.nameHash, &k.live, &k.First, &k.Last, &k.Versions, &k.Fence, &k.checksum}
}

func (k *keyRow) check() error {
	live := k.live != 0
	if string(k.Checksum()) != string(k.checksum) || k.nameHash != schema.NameHash(k.Name) || live != k.Live() {
		return &idxdb.CorruptError{Key: k.Name, Detail: fmt.Sprintf("the row of key %d is damaged", k.ID)}
	}
	if k.First < 0 || k.Last < 0 || k.Last > idxdb.MaxVersion || k.Versions < 0 || k.Versions > k.Last-k.First+1 {
		return &idxdb.CorruptError{Key: k.Name, Detail: fmt.Sprintf("the row of key %d says that there are %d versions from number %d to %d", k.ID, k.Versions, k.First, k.Last)}
	}
	return nil
}

// key finds the row of a key, deleted keys included; nil if there is none.
func (cn *conn) key(name string) (*schema.Key, error) {
	var found *schema.Key
	collect := func(rows *sql.Rows) error {
		var k keyRow
		if err := scan(rows, k.targets()...); err != nil {
			return err
		}
		if err := k.check(); err != nil {
			return err
		}
		if k.Name != name {
			return nil // another name with the same hash
		}
		if found != nil && found.ID != k.ID {
			return &idxdb.CorruptError{Key: name, Detail: "the key has two rows"}
		}
		found = &k.Key
		return nil
	}
	if err := cn.query(keyByName, collect, name); err != nil || found != nil {
		return found, err
	}
	if err := cn.query(keyByHash, collect, schema.NameHash(name)); err != nil {
		return nil, err
	}
	if found != nil {
		return nil, &idxdb.CorruptError{Key: name, Detail: "the index of names lacks it"}
	}
	return nil, nil
}

// liveKey is key for those who need it to exist.
func (cn *conn) liveKey(name string) (*schema.Key, error) {
	k, err := cn.key(name)
	if err == nil && (k == nil || !k.Live()) {
		err = &idxdb.NotFoundError{Key: name}
	}
	return k, err
}

func (cn *conn) setKey(k *schema.Key) error {
	live := 0
	if k.Live() {
		live = 1
	}
	_, err := cn.exec(updateKey, k.ID, live, k.First, k.Last, k.Versions, k.Fence, k.Checksum())
	return err
}

// versionRow is where a row's versionColumns are scanned to.
type versionRow struct {
	schema.Version
	checksum []byte
}

func (v *versionRow) targets() []any {
	return []any{&v.ID, &v.KeyID, &v.Number, &v.SaveID, &v.SavedAt, &v.User, &v.Host, &v.Program, &v.Message,
		&v.SourceType, &v.SourceIdentifier, &v.SourceRef, &v.SourceSyncedAt,
		&v.StateSize, &v.StateDigest, &v.SearchSize, &v.SearchDigest, &v.checksum}
}

func (v *versionRow) check(k *schema.Key) error {
	switch {
	case string(v.Checksum()) != string(v.checksum),
		len(v.SaveID) != len(idxdb.ID{}),
		len(v.StateDigest) != len(codec.Hash{}), v.StateSize < 0,
		v.SearchSize.Valid && (len(v.SearchDigest) != len(codec.Hash{}) || v.SearchSize.Int64 < 0):
		return &idxdb.CorruptError{Key: k.Name, Version: v.Number, Detail: "its row is damaged"}
	case v.KeyID != k.ID:
		return &idxdb.CorruptError{Key: k.Name, Version: v.Number, Detail: "its row belongs to another key"}
	}
	return nil
}

// one runs a query that yields at most one version of k; nil if it yields none.
func (cn *conn) oneVersion(k *schema.Key, stmt int, args ...any) (*schema.Version, error) {
	var found *schema.Version
	err := cn.query(stmt, func(rows *sql.Rows) error {
		var v versionRow
		if err := scan(rows, v.targets()...); err != nil {
			return err
		}
		found = &v.Version
		return v.check(k)
	}, args...)
	return found, err
}

// newest returns the newest version of a key that is live.
func (cn *conn) newest(k *schema.Key) (*schema.Version, error) {
	v, err := cn.oneVersion(k, versionByNumber, k.ID, k.Last)
	if err == nil && (v == nil || v.Number != k.Last) {
		err = &idxdb.CorruptError{Key: k.Name, Version: k.Last, Detail: "the newest version is missing"}
	}
	return v, err
}

// versions returns the live versions of a key, newest first, and makes sure
// that none is missing.
func (cn *conn) versions(k *schema.Key) ([]schema.Version, error) {
	var list []schema.Version
	err := cn.query(versionsOfKey, func(rows *sql.Rows) error {
		var v versionRow
		if err := scan(rows, v.targets()...); err != nil {
			return err
		}
		list = append(list, v.Version)
		return v.check(k)
	}, k.ID, k.First)
	if err != nil {
		return nil, err
	}
	if int64(len(list)) != k.Versions || k.Live() && list[0].Number != k.Last {
		return nil, &idxdb.CorruptError{Key: k.Name, Detail: fmt.Sprintf("it should have %d versions up to number %d, but %d rows were found", k.Versions, k.Last, len(list))}
	}
	return list, nil
}

// version returns the version with a number, 0 for the newest.
func (cn *conn) version(k *schema.Key, number int64) (*schema.Version, error) {
	if number == 0 || number == k.Last {
		return cn.newest(k)
	}
	if number < k.First || number > k.Last {
		return nil, &idxdb.NotFoundError{Key: k.Name, Version: number}
	}
	v, err := cn.oneVersion(k, versionByNumber, k.ID, number)
	if err != nil {
		return nil, err
	}
	if v == nil || v.Number != number {
		// Versions may have been pruned, but a damaged index must not hide one.
		if _, err := cn.versions(k); err != nil {
			return nil, err
		}
		return nil, &idxdb.NotFoundError{Key: k.Name, Version: number}
	}
	return v, nil
}

// publicVersion turns a row into what users see.
func publicVersion(name string, v *schema.Version) idxdb.Version {
	out := idxdb.Version{
		Key:     name,
		Number:  v.Number,
		ID:      idxdb.ID(v.SaveID),
		SavedAt: time.UnixMicro(v.SavedAt).UTC(),
		SavedBy: idxdb.Author{User: v.User, Host: v.Host, Program: v.Program},
		Message: v.Message,
		Source:  idxdb.Source{Type: v.SourceType, Identifier: v.SourceIdentifier, Ref: v.SourceRef},
		State:   idxdb.DocInfo{Size: v.StateSize, Digest: digestText(v.StateDigest)},
	}
	if v.SourceSyncedAt.Valid {
		out.Source.SyncedAt = time.UnixMicro(v.SourceSyncedAt.Int64).UTC()
	}
	if v.SearchSize.Valid {
		out.Search = &idxdb.DocInfo{Size: v.SearchSize.Int64, Digest: digestText(v.SearchDigest)}
	}
	return out
}

// digestText names the algorithm, since a digest over chunks is not the SHA-256
// of the document.
func digestText(digest []byte) string { return "sha256-chunks:" + hex.EncodeToString(digest) }

// runs returns the chunks of a document of v, and the average chunk size they
// were cut with.
func (cn *conn) runs(name string, v *schema.Version, doc idxdb.Doc) (runs []codec.Run, chunks int64, average int, err error) {
	stmt := stateManifest
	if doc == idxdb.SearchDoc {
		stmt = searchManifest
	}
	var data []byte
	var avg sql.NullInt64
	err = cn.query(stmt, func(rows *sql.Rows) error { return scan(rows, &avg, &data) }, v.ID)
	if err != nil {
		return nil, 0, 0, err
	}
	runs, chunks, err = codec.ParseRuns(data)
	if err != nil {
		return nil, 0, 0, &idxdb.CorruptError{Key: name, Version: v.Number, Doc: doc, Detail: "its list of chunks is damaged", Err: err}
	}
	return runs, chunks, int(avg.Int64), nil
}
