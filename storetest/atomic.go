package storetest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/idxdb/idxdb"
)

var atomicSentences = []sentence{
	{name: "Atomic/FailedSaveLeavesTheFormerVersion", test: testFailedSave},
	{name: "Atomic/FailedFirstSaveLeavesNoKey", test: testFailedFirstSave},
	{name: "Atomic/EverythingIsThereAfterReopen", test: testReopen},
	{name: "Atomic/BothDocumentsAreOfOneVersion", test: testOnePair},
	{name: "Atomic/SaveReadsButDoesNotClose", test: testNotClosed},
}

var errBoom = errors.New("the reader broke off")

// broken gives text and then errBoom.
func broken(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), failing{})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBoom }

// badSaves are documents whose save must fail, each with its error.
func badSaves() map[string]struct {
	docs idxdb.Documents
	want error
} {
	state, large := `{"new":1}`, indexText(1<<20, 5)
	type bad = struct {
		docs idxdb.Documents
		want error
	}
	return map[string]bad{
		"the state's reader fails at once":    {idxdb.Documents{State: broken("")}, errBoom},
		"the state's reader fails half way":   {idxdb.Documents{State: broken(large[:len(large)/2])}, errBoom},
		"the state's reader fails at the end": {idxdb.Documents{State: broken(large)}, errBoom},
		"the search reader fails at once":     {idxdb.Documents{State: strings.NewReader(state), Search: broken("")}, errBoom},
		"the search reader fails half way":    {idxdb.Documents{State: strings.NewReader(large), Search: broken(large[:1<<19])}, errBoom},
		"the state is not JSON":               {idxdb.Documents{State: strings.NewReader(large[:1<<19]), Search: strings.NewReader(`{}`)}, idxdb.ErrInvalidJSON},
		"search is not JSON":                  {idxdb.Documents{State: strings.NewReader(state), Search: strings.NewReader(`{`)}, idxdb.ErrInvalidJSON},
		"a large search document is not JSON": {idxdb.Documents{State: strings.NewReader(large), Search: strings.NewReader(large + "x")}, idxdb.ErrInvalidJSON},
		"the end of the state is not JSON":    {idxdb.Documents{State: strings.NewReader(large + "]")}, idxdb.ErrInvalidJSON},
		"search is empty, but there":          {idxdb.Documents{State: strings.NewReader(state), Search: strings.NewReader("")}, idxdb.ErrInvalidJSON},
		"there is no state":                   {idxdb.Documents{Search: strings.NewReader(`{}`)}, nil},
		"the condition is false":              {idxdb.Documents{State: strings.NewReader(state)}, idxdb.ErrConflict},
		"the message is too long":             {idxdb.Documents{State: strings.NewReader(state)}, idxdb.ErrUsage},
		"the message is not UTF-8":            {idxdb.Documents{State: strings.NewReader(state)}, idxdb.ErrUsage},
	}
}

func badOptions(name string) idxdb.SaveOptions {
	switch name {
	case "the condition is false":
		return idxdb.SaveOptions{If: idxdb.IfVersion(99)}
	case "the message is too long":
		return idxdb.SaveOptions{Message: strings.Repeat("m", idxdb.MaxMessageLen+1)}
	case "the message is not UTF-8":
		return idxdb.SaveOptions{Message: "m\xff"}
	}
	return idxdb.SaveOptions{}
}

func testFailedSave(e *env) {
	const state, search = `{"former":true}`, `{"former":"search"}`
	before := e.save("key", state, search).Version
	for name, bad := range badSaves() {
		_, err := e.store.Save(e.ctx, "key", bad.docs, badOptions(name))
		e.wantErr("Save where "+name, err, bad.want)
		if now := e.holds("key", state, search); !sameVersion(now, before) {
			e.Errorf("after a save where %s: %+v, want %+v", name, now, before)
		}
	}
	e.reopen()
	e.holds("key", state, search)
	if saved := e.save("key", `{}`, none); saved.Version.Number != 2 {
		e.Errorf("the first good save after failed ones is version %d, want 2", saved.Version.Number)
	}
	if e.has(history) {
		if n := len(e.log("key")); n != 2 {
			e.Errorf("Log has %d versions, want 2", n)
		}
	}
}

func testFailedFirstSave(e *env) {
	for name, bad := range badSaves() {
		_, err := e.store.Save(e.ctx, "key", bad.docs, badOptions(name))
		e.wantErr("first Save where "+name, err, bad.want)
		e.absent("key")
	}
	e.reopen()
	e.absent("key")
	if saved := e.save("key", `{}`, none); saved.Version.Number != 1 {
		e.Errorf("the first good save is version %d, want 1", saved.Version.Number)
	}
}

func testReopen(e *env) {
	var versions []idxdb.Version
	for i := range 10 {
		key := fmt.Sprintf("key %d", i%4)
		e.save(key, indexText(10_000*(i+1), uint64(i)), fmt.Sprintf(`[%d]`, i))
	}
	versions = e.list(idxdb.ListOptions{})
	other := e.open(idxdb.OpenOptions{})
	e.reopen()
	for i, v := range e.list(idxdb.ListOptions{}) {
		if !sameVersion(v, versions[i]) {
			e.Errorf("after reopen: %+v, want %+v", v, versions[i])
		}
	}
	for i := 6; i < 10; i++ {
		key := fmt.Sprintf("key %d", i%4)
		want := indexText(10_000*(i+1), uint64(i))
		e.holds(key, want, fmt.Sprintf(`[%d]`, i))
		if got, _, err := readFrom(e.ctx, other, key, idxdb.LoadOptions{}); err != nil || got != want {
			e.Errorf("through a second handle: %s, %v", brief(got), err)
		}
	}
	if e.has(history) {
		want := indexText(10_000, 0)
		if got, _ := e.load("key 0", idxdb.LoadOptions{Version: 1}); got != want {
			e.Errorf("version 1 after reopen: %s, want %s", brief(got), brief(want))
		}
	}
}

// testOnePair loads both documents again and again while they are saved.
func testOnePair(e *env) {
	const rounds = 60
	pair := func(i int) string { return fmt.Sprintf(`{"pair":%d,"pad":%q}`, i, strings.Repeat("p", i*50)) }
	e.save("key", pair(0), pair(0))
	writer := e.open(idxdb.OpenOptions{})
	done := make(chan error, 1)
	go func() {
		for i := 1; i <= rounds; i++ {
			if _, err := writer.Save(e.ctx, "key", docs(pair(i), pair(i)), idxdb.SaveOptions{}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	var seen int64
	for {
		state, v := e.load("key", idxdb.LoadOptions{})
		if v.Number < seen {
			e.Errorf("version %d was read after version %d", v.Number, seen)
		}
		seen = v.Number
		if want := pair(int(v.Number - 1)); state != want {
			e.Fatalf("version %d has state %s, want %s", v.Number, brief(state), brief(want))
		}
		search, _, err := e.read("key", idxdb.LoadOptions{Version: v.Number, Doc: idxdb.SearchDoc})
		switch {
		case err == nil && search != state:
			e.Fatalf("version %d has search %s beside state %s", v.Number, brief(search), brief(state))
		case err != nil && (e.has(history) || !isGone(err)):
			e.Fatalf("search of version %d: %v", v.Number, err)
		}
		select {
		case err := <-done:
			if err != nil {
				e.Fatalf("Save beside loads: %v", err)
			}
			e.holds("key", pair(rounds), pair(rounds))
			return
		default:
		}
	}
}

// isGone reports whether err is what a store without history says of a version
// that is not the newest.
func isGone(err error) bool {
	return errors.Is(err, idxdb.ErrNotFound) || errors.Is(err, idxdb.ErrUnsupported)
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

func testNotClosed(e *env) {
	state := &closeCounter{Reader: strings.NewReader("{}  ")}
	search := &closeCounter{Reader: strings.NewReader("[]\n")}
	if _, err := e.store.Save(e.ctx, "key", idxdb.Documents{State: state, Search: search}, idxdb.SaveOptions{}); err != nil {
		e.Fatal(err)
	}
	if state.closed+search.closed != 0 {
		e.Error("Save closed a reader that belongs to the caller")
	}
	for _, r := range []io.Reader{state, search} {
		if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			e.Error("Save did not read a document to its end")
		}
	}
	e.holds("key", "{}  ", "[]\n")
}
