package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/atomicfile"
)

var errBoom = errors.New("boom")

// faults makes the nth operation on the file system fail, and with stop all
// after it, as if the process had died there.
type faults struct {
	n, count int
	stop     bool
	failed   string // what the first failure was
}

func (f *faults) before(op, path string) error {
	f.count++
	if f.count == f.n {
		f.failed = op + " " + filepath.Base(path)
	}
	if f.count == f.n || f.stop && f.count > f.n {
		return fmt.Errorf("%s %s: %w", op, path, errBoom)
	}
	return nil
}

// memDir is t.TempDir in memory where that is possible: these tests flush files
// thousands of times, and it is not the disk that they test.
func memDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fsstore")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// collect keeps all warnings but the one that depends on where the test runs.
func collect(list *[]string) func(string) {
	return func(text string) {
		if !strings.Contains(text, "only one machine") {
			*list = append(*list, text)
		}
	}
}

func open(t *testing.T, dir string, opts Options) *Store {
	t.Helper()
	opts.Create = !opts.ReadOnly
	s, err := Open(context.Background(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func docs(state, search string) idxdb.Documents {
	d := idxdb.Documents{State: strings.NewReader(state)}
	if search != "" {
		d.Search = strings.NewReader(search)
	}
	return d
}

func save(t *testing.T, s *Store, key, state, search string) idxdb.Saved {
	t.Helper()
	saved, err := s.Save(context.Background(), key, docs(state, search), idxdb.SaveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// content describes everything in the store in one text.
func content(t *testing.T, s *Store) string {
	t.Helper()
	var b strings.Builder
	for v, err := range s.List(context.Background(), idxdb.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s v%d", v.Key, v.Number)
		for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
			text, got, err := load(s, v.Key, idxdb.LoadOptions{Version: v.Number, Doc: doc})
			switch {
			case v.Info(doc) == nil && errors.Is(err, idxdb.ErrNotFound):
				text = "-"
			case err != nil:
				t.Fatalf("load %s of %q: %v", doc, v.Key, err)
			case got.ID != v.ID:
				t.Fatalf("%q: listed with id %s, loaded with %s", v.Key, v.ID, got.ID)
			}
			fmt.Fprintf(&b, " %s", text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func load(s *Store, key string, opts idxdb.LoadOptions) (string, idxdb.Version, error) {
	d, err := s.Load(context.Background(), key, opts)
	if err != nil {
		return "", idxdb.Version{}, err
	}
	defer d.Body.Close()
	var b strings.Builder
	_, err = d.Body.(*body).WriteTo(&b)
	return b.String(), d.Version, err
}

// Each operation in turn fails or is the last: what was there before or what is
// to be there is found by a reader at once, by a writer after it, and never a
// mixture; the error says which of the two if it says anything.
func TestEveryOperationFails(t *testing.T) {
	ctx := context.Background()
	batch := func(keys ...string) []idxdb.BatchItem {
		var items []idxdb.BatchItem
		for _, key := range keys {
			items = append(items, idxdb.BatchItem{Key: key, Open: func() (idxdb.Documents, func(), error) {
				return docs(`"batch"`, `"search"`), func() {}, nil
			}})
		}
		return items
	}
	for name, test := range map[string]struct {
		do    func(s *Store) error
		after string
	}{
		"save": {func(s *Store) error {
			_, err := s.Save(ctx, "a/b", docs(`"new"`, `"new search"`), idxdb.SaveOptions{})
			return err
		}, "a/b v2 \"new\" \"new search\"\nc v1 \"c\" -\n"},
		"save without search": {func(s *Store) error {
			_, err := s.Save(ctx, "a/b", docs(`"new"`, ""), idxdb.SaveOptions{})
			return err
		}, "a/b v2 \"new\" -\nc v1 \"c\" -\n"},
		"save a new key": {func(s *Store) error {
			_, err := s.Save(ctx, "a_b", docs(`"other"`, `"s"`), idxdb.SaveOptions{})
			return err
		}, "a/b v1 \"old\" \"old search\"\na_b v1 \"other\" \"s\"\nc v1 \"c\" -\n"},
		"save the root": {func(s *Store) error {
			_, err := s.Save(ctx, ".", docs(`"root"`, `"s"`), idxdb.SaveOptions{})
			return err
		}, ". v1 \"root\" \"s\"\na/b v1 \"old\" \"old search\"\nc v1 \"c\" -\n"},
		"delete": {func(s *Store) error { return s.Delete(ctx, "a/b", idxdb.DeleteOptions{}) }, "c v1 \"c\" -\n"},
		"rename": {func(s *Store) error { return s.Rename(ctx, "a/b", "d") }, "c v1 \"c\" -\nd v1 \"old\" \"old search\"\n"},
		"clone": {func(s *Store) error {
			_, err := s.Clone(ctx, "a/b", "d", true)
			return err
		}, "a/b v1 \"old\" \"old search\"\nc v1 \"c\" -\nd v1 \"old\" \"old search\"\n"},
		"batch": {func(s *Store) error {
			_, err := s.SaveBatch(ctx, batch("a/b", "c", "e"))
			return err
		}, "a/b v2 \"batch\" \"search\"\nc v2 \"batch\" \"search\"\ne v1 \"batch\" \"search\"\n"},
	} {
		for _, stop := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stop=%v", name, stop), func(t *testing.T) {
				for n := 1; ; n++ {
					f := &faults{n: n, stop: stop}
					if !faultyRun(t, f, test.do, test.after) {
						if n < 15 {
							t.Errorf("only %d operations", n)
						}
						return
					}
				}
			})
		}
	}
}

// faultyRun reports whether a fault was met.
func faultyRun(t *testing.T, f *faults, do func(s *Store) error, after string) bool {
	const before = "a/b v1 \"old\" \"old search\"\nc v1 \"c\" -\n"
	dir := memDir(t)
	s := open(t, dir, Options{})
	save(t, s, "a/b", `"old"`, `"old search"`)
	save(t, s, "c", `"c"`, "")
	s.Close()

	s = open(t, dir, Options{})
	s.disk.before = f.before
	err := do(s)
	s.disk.before = nil
	if f.failed == "" && err != nil {
		t.Fatalf("without a fault: %v", err)
	}

	got := content(t, open(t, dir, Options{ReadOnly: true}))
	what := fmt.Sprintf("operation %d (%s) failed, error %v", f.n, f.failed, err)
	switch {
	case got != before && got != after:
		t.Fatalf("%s: a mixture:\n%s", what, got)
	case err == nil && got != after:
		t.Fatalf("%s: acknowledged but not there:\n%s", what, got)
	case err != nil && !errors.Is(err, errBoom):
		t.Fatalf("%s: the fault is not in the error", what)
	case err != nil && !errors.Is(err, idxdb.ErrOutcomeUnknown) && got != before:
		t.Fatalf("%s: nothing should have happened:\n%s", what, got)
	}
	// The next writer, in a new process as it were, leaves it so.
	s.Close()
	next := open(t, dir, Options{})
	save(t, next, "z", `"z"`, "")
	if now := content(t, next); now != got+"z v1 \"z\" -\n" {
		t.Fatalf("%s: found\n%s, and after the next save\n%s", what, got, now)
	}
	if report, err := next.Verify(context.Background(), nil); err != nil || len(report.Damage) > 0 {
		t.Fatalf("%s: Verify: %+v, %v", what, report.Damage, err)
	}
	next.Close()
	checkNothingLeft(t, what, dir)
	return f.failed != ""
}

// checkNothingLeft looks for what a closed store must not leave.
func checkNothingLeft(t *testing.T, what, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if atomicfile.IsTemp(path) || e.Name() == pendingFile || strings.HasPrefix(rel, filepath.Join(ownDir, tempDir)+"/") {
			t.Errorf("%s: left behind: %s", what, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(filepath.Join(dir, indexesDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		files, err := os.ReadDir(filepath.Join(dir, indexesDir, e.Name()))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: left behind: an empty %s (%v)", what, e.Name(), err)
		}
	}
}

// A save whose outcome is unknown is repeated with its id, and happens once.
func TestRepeatingAnUnknownOutcome(t *testing.T) {
	ctx := context.Background()
	for n, unknown := 1, 0; ; n++ {
		s := open(t, memDir(t), Options{})
		save(t, s, "key", `"old"`, "")
		f := &faults{n: n, stop: true}
		s.disk.before = f.before
		opts := idxdb.SaveOptions{ID: idxdb.NewID(), If: idxdb.IfVersion(1)}
		_, err := s.Save(ctx, "key", docs(`"new"`, `"search"`), opts)
		s.disk.before = nil
		if f.failed == "" {
			if unknown == 0 {
				t.Error("no outcome was ever unknown")
			}
			return
		}
		if e, ok := errors.AsType[*idxdb.OutcomeUnknownError](err); ok {
			unknown++
			if e.ID != opts.ID || e.Key != "key" {
				t.Errorf("the error is of %q %s", e.Key, e.ID)
			}
		}
		saved, err := s.Save(ctx, "key", docs(`"new"`, `"search"`), opts)
		if err != nil || saved.Version.Number != 2 || saved.Version.ID != opts.ID {
			t.Fatalf("operation %d (%s) failed, again: %+v, %v", n, f.failed, saved, err)
		}
	}
}

// What ctxc saves after a process died in its save stays.
func TestPendingIsDroppedIfSavedSince(t *testing.T) {
	ctx := context.Background()
	for n, dropped := 1, 0; ; n++ {
		dir := memDir(t)
		s := open(t, dir, Options{})
		save(t, s, "key", `"old"`, `"old search"`)
		f := &faults{n: n, stop: true}
		s.disk.before = f.before
		_, err := s.Save(ctx, "key", docs(`"new"`, `"new search"`), idxdb.SaveOptions{})
		s.disk.before = nil
		if f.failed == "" {
			if dropped < 5 {
				t.Errorf("a pending change was dropped %d times", dropped)
			}
			return
		}
		_, pendingErr := os.Stat(s.own(pendingFile))
		for name, text := range map[string]string{stateFile: `"ctxc's"`, searchFile: `"ctxc's search"`} {
			if err := os.WriteFile(filepath.Join(s.path("key"), name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		var warnings []string
		next := open(t, dir, Options{Warn: collect(&warnings)})
		want := "\"ctxc's\" \"ctxc's search\"\n"
		got := content(t, next)
		if !strings.HasSuffix(got, want) {
			t.Fatalf("operation %d (%s) failed (%v): a reader finds %s", n, f.failed, err, got)
		}
		save(t, next, "z", `"z"`, "")
		again := content(t, next)
		if !strings.Contains(again, want) {
			t.Fatalf("operation %d (%s) failed (%v): the next writer leaves %s", n, f.failed, err, again)
		}
		if pendingErr == nil {
			dropped++
			if len(warnings) != 1 || !strings.Contains(warnings[0], `"key"`) {
				t.Errorf("operation %d (%s): warnings %q", n, f.failed, warnings)
			}
			if !strings.HasPrefix(again, "key v3 ") {
				t.Errorf("operation %d (%s): number 2 was given out: %s", n, f.failed, again)
			}
		} else if len(warnings) != 0 {
			t.Errorf("operation %d (%s): warnings %q", n, f.failed, warnings)
		}
	}
}

// What ctxc saves while a commit is being carried out is not overwritten: the
// save says that it does not know, and the next one drops it.
func TestCtxcSavesDuringTheCommit(t *testing.T) {
	dir := memDir(t)
	var warnings []string
	s := open(t, dir, Options{Warn: collect(&warnings)})
	save(t, s, "key", `"old"`, `"old search"`)
	s.disk.before = func(op, path string) error {
		if op == "rename" && filepath.Base(path) == pendingFile {
			for name, text := range map[string]string{stateFile: `"ctxc's"`, searchFile: `"its search"`} {
				if err := os.WriteFile(filepath.Join(s.path("key"), name), []byte(text), 0o666); err != nil {
					return err
				}
			}
		}
		return nil
	}
	_, err := s.Save(context.Background(), "key", docs(`"new"`, `"new search"`), idxdb.SaveOptions{})
	s.disk.before = nil
	if !errors.Is(err, idxdb.ErrOutcomeUnknown) {
		t.Errorf("save: %v", err)
	}
	save(t, s, "z", `"z"`, "")
	want := "key v3 \"ctxc's\" \"its search\"\nz v1 \"z\" -\n"
	if got := content(t, s); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(warnings) != 1 {
		t.Errorf("warnings %q", warnings)
	}
}
