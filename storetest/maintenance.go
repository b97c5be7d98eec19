package storetest

import (
	"fmt"

	"github.com/idxdb/idxdb"
)

var maintenanceSentences = []sentence{
	{name: "Verify/OfASoundStoreFindsNothing", needs: []capability{verify}, test: testVerify},
	{name: "Vacuum/ChangesNothingThatCanBeSeen", needs: []capability{vacuum}, test: testVacuum},
	{name: "Inspect/CountsWhatIsThere", needs: []capability{inspect}, test: testInspect},
}

// fill makes a store with a past: saves, deletes, a key that came back.
func fill(e *env) {
	for i := range 12 {
		key := fmt.Sprintf("key %d", i%4)
		search := none
		if i%3 == 0 {
			search = fmt.Sprintf(`["s",%d]`, i)
		}
		e.save(key, "["+indexText(30_000, uint64(i%2))+","+fmt.Sprint(i)+"]", search)
	}
	e.delete("key 1")
	e.delete("key 2")
	e.save("key 2", `["back"]`, none)
}

func testVerify(e *env) {
	v, _ := idxdb.As[idxdb.Verifier](e.store)
	if report, err := v.Verify(e.ctx, nil); err != nil || len(report.Damage) != 0 || report.Keys != 0 {
		e.Errorf("Verify of an empty store: %+v, %v", report, err)
	}
	fill(e)
	var keys, versions, documents int64
	for _, newest := range e.list(idxdb.ListOptions{}) {
		keys++
		for _, v := range e.versions(newest.Key) {
			versions++
			documents++
			if v.Search != nil {
				documents++
			}
		}
	}
	report, err := v.Verify(e.ctx, func(string, int64, int64) {})
	if err != nil || len(report.Damage) != 0 {
		e.Errorf("Verify: %+v, %v", report, err)
	}
	if report.Keys != keys || report.Versions != versions || report.Documents != documents || report.Bytes == 0 {
		e.Errorf("Verify looked at %d keys, %d versions, %d documents, %d bytes; there are %d, %d, %d",
			report.Keys, report.Versions, report.Documents, report.Bytes, keys, versions, documents)
	}
}

func testVacuum(e *env) {
	v, _ := idxdb.As[idxdb.Vacuumer](e.store)
	if _, err := v.Vacuum(e.ctx, nil); err != nil {
		e.Errorf("Vacuum of an empty store: %v", err)
	}
	fill(e)
	type content struct{ state, search string }
	look := func() (versions []idxdb.Version, contents []content) {
		for _, newest := range e.list(idxdb.ListOptions{}) {
			for _, v := range e.versions(newest.Key) {
				var c content
				c.state, _ = e.load(v.Key, idxdb.LoadOptions{Version: v.Number})
				if v.Search != nil {
					c.search, _ = e.load(v.Key, idxdb.LoadOptions{Version: v.Number, Doc: idxdb.SearchDoc})
				}
				versions, contents = append(versions, v), append(contents, c)
			}
		}
		return versions, contents
	}
	versions, contents := look()
	for range 3 {
		report, err := v.Vacuum(e.ctx, func(string, int64, int64) {})
		if err != nil {
			e.Fatalf("Vacuum: %v", err)
		}
		if report.VersionsPruned != 0 {
			e.Errorf("Vacuum pruned %d versions that nobody gave up", report.VersionsPruned)
		}
		gotVersions, gotContents := look()
		if len(gotVersions) != len(versions) {
			e.Fatalf("after Vacuum there are %d versions, want %d", len(gotVersions), len(versions))
		}
		for i := range versions {
			if !sameVersion(gotVersions[i], versions[i]) || gotContents[i] != contents[i] {
				e.Errorf("after Vacuum: %+v, want %+v", gotVersions[i], versions[i])
			}
		}
		// What was deleted can be saved again, whatever became of its content.
		e.save("again", "["+indexText(30_000, 1)+",1]", none)
		e.delete("again")
		e.reopen()
		v, _ = idxdb.As[idxdb.Vacuumer](e.store)
	}
}

func testInspect(e *env) {
	i, _ := idxdb.As[idxdb.Inspector](e.store)
	if got, err := i.Inspect(e.ctx); err != nil || got.Keys != 0 || got.Versions != 0 || len(got.KeyDetails) != 0 {
		e.Errorf("Inspect of an empty store: %+v, %v", got, err)
	}
	fill(e)
	got, err := i.Inspect(e.ctx)
	if err != nil {
		e.Fatal(err)
	}
	var want idxdb.Inspection
	for _, newest := range e.list(idxdb.ListOptions{}) {
		d := idxdb.KeyDetails{Newest: newest}
		for _, v := range e.versions(newest.Key) {
			d.Versions++
			d.RawSize += v.State.Size
			if v.Search != nil {
				d.RawSize += v.Search.Size
			}
		}
		want.Keys++
		want.Versions += d.Versions
		want.RawSize += d.RawSize
		want.KeyDetails = append(want.KeyDetails, d)
	}
	if got.Kind == "" {
		e.Error("Inspect does not say which kind of store it is")
	}
	if got.Keys != want.Keys || got.Versions != want.Versions || got.RawSize != want.RawSize {
		e.Errorf("Inspect counts %d keys, %d versions, %d bytes; want %d, %d, %d",
			got.Keys, got.Versions, got.RawSize, want.Keys, want.Versions, want.RawSize)
	}
	if len(got.KeyDetails) != len(want.KeyDetails) {
		e.Fatalf("Inspect has details of %d keys, want %d", len(got.KeyDetails), len(want.KeyDetails))
	}
	for i, w := range want.KeyDetails {
		g := got.KeyDetails[i]
		if !sameVersion(g.Newest, w.Newest) || g.Versions != w.Versions || g.RawSize != w.RawSize {
			e.Errorf("Inspect of %q: %+v, want %+v", w.Newest.Key, g, w)
		}
	}
}
