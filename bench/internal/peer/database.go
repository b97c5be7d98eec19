package peer

import (
	"database/sql"
	"fmt"
	"io"
	"path/filepath"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/pierrec/lz4/v4"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Bolt keeps the state as one lz4-compressed value in bbolt, with its default
// settings.
var Bolt = Kind{Name: "bbolt, lz4 value", Open: func(dir string) (Peer, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt.db"), 0o666, nil)
	return &bolt{db: db}, err
}}

type bolt struct {
	db      *bbolt.DB
	version data.Version
}

var boltBucket, boltKey = []byte("states"), []byte("state")

func (p *bolt) Prepare(v data.Version) error { p.version = v; return nil }

func (p *bolt) Save() error {
	raw := p.version.State
	value := make([]byte, 8+lz4.CompressBlockBound(len(raw)))
	n, err := lz4.CompressBlock(raw, value[8:], nil)
	if err != nil {
		return err
	}
	for i := range 8 {
		value[i] = byte(len(raw) >> (8 * i))
	}
	return p.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(boltBucket)
		if err != nil {
			return err
		}
		return b.Put(boltKey, value[:8+n])
	})
}

func (p *bolt) Load(w io.Writer) error {
	return p.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket(boltBucket).Get(boltKey)
		size := 0
		for i := range 8 {
			size |= int(value[i]) << (8 * i)
		}
		raw := make([]byte, size)
		n, err := lz4.UncompressBlock(value[8:], raw)
		if err != nil {
			return err
		}
		_, err = w.Write(raw[:n])
		return err
	})
}

func (p *bolt) Close() error { return p.db.Close() }

// SQLiteBlob keeps the state as one blob in SQLite, with idxdb's settings.
var SQLiteBlob = Kind{Name: "SQLite blob", Open: func(dir string) (Peer, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "blob.db"))+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE states (key TEXT PRIMARY KEY, state BLOB NOT NULL)`); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	return &sqliteBlob{db: db}, nil
}}

type sqliteBlob struct {
	db      *sql.DB
	version data.Version
}

func (p *sqliteBlob) Prepare(v data.Version) error { p.version = v; return nil }

func (p *sqliteBlob) Save() error {
	_, err := p.db.Exec(`INSERT OR REPLACE INTO states VALUES ('bench', ?)`, p.version.State)
	return err
}

func (p *sqliteBlob) Load(w io.Writer) error {
	rows, err := p.db.Query(`SELECT state FROM states WHERE key = 'bench'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var state sql.RawBytes
		if err := rows.Scan(&state); err != nil {
			return err
		}
		if _, err := w.Write(state); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (p *sqliteBlob) Close() error { return p.db.Close() }
