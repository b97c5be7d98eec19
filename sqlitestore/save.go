package sqlitestore

import (
	"context"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/ingest"
	"github.com/idxdb/idxdb/internal/schema"
)

// Save implements idxdb.Store.
func (s *Store) Save(ctx context.Context, key string, docs idxdb.Documents, opts idxdb.SaveOptions) (idxdb.Saved, error) {
	it := newItem(key, opts)
	open := func() (idxdb.Documents, func(), error) { return docs, func() {}, nil }
	saved, err := s.save(ctx, "save", []*item{it}, []opener{open})
	if err != nil {
		return idxdb.Saved{}, idxdb.OpError("save", key, err)
	}
	return saved[0], nil
}

// SaveBatch implements idxdb.BatchSaver.
func (s *Store) SaveBatch(ctx context.Context, batch []idxdb.BatchItem) ([]idxdb.Saved, error) {
	var items []*item
	var openers []opener
	seen := map[string]bool{}
	for _, b := range batch {
		if seen[b.Key] {
			return nil, fmt.Errorf("%w: key %q is in the batch twice", idxdb.ErrUsage, b.Key)
		}
		seen[b.Key] = true
		items = append(items, newItem(b.Key, b.Opts))
		openers = append(openers, b.Open)
	}
	saved, err := s.save(ctx, "save batch", items, openers)
	if err != nil {
		if len(items) == 1 {
			return nil, idxdb.OpError("save batch", items[0].key, err)
		}
		return nil, fmt.Errorf("save batch: %w", err)
	}
	return saved, nil
}

// Import implements idxdb.Importer.
func (s *Store) Import(ctx context.Context, v idxdb.Version, docs idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	if err := idxdb.CheckImport(v); err != nil {
		return idxdb.Saved{}, idxdb.OpError("save", v.Key, err)
	}
	it := newItem(v.Key, idxdb.SaveOptions{If: cond, ID: v.ID, Message: v.Message, By: v.SavedBy})
	it.number = v.Number
	it.row.SavedAt = unixMicro(v.SavedAt)
	open := func() (idxdb.Documents, func(), error) { return docs, func() {}, nil }
	saved, err := s.save(ctx, "copy", []*item{it}, []opener{open})
	if err != nil {
		return idxdb.Saved{}, idxdb.OpError("save", v.Key, err)
	}
	return saved[0], nil
}

type opener func() (docs idxdb.Documents, done func(), err error)

// An item is one save on its way.
type item struct {
	key    string
	cond   idxdb.Condition
	permit permit
	id     idxdb.ID
	retry  bool            // the id is the caller's, so it may be there already
	twin   *schema.Version // the version with that id, if only its bytes can tell whether it is the same save
	number int64           // of an import; 0: it is none
	row    schema.Version  // filled in step by step
	state  *document
	search *document // nil: none
	added  int64     // bytes of raw content that the store did not have

	saved idxdb.Saved
}

func newItem(key string, opts idxdb.SaveOptions) *item {
	it := &item{key: key, cond: opts.If, permit: permit{token: opts.Lease, ignore: opts.IgnoreLease}, id: opts.ID, retry: !opts.ID.IsZero()}
	if !it.retry {
		it.id = idxdb.NewID()
	}
	by := opts.By
	if by == (idxdb.Author{}) {
		by = idxdb.CurrentAuthor()
	}
	it.row.SaveID = it.id[:]
	it.row.Message = opts.Message
	it.row.User, it.row.Host, it.row.Program = cut(by.User), cut(by.Host), cut(by.Program)
	return it
}

// cut limits what a version says of its author.
func cut(s string) string {
	const most = 256
	for len(s) > most || !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

func (it *item) check() error {
	if err := idxdb.CheckKey(it.key); err != nil {
		return err
	}
	if len(it.row.Message) > idxdb.MaxMessageLen || !utf8.ValidString(it.row.Message) {
		return fmt.Errorf("%w: the message must be UTF-8 of at most %d bytes", idxdb.ErrUsage, idxdb.MaxMessageLen)
	}
	return nil
}

// save stores all items in one commit, or none.
//
// Reading, cutting, hashing and compressing happen before the turn to write. It
// may turn out then that the collector has been at work: everything that the
// save relies on is looked at again, and what it saw is kept by the epoch it
// holds.
func (s *Store) save(ctx context.Context, operation string, items []*item, openers []opener) ([]idxdb.Saved, error) {
	if err := s.checkWritable(); err != nil {
		return nil, err
	}
	bases := make([]base, len(items))
	for _, it := range items {
		if err := it.check(); err != nil {
			return nil, inBatch(items, it, err)
		}
		it.permit.files = s.leaseFiles()
	}
	var epoch int64
	release, err := s.snapshot(ctx, func(cn *conn, e int64) (err error) {
		epoch = e
		for i, it := range items {
			if bases[i], err = cn.base(it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer release()

	st := newStage(s)
	for i, it := range items {
		if err := s.readItem(ctx, st, it, bases[i], openers[i]); err != nil {
			return nil, inBatch(items, it, err)
		}
	}
	err = s.update(ctx, operation, func(cn *conn) (bool, error) {
		return cn.finish(st, items, epoch)
	})
	if err != nil {
		return nil, saveError(items, err)
	}
	saved := make([]idxdb.Saved, len(items))
	for i, it := range items {
		saved[i] = it.saved
		s.bases.remember(it)
	}
	return saved, nil
}

// inBatch says which of many items err is about. Where there is one, the caller
// does.
func inBatch(items []*item, it *item, err error) error {
	if len(items) == 1 {
		return err
	}
	return idxdb.OpError("", it.key, err)
}

func (s *Store) readItem(ctx context.Context, st *stage, it *item, b base, open opener) error {
	docs, done, err := open()
	if err != nil {
		return err
	}
	defer done()
	if docs.State == nil {
		return fmt.Errorf("%w: there is no state document", idxdb.ErrUsage)
	}
	st.item = it
	known := s.known(ctx, b)
	defer known.wait() // it holds a connection, and the caller the epoch
	var result ingest.Result
	if it.state, result, err = st.read(ctx, docs.State, idxdb.StateDoc, b, known); err != nil {
		return err
	}
	it.setSource(result.Source)
	if docs.Search != nil {
		it.search, _, err = st.read(ctx, docs.Search, idxdb.SearchDoc, b, known)
	}
	return err
}

func (it *item) setSource(src idxdb.Source) {
	it.row.SourceType, it.row.SourceIdentifier, it.row.SourceRef = src.Type, src.Identifier, src.Ref
	if !src.SyncedAt.IsZero() {
		it.row.SourceSyncedAt.Valid = true
		it.row.SourceSyncedAt.Int64 = unixMicro(src.SyncedAt)
	}
}

// read brings a document into the stage.
func (st *stage) read(ctx context.Context, r io.Reader, doc idxdb.Doc, b base, known *known) (*document, ingest.Result, error) {
	d := &document{}
	digest := codec.NewDigest()
	opts := ingest.Options{
		Average: func(size int64) int { return chooseAverage(size, b.average[doc]) },
		Known:   func(h codec.Hash) (int64, error) { return st.lookup(ctx, known, h) },
		Effort:  codec.Small,
	}
	if size := ingest.SizeOf(r); b.version == 0 && (size < 0 || size > fastAbove) {
		opts.Effort = codec.Fast
	}
	result, err := ingest.Run(ctx, r, opts, func(c ingest.Chunk) error {
		digest.Add(c.Size, c.Hash)
		d.refs = append(d.refs, ref{hash: c.Hash, size: int32(c.Size), id: c.ID})
		if c.ID == 0 {
			return st.add(ctx, c)
		}
		return nil
	})
	if err != nil {
		return nil, result, inDoc(doc, err)
	}
	d.size, d.average, d.digest = result.Size, result.Average, digest.Sum()
	return d, result, nil
}

// inDoc says in which document a syntax error is. It says so in a copy: other
// goroutines may have the same error in their hands. An error of the reader that
// is one too is about some other document.
func inDoc(doc idxdb.Doc, err error) error {
	e, ok := err.(*idxdb.SyntaxError)
	if !ok {
		return err
	}
	named := *e
	named.Doc = doc
	return &named
}

// fastAbove is the size in bytes from which the first save of a document is
// compressed for speed: all of it is new then, and zstd would take longest.
// Later saves compress little, and compress it well. Tests make it smaller.
var fastAbove = int64(16 << 20)

// chooseAverage keeps the chunk size of the version before as long as it is not
// far from right: another one would store every chunk anew.
func chooseAverage(size int64, before int) int {
	average := codec.AverageFor(size)
	if _, err := codec.NewChunker(before); err == nil && (size < 0 || before <= 8*average && average <= 8*before) {
		return before
	}
	return average
}

func now() int64 { return unixMicro(time.Now()) }
