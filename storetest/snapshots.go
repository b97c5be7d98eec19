package storetest

import (
	"io"

	"github.com/idxdb/idxdb"
)

var snapshotSentences = []sentence{
	{name: "Snapshots/AreNotChangedBySave", test: testSnapshot(func(e *env) {
		for i := range 3 {
			e.save("key", indexText(900_000, uint64(50+i)), none)
		}
	})},
	{name: "Snapshots/AreNotChangedByDelete", test: testSnapshot(func(e *env) {
		if err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{}); err != nil {
			e.Fatal(err)
		}
	})},
	{name: "Snapshots/AreNotChangedByDeleteAndSave", test: testSnapshot(func(e *env) {
		if err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{}); err != nil {
			e.Fatal(err)
		}
		e.save("key", indexText(3<<20, 60), indexText(1<<20, 61))
	})},
	{name: "Snapshots/AreNotChangedByVacuum", needs: []capability{vacuum}, test: testSnapshot(func(e *env) {
		if err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{}); err != nil {
			e.Fatal(err)
		}
		for range 2 { // the second may free what the first had to leave
			e.vacuum()
			e.save("other", indexText(2<<20, 62), none)
		}
	})},
	{name: "Snapshots/AreNotChangedByRename", needs: []capability{rename}, test: testSnapshot(func(e *env) {
		e.rename("key", "moved")
		e.save("key", `{"another":1}`, none)
	})},
}

// testSnapshot opens documents, reads a little, lets change happen, also
// through another handle, and reads on.
func testSnapshot(change func(e *env)) func(e *env) {
	return func(e *env) {
		state, search := indexText(3<<20, 40), indexText(1<<20, 41)
		e.save("key", state, search)
		reader := e.open(idxdb.OpenOptions{ReadOnly: true})
		type open struct {
			doc  *idxdb.Document
			want string
			head []byte
		}
		var opened []open
		for _, s := range []idxdb.Store{e.store, reader} {
			for doc, want := range map[idxdb.Doc]string{idxdb.StateDoc: state, idxdb.SearchDoc: search} {
				for _, n := range []int{0, 1000} {
					d, err := s.Load(e.ctx, "key", idxdb.LoadOptions{Doc: doc})
					if err != nil {
						e.Fatal(err)
					}
					head := make([]byte, n)
					if _, err := io.ReadFull(d.Body, head); err != nil {
						e.Fatal(err)
					}
					opened = append(opened, open{d, want, head})
				}
			}
		}
		change(e)
		for _, o := range opened {
			rest, err := io.ReadAll(o.doc.Body)
			if err != nil {
				e.Errorf("reading on after the change: %v", err)
			} else if got := string(o.head) + string(rest); got != o.want {
				e.Errorf("reading on after the change: %s, want %s", brief(got), brief(o.want))
			}
			if err := o.doc.Body.Close(); err != nil {
				e.Errorf("Body.Close: %v", err)
			}
		}
	}
}

func (e *env) vacuum() {
	e.Helper()
	v, ok := idxdb.As[idxdb.Vacuumer](e.store)
	if !ok {
		return
	}
	if _, err := v.Vacuum(e.ctx, nil); err != nil {
		e.Fatalf("Vacuum: %v", err)
	}
}

func (e *env) rename(from, to string) {
	e.Helper()
	r, ok := idxdb.As[idxdb.Renamer](e.store)
	if !ok {
		return
	}
	if err := r.Rename(e.ctx, from, to); err != nil {
		e.Fatalf("Rename(%s, %s): %v", brief(from), brief(to), err)
	}
}
