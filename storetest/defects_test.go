package storetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/storetest/internal/memstore"
)

// A good store is embedded in each broken one, which overrides a method or two.
type good = memstore.Store

// wrap makes a broken store of type T of a good one.
func wrap[T any, P interface {
	*T
	idxdb.Store
	on(s *good)
}](s *good) idxdb.Store {
	p := P(new(T))
	p.on(s)
	return p
}

type defect struct{ *good }

func (d *defect) on(s *good) { d.good = s }

// changed lets f change the text of a document.
func changed(r io.Reader, f func(b []byte) []byte) io.Reader {
	if r == nil {
		return nil
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return broken(string(b))
	}
	return bytes.NewReader(f(b))
}

type compacts struct{ defect }

func (s *compacts) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	tidy := func(b []byte) []byte {
		var out bytes.Buffer
		if json.Compact(&out, b) != nil {
			return b
		}
		return out.Bytes()
	}
	return s.good.Save(ctx, key, idxdb.Documents{State: changed(d.State, tidy), Search: changed(d.Search, tidy)}, o)
}

type endsEarly struct{ defect }

func (s *endsEarly) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.good.Load(ctx, key, o)
	if err == nil && d.Size > 1000 {
		d.Size--
		d.Body = io.NopCloser(io.LimitReader(d.Body, d.Size))
	}
	return d, err
}

type readsBoth struct{ defect }

func (s *readsBoth) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	if o.Doc == idxdb.SearchDoc {
		time.Sleep(3 * time.Millisecond) // what reading the state costs at the least
	}
	if d, err := s.good.Load(ctx, key, idxdb.LoadOptions{Version: o.Version}); err == nil {
		if _, err := io.Copy(new(bytes.Buffer), d.Body); err != nil {
			return nil, err
		}
	}
	return s.good.Load(ctx, key, o)
}

type oneKey struct{ defect }

func (s *oneKey) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	for v := range s.List(ctx, idxdb.ListOptions{}) {
		if v.Key != key {
			return idxdb.Saved{Version: idxdb.Version{Key: key, Number: 1}}, nil
		}
	}
	return s.good.Save(ctx, key, d, o)
}

// mapped is a store that changes keys on their way in.
type mapped struct {
	defect
	f func(string) string
}

func (s *mapped) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	return s.good.Load(ctx, s.f(key), o)
}

func (s *mapped) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	return s.good.Save(ctx, s.f(key), d, o)
}

type trimsKeys struct{ mapped }

func (s *trimsKeys) on(g *good) { s.good, s.f = g, strings.TrimSpace }

type foldsCase struct{ mapped }

func (s *foldsCase) on(g *good) { s.good, s.f = g, strings.ToLower }

type mapsKeys struct{ mapped }

func (s *mapsKeys) on(g *good) {
	s.good, s.f = g, func(k string) string { return strings.NewReplacer("/", "_", "@", "_").Replace(k) }
}

type anyKey struct{ mapped }

func (s *anyKey) on(g *good) {
	s.good, s.f = g, func(k string) string { return strings.ReplaceAll(k, "\n", " ") }
}

type globs struct{ defect }

func (s *globs) List(ctx context.Context, o idxdb.ListOptions) iter.Seq2[idxdb.Version, error] {
	pattern := o.Prefix + "*"
	o.Prefix = ""
	return func(yield func(idxdb.Version, error) bool) {
		for v, err := range s.good.List(ctx, o) {
			if ok, _ := path.Match(pattern, v.Key); ok && !yield(v, err) {
				return
			}
		}
	}
}

type locksList struct{ defect }

var listing sync.Map // dir's data → it is being listed

func (s *locksList) List(ctx context.Context, o idxdb.ListOptions) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		listing.Store(s, true)
		defer listing.Delete(s)
		for v, err := range s.good.List(ctx, o) {
			if !yield(v, err) {
				return
			}
		}
	}
}

func (s *locksList) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	if _, busy := listing.Load(s); busy {
		return idxdb.Saved{}, &idxdb.LockedError{Path: "the list"}
	}
	return s.good.Save(ctx, key, d, o)
}

type twoSteps struct{ defect }

func (s *twoSteps) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	state, err := io.ReadAll(d.State)
	if err != nil {
		return idxdb.Saved{}, err
	}
	if saved, err := s.good.Save(ctx, key, docs(string(state), none), o); err != nil {
		return saved, err
	}
	time.Sleep(time.Millisecond)
	return s.good.Save(ctx, key, idxdb.Documents{State: bytes.NewReader(state), Search: d.Search}, o)
}

type closes struct{ defect }

func (s *closes) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	if c, ok := d.State.(io.Closer); ok {
		defer c.Close()
	}
	return s.good.Save(ctx, key, d, o)
}

type readsOn struct{ defect }

func (s *readsOn) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.good.Load(ctx, key, o)
	if err == nil {
		live := &liveBody{store: s.good, key: key, opts: o}
		d.Body = io.NopCloser(bufio.NewReaderSize(live, 256<<10)) // or every small read costs a whole load
	}
	return d, err
}

// A liveBody asks the store anew for every read.
type liveBody struct {
	store *good
	key   string
	opts  idxdb.LoadOptions
	at    int64
}

func (b *liveBody) Read(p []byte) (int, error) {
	d, err := b.store.Load(context.Background(), b.key, b.opts)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(d.Body)
	if err != nil {
		return 0, err
	}
	if b.at >= int64(len(text)) {
		return 0, io.EOF
	}
	n := copy(p, text[b.at:])
	b.at += int64(n)
	return n, nil
}

// edited is a store that changes the options of saves.
type edited struct {
	defect
	f func(o *idxdb.SaveOptions)
}

func (s *edited) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	s.f(&o)
	return s.good.Save(ctx, key, d, o)
}

type ownIDs struct{ edited }

func (s *ownIDs) on(g *good) {
	s.good, s.f = g, func(o *idxdb.SaveOptions) { o.ID = idxdb.ID{} }
}

type noMessage struct{ edited }

func (s *noMessage) on(g *good) {
	s.good, s.f = g, func(o *idxdb.SaveOptions) { o.Message = "" }
}

type oneAuthor struct{ edited }

func (s *oneAuthor) on(g *good) {
	s.good, s.f = g, func(o *idxdb.SaveOptions) { o.By = idxdb.Author{Program: "it was me"} }
}

type ignoresIfMatch struct{ edited }

func (s *ignoresIfMatch) on(g *good) {
	s.good, s.f = g, func(o *idxdb.SaveOptions) {
		if strings.Contains(o.If.String(), "id ") {
			o.If = idxdb.Condition{}
		}
	}
}

type deletesAnyway struct{ defect }

func (s *deletesAnyway) Delete(ctx context.Context, key string, _ idxdb.DeleteOptions) error {
	return s.good.Delete(ctx, key, idxdb.DeleteOptions{})
}

// failsOtherwise is a store that changes the errors of Save and Load.
type failsOtherwise struct {
	defect
	f func(error) error
}

func (s *failsOtherwise) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	saved, err := s.good.Save(ctx, key, d, o)
	return saved, s.f(err)
}

func (s *failsOtherwise) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	d, err := s.good.Load(ctx, key, o)
	return d, s.f(err)
}

type bareConflict struct{ failsOtherwise }

func (s *bareConflict) on(g *good) {
	s.good, s.f = g, func(err error) error {
		if errors.Is(err, idxdb.ErrConflict) {
			return idxdb.ErrConflict
		}
		return err
	}
}

type noPosition struct{ failsOtherwise }

func (s *noPosition) on(g *good) {
	s.good, s.f = g, func(err error) error {
		var syntax *idxdb.SyntaxError
		if errors.As(err, &syntax) {
			return &idxdb.SyntaxError{Doc: syntax.Doc, Line: 1, Column: 1, Reason: syntax.Reason}
		}
		return err
	}
}

type ownErrors struct{ failsOtherwise }

func (s *ownErrors) on(g *good) {
	s.good, s.f = g, func(err error) error {
		if errors.Is(err, idxdb.ErrNotFound) {
			return fmt.Errorf("nothing there: %v", err)
		}
		return err
	}
}

type repairs struct{ defect }

func (s *repairs) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	repair := func(b []byte) []byte {
		if trimmed := bytes.TrimPrefix(b, []byte("\ufeff")); json.Valid(trimmed) {
			return trimmed
		}
		return b
	}
	return s.good.Save(ctx, key, idxdb.Documents{State: changed(d.State, repair), Search: changed(d.Search, repair)}, o)
}

type neverCloses struct{ defect }

func (s *neverCloses) Close() error { return nil }

type noContext struct{ defect }

func (s *noContext) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	return s.good.Save(context.WithoutCancel(ctx), key, d, o)
}

type locksSave struct{ defect }

// reading is held while a save reads its documents.
var reading sync.Mutex

func (s *locksSave) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	for !reading.TryLock() {
		if ctx.Err() != nil {
			return idxdb.Saved{}, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
	defer reading.Unlock()
	return s.good.Save(ctx, key, d, o)
}

func (s *locksSave) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	if !reading.TryLock() {
		return nil, &idxdb.LockedError{Path: "the store"}
	}
	defer reading.Unlock()
	return s.good.Load(ctx, key, o)
}

type checksFirst struct{ defect }

func (s *checksFirst) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	var current *idxdb.Version
	if doc, err := s.good.Load(ctx, key, idxdb.LoadOptions{}); err == nil {
		current = &doc.Version
	}
	if err := o.If.Check(key, current); err != nil {
		return idxdb.Saved{}, err
	}
	time.Sleep(time.Millisecond) // between the look and the leap
	o.If = idxdb.Condition{}
	return s.good.Save(ctx, key, d, o)
}

type losesSome struct{ defect }

func (s *losesSome) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	text, err := io.ReadAll(d.State)
	if err != nil {
		return idxdb.Saved{}, err
	}
	if bytes.Contains(text, []byte(",2,7]")) || bytes.Contains(text, []byte("saver 3 save 7")) {
		return idxdb.Saved{Version: idxdb.Version{Key: key, Number: 1, ID: idxdb.NewID()}}, nil
	}
	return s.good.Save(ctx, key, idxdb.Documents{State: bytes.NewReader(text), Search: d.Search}, o)
}
