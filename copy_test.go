package idxdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// A fake is the least that Copy needs: versions in a map, and no history.
type fake struct {
	versions map[string][]idxdb.Version // oldest first
	open     int                        // bodies that were not closed
	failAt   string                     // key whose Load fails
	conds    []idxdb.Condition          // of the imports
}

var errFake = errors.New("the disk is on fire")

func newFake() *fake { return &fake{versions: make(map[string][]idxdb.Version)} }

// put saves a version whose state is its id.
func (f *fake) put(key string) idxdb.Version {
	n := int64(1)
	if all := f.versions[key]; len(all) > 0 {
		n = all[len(all)-1].Number + 1
	}
	v := idxdb.Version{Key: key, Number: n, ID: idxdb.NewID(), Search: &idxdb.DocInfo{}}
	f.versions[key] = append(f.versions[key], v)
	return v
}

func (f *fake) Load(_ context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	if key == f.failAt {
		return nil, errFake
	}
	all := f.versions[key]
	for _, v := range slices.Backward(all) {
		if o.Version == 0 || o.Version == v.Number {
			f.open++
			return &idxdb.Document{Version: v, Body: &fakeBody{strings.NewReader(v.ID.String()), f}}, nil
		}
	}
	return nil, &idxdb.NotFoundError{Key: key, Version: o.Version}
}

type fakeBody struct {
	io.Reader
	f *fake
}

func (b *fakeBody) Close() error { b.f.open--; return nil }

func (f *fake) List(context.Context, idxdb.ListOptions) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		for _, k := range slices.Sorted(maps.Keys(f.versions)) {
			if !yield(f.versions[k][len(f.versions[k])-1], nil) {
				return
			}
		}
		if f.failAt == "list" {
			yield(idxdb.Version{}, errFake)
		}
	}
}

func (f *fake) Import(_ context.Context, v idxdb.Version, docs idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	f.conds = append(f.conds, cond)
	state, err := io.ReadAll(docs.State)
	if err != nil || string(state) != v.ID.String() || (docs.Search != nil) != (v.Search != nil) {
		return idxdb.Saved{}, fmt.Errorf("imported %q, %v", state, err)
	}
	f.versions[v.Key] = append(f.versions[v.Key], v)
	slices.SortFunc(f.versions[v.Key], func(a, b idxdb.Version) int { return int(a.Number - b.Number) })
	return idxdb.Saved{Version: v, NewBytes: 10}, nil
}

func (f *fake) Save(context.Context, string, idxdb.Documents, idxdb.SaveOptions) (idxdb.Saved, error) {
	return idxdb.Saved{}, idxdb.ErrUnsupported
}
func (f *fake) Delete(context.Context, string, idxdb.DeleteOptions) error {
	return idxdb.ErrUnsupported
}
func (f *fake) Close() error { return nil }

// A fakeHistorian also has a history.
type fakeHistorian struct{ *fake }

func (f fakeHistorian) Log(_ context.Context, key string) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		for _, v := range slices.Backward(f.versions[key]) {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func ids(versions []idxdb.Version) (out []idxdb.ID) {
	for _, v := range versions {
		out = append(out, v.ID)
	}
	return out
}

func TestCopy(t *testing.T) {
	for _, allVersions := range []bool{false, true} {
		src, dst := newFake(), newFake()
		src.put("a")
		src.put("a")
		src.put("b")
		var progress []string
		opts := idxdb.CopyOptions{AllVersions: allVersions, Progress: func(key string, n int64) {
			progress = append(progress, fmt.Sprint(key, n))
		}}
		report, err := idxdb.Copy(t.Context(), fakeHistorian{dst}, fakeHistorian{src}, opts)
		want, wantProgress := src.versions["a"], []string{"a1", "a2", "b1"}
		if !allVersions {
			want, wantProgress = want[1:], wantProgress[1:]
		}
		n := int64(len(want)) + 1
		if err != nil || report != (idxdb.CopyReport{Keys: 2, Versions: n, NewBytes: 10 * n}) {
			t.Errorf("Copy, all versions %v: %+v, %v", allVersions, report, err)
		}
		if !slices.Equal(ids(dst.versions["a"]), ids(want)) || !slices.Equal(ids(dst.versions["b"]), ids(src.versions["b"])) {
			t.Errorf("Copy, all versions %v: %v", allVersions, dst.versions)
		}
		if !slices.Equal(progress, wantProgress) {
			t.Errorf("progress was %q, want %q", progress, wantProgress)
		}
		if dst.conds[0] != idxdb.IfVersion(0) || allVersions && dst.conds[1] != idxdb.IfMatch(want[0].ID) {
			t.Errorf("imports had the conditions %v", dst.conds)
		}
		report, err = idxdb.Copy(t.Context(), fakeHistorian{dst}, fakeHistorian{src}, opts)
		if err != nil || report != (idxdb.CopyReport{Keys: 2, Present: n}) {
			t.Errorf("the second Copy, all versions %v: %+v, %v", allVersions, report, err)
		}
		if src.open+dst.open != 0 {
			t.Errorf("%d documents were left open", src.open+dst.open)
		}
	}
}

// TestCopyKeepsTheOrder is for stores that give something to the key that comes
// first.
func TestCopyKeepsTheOrder(t *testing.T) {
	src, dst := newFake(), newFake()
	want := []string{"m", "z", "a", "k"}
	for i, key := range want {
		src.put(key)
		src.versions[key][0].SavedAt = time.Unix(int64(1000+i), 0)
	}
	var got []string
	opts := idxdb.CopyOptions{Progress: func(key string, _ int64) { got = append(got, key) }}
	if _, err := idxdb.Copy(context.Background(), dst, src, opts); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("copied in the order %q, want %q", got, want)
	}
}

func TestCopyDiverged(t *testing.T) {
	history := func(f *fake) idxdb.Store { return fakeHistorian{f} }
	plain := func(f *fake) idxdb.Store { return f }
	for name, as := range map[string]func(*fake) idxdb.Store{"history": history, "no history": plain} {
		src, dst := newFake(), newFake()
		src.put("a")
		theirs := dst.put("a")
		_, err := idxdb.Copy(t.Context(), as(dst), as(src), idxdb.CopyOptions{})
		var conflict *idxdb.ConflictError
		if !errors.Is(err, idxdb.ErrConflict) || !errors.As(err, &conflict) || conflict.Current.ID != theirs.ID || len(dst.versions["a"]) != 1 {
			t.Errorf("%s: Copy onto another version: %v, %v", name, err, dst.versions)
		}
		if _, err := idxdb.Copy(t.Context(), as(dst), as(src), idxdb.CopyOptions{Force: true}); err != nil || len(dst.versions["a"]) != 2 {
			t.Errorf("%s: forced Copy: %v, %v", name, err, dst.versions)
		}
		if dst.conds[0] != idxdb.IfMatch(theirs.ID) {
			t.Errorf("%s: forced Copy imports if %v, which a save meanwhile would not stop", name, dst.conds[0])
		}
	}
	// A later version of a key without history is newer, whatever was between.
	src, dst := newFake(), newFake()
	dst.put("a")
	src.put("a")
	src.put("a")
	if _, err := idxdb.Copy(t.Context(), dst, src, idxdb.CopyOptions{}); err != nil || len(dst.versions["a"]) != 2 {
		t.Errorf("Copy of a higher number from a store without history: %v, %v", err, dst.versions)
	}
	// What dst has on top of src's newest stays.
	src, dst = newFake(), newFake()
	dst.versions["a"] = []idxdb.Version{src.put("a")}
	dst.put("a")
	report, err := idxdb.Copy(t.Context(), fakeHistorian{dst}, fakeHistorian{src}, idxdb.CopyOptions{})
	if err != nil || report.Present != 1 || len(dst.versions["a"]) != 2 {
		t.Errorf("Copy to a store that is ahead: %+v, %v", report, err)
	}
}

func TestCopyOptions(t *testing.T) {
	src, dst := newFake(), newFake()
	v := src.put("a")
	src.put("b")
	if _, err := idxdb.Copy(t.Context(), dst, src, idxdb.CopyOptions{Keys: []string{"a"}, As: "c"}); err != nil ||
		len(dst.versions) != 1 || dst.versions["c"][0].ID != v.ID || dst.versions["c"][0].Key != "c" {
		t.Errorf("Copy under another name: %v, %v", dst.versions, err)
	}
	for _, opts := range []idxdb.CopyOptions{{As: "x"}, {As: "x", Keys: []string{"a", "b"}}} {
		if _, err := idxdb.Copy(t.Context(), dst, src, opts); !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("Copy(%+v) = %v, want ErrUsage", opts, err)
		}
	}
	if _, err := idxdb.Copy(t.Context(), dst, src, idxdb.CopyOptions{Keys: []string{"z"}}); !errors.Is(err, idxdb.ErrNotFound) {
		t.Errorf("Copy of a key that is not there: %v", err)
	}
	if _, err := idxdb.Copy(t.Context(), dst, fakeHistorian{src}, idxdb.CopyOptions{Keys: []string{"z"}}); !errors.Is(err, idxdb.ErrNotFound) {
		t.Errorf("Copy of a key that has no versions: %v", err)
	}
	if report, err := idxdb.Copy(t.Context(), dst, src, idxdb.CopyOptions{Keys: []string{}}); err != nil || report != (idxdb.CopyReport{}) {
		t.Errorf("Copy of no keys: %+v, %v", report, err)
	}
}

func TestCopyFails(t *testing.T) {
	src, dst := newFake(), newFake()
	src.put("a")
	src.put("b")
	if _, err := idxdb.Copy(t.Context(), struct{ idxdb.Store }{dst}, src, idxdb.CopyOptions{}); !errors.Is(err, idxdb.ErrUnsupported) {
		t.Errorf("Copy to a store that cannot import: %v", err)
	}
	src.failAt = "b"
	report, err := idxdb.Copy(t.Context(), dst, src, idxdb.CopyOptions{})
	if !errors.Is(err, errFake) || !strings.Contains(err.Error(), `"b"`) || report.Keys != 1 || report.Versions != 1 {
		t.Errorf("Copy with a load that fails: %+v, %v", report, err)
	}
	if len(dst.versions["a"]) != 1 {
		t.Error("what was copied before the error is gone")
	}
	src.failAt = "list"
	if _, err := idxdb.Copy(t.Context(), newFake(), src, idxdb.CopyOptions{}); !errors.Is(err, errFake) {
		t.Errorf("Copy with a list that fails: %v", err)
	}
	dst.failAt = "a"
	src.failAt = ""
	if _, err := idxdb.Copy(t.Context(), dst, src, idxdb.CopyOptions{}); !errors.Is(err, errFake) {
		t.Errorf("Copy to a store that cannot say what it has: %v", err)
	}
	if src.open+dst.open != 0 {
		t.Errorf("%d documents were left open", src.open+dst.open)
	}
}
