package memstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

// Save implements [idxdb.Store].
func (s *Store) Save(ctx context.Context, key string, docs idxdb.Documents, opts idxdb.SaveOptions) (idxdb.Saved, error) {
	v, err := s.prepare(ctx, key, docs, opts)
	if err != nil {
		return idxdb.Saved{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(v, opts)
}

// prepare reads and checks everything that needs no lock.
func (s *Store) prepare(ctx context.Context, key string, docs idxdb.Documents, opts idxdb.SaveOptions) (*version, error) {
	if err := s.enter(ctx, true, key); err != nil {
		return nil, err
	}
	if len(opts.Message) > idxdb.MaxMessageLen || !utf8.ValidString(opts.Message) {
		return nil, fmt.Errorf("save %q: %w: the message must be UTF-8 of at most %d bytes", key, idxdb.ErrUsage, idxdb.MaxMessageLen)
	}
	if docs.State == nil {
		return nil, fmt.Errorf("save %q: %w: there is no state document", key, idxdb.ErrUsage)
	}
	v := &version{docs: make(map[idxdb.Doc]string)}
	v.Key, v.ID, v.SavedBy, v.Message = key, opts.ID, opts.By, opts.Message
	if v.ID.IsZero() {
		v.ID = idxdb.NewID()
	}
	if v.SavedBy == (idxdb.Author{}) {
		v.SavedBy = self()
	}
	text, err := readDocument(docs.State, idxdb.StateDoc)
	if err != nil {
		return nil, fmt.Errorf("save %q: %w", key, err)
	}
	v.docs[idxdb.StateDoc], v.State, v.Source = text, describe(text), sourceOf(text)
	if docs.Search != nil {
		if s.faults.TornSave {
			s.mu.Lock()
			torn := *v
			torn.docs = map[idxdb.Doc]string{idxdb.StateDoc: text}
			_, _ = s.add(&torn)
			s.mu.Unlock()
		}
		text, err := readDocument(docs.Search, idxdb.SearchDoc)
		if err != nil {
			return nil, fmt.Errorf("save %q: %w", key, err)
		}
		info := describe(text)
		v.docs[idxdb.SearchDoc], v.Search = text, &info
	}
	return v, ctx.Err()
}

// commit stores v if opts allow. The caller holds the lock.
func (s *Store) commit(v *version, opts idxdb.SaveOptions) (idxdb.Saved, error) {
	if !s.faults.NoRetry {
		if have := s.withID(v.Key, v.ID); have != nil {
			if !sameDocs(have, v) && !s.faults.BlindRetry {
				return idxdb.Saved{}, fmt.Errorf("save %q: %w: id %s was used for other documents", v.Key, idxdb.ErrConflict, v.ID)
			}
			return idxdb.Saved{Version: have.Version, Unchanged: true}, nil
		}
	}
	head := s.newest(v.Key)
	same := head != nil && sameDocs(head, v) && !s.faults.NoUnchanged
	if same && s.faults.LateCondition {
		return idxdb.Saved{Version: head.Version, Unchanged: true}, nil
	}
	if err := s.check(v.Key, opts.If); err != nil {
		return idxdb.Saved{}, err
	}
	if same {
		return idxdb.Saved{Version: head.Version, Unchanged: true}, nil
	}
	if s.faults.KeepSearch && v.Search == nil && head != nil && head.Search != nil {
		v.Search, v.docs[idxdb.SearchDoc] = head.Search, head.docs[idxdb.SearchDoc]
	}
	return s.add(v)
}

// add gives v the next number. The caller holds the lock.
func (s *Store) add(v *version) (idxdb.Saved, error) {
	e := s.entry(v.Key)
	var err error
	if v.Number, err = s.next(e.last, 1); err != nil {
		return idxdb.Saved{}, fmt.Errorf("save %q: %w", v.Key, err)
	}
	v.SavedAt, e.last = now(), v.Number
	e.versions = append(e.versions, v)
	saved := idxdb.Saved{Version: v.Version, NewBytes: v.State.Size}
	if v.Search != nil {
		saved.NewBytes += v.Search.Size
	}
	return saved, nil
}

func sameDocs(a, b *version) bool {
	as, aok := a.docs[idxdb.SearchDoc]
	bs, bok := b.docs[idxdb.SearchDoc]
	return a.docs[idxdb.StateDoc] == b.docs[idxdb.StateDoc] && aok == bok && as == bs
}

func readDocument(r io.Reader, doc idxdb.Doc) (string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("read the %s document: %w", doc, err)
	}
	if err := checkJSON(b, doc); err != nil {
		return "", err
	}
	return string(b), nil
}

func describe(text string) idxdb.DocInfo {
	sum := sha256.Sum256([]byte(text))
	return idxdb.DocInfo{Size: int64(len(text)), Digest: "sha256:" + hex.EncodeToString(sum[:])}
}

func self() idxdb.Author {
	host, _ := os.Hostname() // "" is as good as any answer
	return idxdb.Author{User: os.Getenv("USER"), Host: host, Program: "memstore"}
}

// SaveBatch implements [idxdb.BatchSaver].
func (s *Store) SaveBatch(ctx context.Context, items []idxdb.BatchItem) ([]idxdb.Saved, error) {
	var versions []*version
	seen := make(map[string]bool)
	for _, item := range items {
		if seen[item.Key] {
			return nil, fmt.Errorf("batch: %w: key %q occurs twice", idxdb.ErrUsage, item.Key)
		}
		seen[item.Key] = true
		v, err := s.open(ctx, item)
		if err != nil {
			return nil, fmt.Errorf("batch: %w", err)
		}
		versions = append(versions, v)
	}
	if err := s.enter(ctx, true); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.clone()
	var out []idxdb.Saved
	for i, item := range items {
		saved, err := s.commit(versions[i], item.Opts)
		if err != nil {
			if !s.faults.TornBatch {
				s.keys = before
			}
			return nil, fmt.Errorf("batch: %w", err)
		}
		out = append(out, saved)
	}
	return out, nil
}

func (s *Store) open(ctx context.Context, item idxdb.BatchItem) (*version, error) {
	if err := s.enter(ctx, true, item.Key); err != nil {
		return nil, err
	}
	docs, done, err := item.Open()
	if err != nil {
		return nil, err
	}
	if done != nil {
		defer done()
	}
	return s.prepare(ctx, item.Key, docs, item.Opts)
}

// clone returns a copy of the map that later commits leave alone.
func (d *data) clone() map[string]*entry {
	out := make(map[string]*entry, len(d.keys))
	for k, e := range d.keys {
		copied := *e
		copied.versions = slices.Clone(e.versions)
		out[k] = &copied
	}
	return out
}
