package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// An env is one fresh store with the helpers that the tests are written in.
// They fail the test where the store returns an error.
type env struct {
	testing.TB
	cfg   *Config
	dir   string
	store idxdb.Store
	ctx   context.Context
}

// newEnv makes a new store. It is closed and checked at the end of t.
func newEnv(t testing.TB, cfg *Config) *env {
	t.Helper()
	e := &env{TB: t, cfg: cfg, dir: t.TempDir(), ctx: context.Background()}
	t.Cleanup(func() { check(t, cfg, e.dir) }) // last, when all handles are closed
	e.store = e.open(idxdb.OpenOptions{Create: true})
	return e
}

// open opens one more handle on the store; it is closed at the end of the test.
func (e *env) open(opts idxdb.OpenOptions) idxdb.Store {
	e.Helper()
	s, err := e.cfg.Open(e.TB, e.dir, opts)
	if err != nil {
		e.Fatalf("open %+v: %v", opts, err)
	}
	e.Cleanup(func() {
		if err := s.Close(); err != nil {
			e.Errorf("Close: %v", err)
		}
	})
	return s
}

// reopen closes the store and opens it again.
func (e *env) reopen() {
	e.Helper()
	if err := e.store.Close(); err != nil {
		e.Fatalf("Close: %v", err)
	}
	e.store = e.open(idxdb.OpenOptions{})
}

// docs makes Documents of strings; none is an absent search document.
func docs(state string, search string) idxdb.Documents {
	d := idxdb.Documents{State: strings.NewReader(state)}
	if search != none {
		d.Search = strings.NewReader(search)
	}
	return d
}

// none stands for a search document that is not there.
const none = ""

func (e *env) save(key, state, search string) idxdb.Saved {
	e.Helper()
	return e.saveWith(key, state, search, idxdb.SaveOptions{})
}

func (e *env) saveWith(key, state, search string, opts idxdb.SaveOptions) idxdb.Saved {
	e.Helper()
	saved, err := e.store.Save(e.ctx, key, docs(state, search), opts)
	if err != nil {
		e.Fatalf("Save(%s): %v", brief(key), err)
	}
	return saved
}

// saveFails expects an error that matches want, any if want is nil.
func (e *env) saveFails(want error, key, state, search string, opts idxdb.SaveOptions) error {
	e.Helper()
	saved, err := e.store.Save(e.ctx, key, docs(state, search), opts)
	if err == nil {
		e.Fatalf("Save(%s) = version %d, want the error %v", brief(key), saved.Version.Number, want)
	}
	e.wantErr("Save", err, want)
	return err
}

func (e *env) wantErr(what string, err, want error) {
	e.Helper()
	if err == nil || want != nil && !errors.Is(err, want) {
		e.Errorf("%s: error %v, want one that matches %v", what, err, want)
	}
}

// read loads a document whole.
func (e *env) read(key string, opts idxdb.LoadOptions) (string, idxdb.Version, error) {
	return readFrom(e.ctx, e.store, key, opts)
}

func readFrom(ctx context.Context, s idxdb.Store, key string, opts idxdb.LoadOptions) (string, idxdb.Version, error) {
	doc, err := s.Load(ctx, key, opts)
	if err != nil {
		return "", idxdb.Version{}, err
	}
	b, err := readAll(doc)
	return b, doc.Version, err
}

// readAll reads and closes doc.
func readAll(doc *idxdb.Document) (string, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, doc.Body)
	if err := errors.Join(err, doc.Body.Close()); err != nil {
		return "", err
	}
	if int64(b.Len()) != doc.Size {
		return "", errors.New("Document.Size is not the number of bytes that Body gave")
	}
	return b.String(), nil
}

func (e *env) load(key string, opts idxdb.LoadOptions) (string, idxdb.Version) {
	e.Helper()
	got, v, err := e.read(key, opts)
	if err != nil {
		e.Fatalf("Load(%s, %+v): %v", brief(key), opts, err)
	}
	return got, v
}

// holds checks that key's newest version consists of these documents.
func (e *env) holds(key, state, search string) idxdb.Version {
	e.Helper()
	got, v := e.load(key, idxdb.LoadOptions{})
	if got != state {
		e.Errorf("Load(%s) = %s, want %s", brief(key), brief(got), brief(state))
	}
	if v.Key != key {
		e.Errorf("Load(%s): Version.Key = %s", brief(key), brief(v.Key))
	}
	if v.State.Size != int64(len(state)) {
		e.Errorf("Load(%s): Version.State.Size = %d, want %d", brief(key), v.State.Size, len(state))
	}
	if search == none {
		_, _, err := e.read(key, idxdb.LoadOptions{Doc: idxdb.SearchDoc})
		e.wantErr("Load of a search document that is not there", err, idxdb.ErrNotFound)
		if v.Search != nil {
			e.Errorf("Load(%s): Version.Search = %+v, want nil", brief(key), *v.Search)
		}
		return v
	}
	got, _ = e.load(key, idxdb.LoadOptions{Doc: idxdb.SearchDoc})
	if got != search {
		e.Errorf("Load(%s, search) = %s, want %s", brief(key), brief(got), brief(search))
	}
	if v.Search == nil || v.Search.Size != int64(len(search)) {
		e.Errorf("Load(%s): Version.Search = %+v, want size %d", brief(key), v.Search, len(search))
	}
	return v
}

// absent checks that there is no such key.
func (e *env) absent(key string) {
	e.Helper()
	_, _, err := e.read(key, idxdb.LoadOptions{})
	e.wantErr("Load of a key that must not be there", err, idxdb.ErrNotFound)
	for _, k := range e.keys() {
		if k == key {
			e.Errorf("List has %s, which must not be there", brief(key))
		}
	}
}

func (e *env) list(opts idxdb.ListOptions) []idxdb.Version {
	e.Helper()
	var out []idxdb.Version
	for v, err := range e.store.List(e.ctx, opts) {
		if err != nil {
			e.Fatalf("List(%+v): %v", opts, err)
		}
		out = append(out, v)
	}
	return out
}

func (e *env) keys() []string {
	e.Helper()
	var out []string
	for _, v := range e.list(idxdb.ListOptions{}) {
		out = append(out, v.Key)
	}
	return out
}

func (e *env) log(key string) []idxdb.Version {
	e.Helper()
	versions, err := e.tryLog(key)
	if err != nil {
		e.Fatalf("Log(%s): %v", brief(key), err)
	}
	return versions
}

func (e *env) tryLog(key string) ([]idxdb.Version, error) {
	h, ok := idxdb.As[idxdb.Historian](e.store)
	if !ok {
		return nil, idxdb.ErrUnsupported
	}
	var out []idxdb.Version
	for v, err := range h.Log(e.ctx, key) {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (e *env) has(c capability) bool { return capabilities[c](e.store) }

// within fails the test if f takes longer than d; f goes on in the background.
func (e *env) within(d time.Duration, what string, f func()) {
	e.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
		e.Fatalf("%s did not come back within %v", what, d)
	}
}

// sameVersion compares two descriptions of one version.
func sameVersion(a, b idxdb.Version) bool {
	if !a.SavedAt.Equal(b.SavedAt) || !a.Source.SyncedAt.Equal(b.Source.SyncedAt) {
		return false
	}
	if (a.Search == nil) != (b.Search == nil) || a.Search != nil && *a.Search != *b.Search {
		return false
	}
	a.SavedAt, b.SavedAt = time.Time{}, time.Time{}
	a.Source.SyncedAt, b.Source.SyncedAt = time.Time{}, time.Time{}
	a.Search, b.Search = nil, nil
	return a == b
}
