package storetest

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
)

// Defects of what comes back.

type emptySearch struct{ defect }

func (s *emptySearch) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.good.Load(ctx, key, o)
	if err != nil && o.Doc == idxdb.SearchDoc {
		return &idxdb.Document{Doc: o.Doc, Size: 4, Body: io.NopCloser(strings.NewReader("null"))}, nil
	}
	return d, err
}

type noEnd struct{ defect }

func (s *noEnd) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.good.Load(ctx, key, o)
	if err == nil {
		d.Body = &endsOnce{ReadCloser: d.Body}
	}
	return d, err
}

type endsOnce struct {
	io.ReadCloser
	ended bool
}

func (b *endsOnce) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.ended {
		return 0, nil
	}
	b.ended = b.ended || err == io.EOF
	return n, err
}

type comparesStates struct{ defect }

func (s *comparesStates) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	text, err := io.ReadAll(d.State)
	if err != nil {
		return s.good.Save(ctx, key, idxdb.Documents{State: broken(string(text))}, o)
	}
	if now, v, err := readFrom(ctx, s.good, key, idxdb.LoadOptions{}); err == nil && now == string(text) && o.If.IsZero() {
		return idxdb.Saved{Version: v, Unchanged: true}, nil
	}
	return s.good.Save(ctx, key, idxdb.Documents{State: bytes.NewReader(text), Search: d.Search}, o)
}

type usesIDsUp struct {
	defect
	used sync.Map
}

func (s *usesIDsUp) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	if _, used := s.used.LoadOrStore(o.ID, true); used && !o.ID.IsZero() {
		return idxdb.Saved{}, idxdb.ErrConflict
	}
	return s.good.Save(ctx, key, d, o)
}

// revised is a store that changes what it says of versions.
type revised struct {
	defect
	f func(v *idxdb.Version)
}

func (s *revised) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	saved, err := s.good.Save(ctx, key, d, o)
	s.f(&saved.Version)
	return saved, err
}

func (s *revised) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.good.Load(ctx, key, o)
	if err == nil {
		s.f(&d.Version)
	}
	return d, err
}

type noClock struct{ revised }

func (s *noClock) on(g *good) {
	s.good, s.f = g, func(v *idxdb.Version) { v.SavedAt = time.Unix(0, 0) }
}

type noSource struct{ revised }

func (s *noSource) on(g *good) {
	s.good, s.f = g, func(v *idxdb.Version) { v.Source = idxdb.Source{} }
}

type oneDigest struct{ revised }

func (s *oneDigest) on(g *good) {
	s.good, s.f = g, func(v *idxdb.Version) { v.State.Digest = "sha256:00" }
}

type hidesID struct{ defect }

// Log hides what was saved here alone, so that nothing ever diverges.
func (s *hidesID) Log(ctx context.Context, key string) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		for v, err := range s.good.Log(ctx, key) {
			if v.Number == 1 && !yield(v, err) {
				return
			}
		}
	}
}

func (s *hidesID) Import(ctx context.Context, v idxdb.Version, d idxdb.Documents, _ idxdb.Condition) (idxdb.Saved, error) {
	return s.good.Import(ctx, v, d, idxdb.Condition{})
}

func sortedKeys(s *good) (keys []string) {
	for v := range s.List(context.Background(), idxdb.ListOptions{}) {
		keys = append(keys, v.Key)
	}
	slices.Sort(keys)
	return keys
}
