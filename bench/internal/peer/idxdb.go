package peer

import (
	"bytes"
	"context"
	"io"
	"path/filepath"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/fsstore"
	"github.com/idxdb/idxdb/sqlitestore"
)

// Key is the key that all peers save.
const Key = "example/repo@main"

// IdxdbFile is the product: one file, validated, synchronous=FULL, every version
// kept, verified when it is loaded.
var IdxdbFile = Kind{Name: "idxdb", Open: func(dir string) (Peer, error) {
	s, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "bench.idx"), sqlitestore.Options{Create: true})
	if err != nil {
		return nil, err
	}
	return &Idxdb{Store: s}, nil
}}

// IdxdbDirectory is the product's other store: a directory of plain files.
var IdxdbDirectory = Kind{Name: "idxdb, directory of files", Open: func(dir string) (Peer, error) {
	s, err := fsstore.Open(context.Background(), dir, fsstore.Options{Create: true})
	if err != nil {
		return nil, err
	}
	return &Idxdb{Store: s}, nil
}}

// Idxdb is a store in this process.
type Idxdb struct {
	Store   idxdb.Store
	version data.Version
}

// Prepare implements Peer.
func (p *Idxdb) Prepare(v data.Version) error { p.version = v; return nil }

// Save implements Peer.
func (p *Idxdb) Save() error {
	docs := idxdb.Documents{State: bytes.NewReader(p.version.State)}
	if p.version.Search != nil {
		docs.Search = bytes.NewReader(p.version.Search)
	}
	_, err := p.Store.Save(context.Background(), Key, docs, idxdb.SaveOptions{})
	return err
}

// Load implements Peer.
func (p *Idxdb) Load(w io.Writer) error { return p.LoadVersion(w, 0) }

// LoadVersion writes the state of version n to w; 0 is the newest.
func (p *Idxdb) LoadVersion(w io.Writer, n int64) error {
	doc, err := p.Store.Load(context.Background(), Key, idxdb.LoadOptions{Version: n})
	if err != nil {
		return err
	}
	defer doc.Body.Close()
	_, err = io.Copy(w, doc.Body)
	return err
}

// Close implements Peer.
func (p *Idxdb) Close() error { return p.Store.Close() }
