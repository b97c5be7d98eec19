package storetest

import (
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/idxdb/idxdb"
)

var errorSentences = []sentence{
	{name: "Errors/NotFoundIsErrNotExist", test: testNotFound},
	{name: "Errors/OpeningWhatIsNotThere", test: testOpenMissing},
	{name: "Errors/ReadOnlyRefusesEveryWrite", test: testReadOnly},
	{name: "Errors/ClosedStoreRefusesEverything", test: testClosed},
	{name: "Errors/CloseEndsOpenDocuments", test: testCloseWithBody},
}

func testNotFound(e *env) {
	e.save("there", `{}`, none)
	_, err := e.store.Load(e.ctx, "absent", idxdb.LoadOptions{})
	for what, err := range map[string]error{"Load": err, "Delete": e.store.Delete(e.ctx, "absent", idxdb.DeleteOptions{})} {
		e.wantErr(what, err, idxdb.ErrNotFound)
		e.wantErr(what, err, fs.ErrNotExist)
		var notFound *idxdb.NotFoundError
		if !errors.As(err, &notFound) || notFound.Key != "absent" {
			e.Errorf("%s: %v is not a *NotFoundError with the key", what, err)
		}
	}
	_, err = e.store.Load(e.ctx, "there", idxdb.LoadOptions{Doc: idxdb.SearchDoc})
	var notFound *idxdb.NotFoundError
	if !errors.As(err, &notFound) || notFound.Doc != idxdb.SearchDoc {
		e.Errorf("Load of search that is not there: %v is not a *NotFoundError with the document", err)
	}
}

func testOpenMissing(e *env) {
	for _, opts := range []idxdb.OpenOptions{{}, {ReadOnly: true}} {
		dir := e.TempDir()
		for range 2 { // the first must not have made anything
			s, err := e.cfg.Open(e.TB, dir, opts)
			if err == nil {
				s.Close()
			}
			e.wantErr("Open of a store that is not there", err, idxdb.ErrNotFound)
		}
	}
	// Create opens what is there.
	e.save("key", `{}`, none)
	again := e.open(idxdb.OpenOptions{Create: true})
	if got, _, err := readFrom(e.ctx, again, "key", idxdb.LoadOptions{}); err != nil || got != `{}` {
		e.Errorf("Open with Create of a store that is there: %q, %v", got, err)
	}
}

// writes calls every method that writes, each in a way that would succeed on a
// store that holds "key", and returns their errors.
func writes(e *env, s idxdb.Store) map[string]error {
	out := make(map[string]error)
	_, out["Save"] = s.Save(e.ctx, "new", docs(`{}`, none), idxdb.SaveOptions{})
	out["Delete"] = s.Delete(e.ctx, "key", idxdb.DeleteOptions{})
	if r, ok := idxdb.As[idxdb.Renamer](s); ok {
		out["Rename"] = r.Rename(e.ctx, "key", "renamed")
	}
	if c, ok := idxdb.As[idxdb.Cloner](s); ok {
		_, out["Clone"] = c.Clone(e.ctx, "key", "cloned", true)
	}
	if i, ok := idxdb.As[idxdb.Importer](s); ok {
		v := idxdb.Version{Key: "imported", Number: 1, ID: idxdb.NewID()}
		_, out["Import"] = i.Import(e.ctx, v, docs(`{}`, none), idxdb.Condition{})
	}
	if b, ok := idxdb.As[idxdb.BatchSaver](s); ok {
		_, out["SaveBatch"] = b.SaveBatch(e.ctx, []idxdb.BatchItem{item("batch", `{}`, none)})
	}
	if v, ok := idxdb.As[idxdb.Vacuumer](s); ok {
		_, out["Vacuum"] = v.Vacuum(e.ctx, nil)
	}
	return out
}

// reads is as writes for the methods that read.
func reads(e *env, s idxdb.Store) map[string]error {
	out := make(map[string]error)
	_, _, out["Load"] = readFrom(e.ctx, s, "key", idxdb.LoadOptions{})
	for _, err := range s.List(e.ctx, idxdb.ListOptions{}) {
		out["List"] = errors.Join(out["List"], err)
	}
	if h, ok := idxdb.As[idxdb.Historian](s); ok {
		for _, err := range h.Log(e.ctx, "key") {
			out["Log"] = errors.Join(out["Log"], err)
		}
	}
	if v, ok := idxdb.As[idxdb.Verifier](s); ok {
		_, out["Verify"] = v.Verify(e.ctx, nil)
	}
	if i, ok := idxdb.As[idxdb.Inspector](s); ok {
		_, out["Inspect"] = i.Inspect(e.ctx)
	}
	return out
}

func testReadOnly(e *env) {
	e.save("key", `{"v":1}`, `["s"]`)
	ro := e.open(idxdb.OpenOptions{ReadOnly: true})
	for method, err := range writes(e, ro) {
		e.wantErr(method+" on a read-only store", err, idxdb.ErrReadOnly)
		e.wantErr(method+" on a read-only store", err, fs.ErrPermission)
	}
	for method, err := range reads(e, ro) {
		if err != nil {
			e.Errorf("%s on a read-only store: %v", method, err)
		}
	}
	e.holds("key", `{"v":1}`, `["s"]`)
	if got := e.keys(); !slices.Equal(got, []string{"key"}) {
		e.Errorf("after refused writes List has %q", got)
	}
	// What is saved through another handle is seen.
	e.save("key", `{"v":2}`, none)
	if got, _, err := readFrom(e.ctx, ro, "key", idxdb.LoadOptions{}); err != nil || got != `{"v":2}` {
		e.Errorf("a read-only handle sees %q, %v after a save", got, err)
	}
}

func testClosed(e *env) {
	e.save("key", `{}`, none)
	s := e.open(idxdb.OpenOptions{})
	for range 3 {
		if err := s.Close(); err != nil {
			e.Errorf("Close, called more than once: %v", err)
		}
	}
	for method, err := range reads(e, s) {
		e.wantErr(method+" on a closed store", err, fs.ErrClosed)
	}
	for method, err := range writes(e, s) {
		e.wantErr(method+" on a closed store", err, fs.ErrClosed)
	}
	e.holds("key", `{}`, none) // the other handle lives on
	if got := e.keys(); !slices.Equal(got, []string{"key"}) {
		e.Errorf("after writes to a closed store List has %q", got)
	}
}

func testCloseWithBody(e *env) {
	text := indexText(8<<20, 12)
	e.save("key", text, none)
	s := e.open(idxdb.OpenOptions{})
	doc, err := s.Load(e.ctx, "key", idxdb.LoadOptions{})
	if err != nil {
		e.Fatal(err)
	}
	if _, err := io.ReadFull(doc.Body, make([]byte, 1000)); err != nil {
		e.Fatal(err)
	}
	e.within(waitLimit, "Close with a document open", func() {
		if err := s.Close(); err != nil {
			e.Errorf("Close with a document open: %v", err)
		}
		if n, err := io.Copy(io.Discard, doc.Body); err == nil {
			e.Errorf("after Close %d more bytes of a document were read to its end", n)
		}
		doc.Body.Close() // may say anything, but must return
	})
	e.holds("key", text, none)
}
