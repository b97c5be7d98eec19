package storetest

import (
	"fmt"
	"slices"

	"github.com/idxdb/idxdb"
)

var copySentences = []sentence{
	{name: "Copy/BringsTheNewestVersions", needs: []capability{imports}, test: testCopyNewest},
	{name: "Copy/BringsAllVersions", needs: []capability{imports, history}, test: testCopyAll},
	{name: "Copy/RefusesWhatDiverged", needs: []capability{imports}, test: testCopyDiverged},
	{name: "Copy/UnderAnotherName", needs: []capability{imports}, test: testCopyAs},
	{name: "Copy/MakesTheNewestTheNewest", needs: []capability{imports}, test: testCopyOnTop},
	{name: "Copy/AfterDeleteBringsItBack", needs: []capability{imports}, test: testCopyAfterDelete},
	{name: "Copy/AfterRenameBringsItBack", needs: []capability{imports, rename}, test: testCopyAfterRename},
}

// second makes another store of the same kind.
func (e *env) second() *env {
	e.Helper()
	return newEnv(e.TB, e.cfg)
}

func (e *env) copyTo(dst *env, opts idxdb.CopyOptions) idxdb.CopyReport {
	e.Helper()
	report, err := idxdb.Copy(e.ctx, dst.store, e.store, opts)
	if err != nil {
		e.Fatalf("Copy(%+v): %v", opts, err)
	}
	return report
}

func testCopyNewest(src *env) {
	dst := src.second()
	fill(src)
	want := src.list(idxdb.ListOptions{})
	report := src.copyTo(dst, idxdb.CopyOptions{})
	if n := int64(len(want)); report.Keys != n || report.Versions != n || report.Present != 0 {
		src.Errorf("Copy: %+v, want %d keys and versions", report, n)
	}
	dst.reopen()
	got := dst.list(idxdb.ListOptions{})
	if len(got) != len(want) {
		src.Fatalf("the copy has %d keys, want %d", len(got), len(want))
	}
	for i, w := range want {
		w.State.Digest, w.Search = got[i].State.Digest, got[i].Search // one store's digests mean nothing to another
		if !sameVersion(got[i], w) {
			src.Errorf("copied %+v, want %+v", got[i], w)
		}
		for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
			a, _, aErr := src.read(w.Key, idxdb.LoadOptions{Doc: doc})
			b, _, bErr := dst.read(w.Key, idxdb.LoadOptions{Doc: doc})
			if a != b || (aErr == nil) != (bErr == nil) {
				src.Errorf("%s of %q: %s (%v), want %s (%v)", doc, w.Key, brief(b), bErr, brief(a), aErr)
			}
		}
	}
	again := src.copyTo(dst, idxdb.CopyOptions{})
	if again.Versions != 0 || again.Present != report.Versions || again.NewBytes != 0 {
		src.Errorf("the second Copy: %+v, want all present", again)
	}
	// A save at the source, and only that, comes over.
	src.save("key 0", `["next"]`, none)
	if r := src.copyTo(dst, idxdb.CopyOptions{}); r.Versions != 1 {
		src.Errorf("Copy after one save: %+v, want one version", r)
	}
	dst.holds("key 0", `["next"]`, none)
}

func testCopyAll(src *env) {
	dst := src.second()
	fill(src)
	src.copyTo(dst, idxdb.CopyOptions{}) // the newest first; the older ones are filled in
	src.copyTo(dst, idxdb.CopyOptions{AllVersions: true})
	for _, newest := range src.list(idxdb.ListOptions{}) {
		want, got := src.log(newest.Key), dst.log(newest.Key)
		if len(got) != len(want) {
			src.Fatalf("%q has %d versions, want %d", newest.Key, len(got), len(want))
		}
		for i := range want {
			if got[i].ID != want[i].ID || got[i].Number != want[i].Number || !got[i].SavedAt.Equal(want[i].SavedAt) {
				src.Errorf("%q: %+v, want %+v", newest.Key, got[i], want[i])
			}
			a, _ := src.load(newest.Key, idxdb.LoadOptions{Version: want[i].Number})
			b, _ := dst.load(newest.Key, idxdb.LoadOptions{Version: got[i].Number})
			if a != b {
				src.Errorf("%q version %d: %s, want %s", newest.Key, want[i].Number, brief(b), brief(a))
			}
		}
	}
	if r := src.copyTo(dst, idxdb.CopyOptions{AllVersions: true}); r.Versions != 0 {
		src.Errorf("the second Copy of all versions: %+v, want all present", r)
	}
}

func testCopyDiverged(src *env) {
	dst := src.second()
	src.save("key", `[1]`, none)
	src.copyTo(dst, idxdb.CopyOptions{})
	ours := src.save("key", `["ours"]`, none).Version
	theirs := dst.save("key", `["theirs"]`, none).Version
	_, err := idxdb.Copy(src.ctx, dst.store, src.store, idxdb.CopyOptions{})
	src.wantErr("Copy to a key that was saved there too", err, idxdb.ErrConflict)
	if v := dst.holds("key", `["theirs"]`, none); v.ID != theirs.ID {
		src.Errorf("after a refused Copy: %+v, want %+v", v, theirs)
	}
	src.copyTo(dst, idxdb.CopyOptions{Force: true})
	if v := dst.holds("key", `["ours"]`, none); v.ID != ours.ID || v.Number <= theirs.Number {
		src.Errorf("after a forced Copy: %+v, want %+v with a number above %d", v, ours, theirs.Number)
	}
}

func testCopyAs(src *env) {
	dst := src.second()
	v := src.save("key", `[1]`, `["s"]`).Version
	src.save("left", `[2]`, none)
	src.copyTo(dst, idxdb.CopyOptions{Keys: []string{"key"}, As: "name/имя"})
	if got := dst.holds("name/имя", `[1]`, `["s"]`); got.ID != v.ID {
		src.Errorf("copied under another name: %+v, want %+v", got, v)
	}
	if got := dst.keys(); !slices.Equal(got, []string{"name/имя"}) {
		src.Errorf("the copy has the keys %q", got)
	}
	for _, opts := range []idxdb.CopyOptions{{As: "x"}, {As: "x", Keys: []string{"key", "left"}}} {
		_, err := idxdb.Copy(src.ctx, dst.store, src.store, opts)
		src.wantErr(fmt.Sprintf("Copy(%+v)", opts), err, idxdb.ErrUsage)
	}
	_, err := idxdb.Copy(src.ctx, dst.store, src.store, idxdb.CopyOptions{Keys: []string{"absent"}})
	src.wantErr("Copy of a key that is not there", err, idxdb.ErrNotFound)
}

// copyBack copies from src what dst has lost, and expects it there under number.
func (e *env) copyBack(dst *env, state, search string, number int64) {
	e.Helper()
	for _, copied := range []bool{true, false} {
		report := e.copyTo(dst, idxdb.CopyOptions{})
		if want := int64(1); copied && report.Versions != want || !copied && report.Present != want {
			e.Errorf("Copy: %+v, copied before: %v", report, !copied)
		}
		_, from := e.load("key", idxdb.LoadOptions{})
		if v := dst.holds("key", state, search); v.ID != from.ID || v.Number != number {
			e.Errorf("Copy brought %+v, want the id of %+v and number %d", v, from, number)
		}
	}
}

func testCopyAfterDelete(src *env) {
	dst := src.second()
	src.save("key", `[1]`, `["s"]`)
	src.copyTo(dst, idxdb.CopyOptions{})
	src.save("key", `[2]`, none)
	src.copyTo(dst, idxdb.CopyOptions{})
	dst.delete("key")
	src.copyBack(dst, `[2]`, none, 3)
	dst.delete("key")
	dst.vacuum()
	dst.reopen()
	src.copyBack(dst, `[2]`, none, 4)
}

func testCopyAfterRename(src *env) {
	dst := src.second()
	src.save("key", `[1]`, `["s"]`)
	src.copyTo(dst, idxdb.CopyOptions{})
	dst.rename("key", "moved")
	src.copyBack(dst, `[1]`, `["s"]`, 2)
	dst.holds("moved", `[1]`, `["s"]`)
}

// testCopyOnTop copies to where the numbers are higher, with free ones below.
func testCopyOnTop(src *env) {
	dst := src.second()
	dst.doImport(foreign("key", 20), `["theirs"]`, none)
	for i := range 3 {
		text := fmt.Sprintf(`[%d]`, i)
		v := src.save("key", text, none).Version
		force := i == 0 || !src.has(history) // without history the higher number counts as newer
		if r := src.copyTo(dst, idxdb.CopyOptions{Force: force}); r.Versions != 1 {
			src.Errorf("Copy %d: %+v, want one version", i, r)
		}
		if got := dst.holds("key", text, none); got.ID != v.ID || got.Number != int64(21+i) {
			src.Errorf("Copy %d brought %+v, want the id %s and number %d", i, got, v.ID, 21+i)
		}
	}
}
