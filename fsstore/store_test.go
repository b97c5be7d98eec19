package fsstore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// A directory that ctxc deleted is free for another key.
func TestDirectoryDeletedByCtxc(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	save(t, s, "a/b", `1`, "")
	remove := func() {
		t.Helper()
		if err := os.RemoveAll(s.path("a_b")); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	save(t, s, "a_b", `2`, "")
	if got, want := content(t, s), "a_b v1 2 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, _, err := load(s, "a/b", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrNotFound) {
		t.Errorf("the other key: %v", err)
	}
	save(t, s, "a/b", `3`, "")
	want := "a/b v2 3 -\na_b v1 2 -\n"
	if got := content(t, s); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	remove()
	if _, err := s.Vacuum(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, s), "a/b v2 3 -\n"; got != want {
		t.Errorf("after vacuum: got %s, want %s", got, want)
	}
	// What ctxc saves there now has the directory's name.
	if err := errors.Join(os.Mkdir(s.path("a_b"), 0o777), os.WriteFile(s.docPath("a_b", idxdb.StateDoc), []byte(`4`), 0o666)); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, s), "a/b v2 3 -\na_b v2 4 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A directory's name need not be one that ctxc would choose.
func TestOtherDirectories(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"two words", "no state", "bad\nname", strings.Repeat("n", 250)} {
		path := filepath.Join(dir, indexesDir, name)
		if err := os.MkdirAll(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if name == "no state" {
			continue
		}
		if err := os.WriteFile(filepath.Join(path, stateFile), []byte(`1`), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, indexesDir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	s := open(t, dir, Options{Warn: collect(&warnings)})
	long := strings.Repeat("n", 250)
	if got, want := content(t, s), long+" v1 1 -\ntwo words v1 1 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(warnings) == 0 || !strings.Contains(warnings[0], "cannot be a key") {
		t.Errorf("warnings %q", warnings)
	}
	save(t, s, "two words", `2`, "") // stays where it is
	save(t, s, "file", `3`, "")      // must go elsewhere
	save(t, s, long, `4`, "")
	if got, want := content(t, s), "file v1 3 -\n"+long+" v2 4 -\ntwo words v2 2 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, indexesDir, "two words", stateFile)); err != nil || string(b) != "2" {
		t.Errorf("%s, %v", b, err)
	}
	if err := s.Delete(context.Background(), "two words", idxdb.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// A byte that changes while the file's time does not is damage.
func TestFlippedByte(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	save(t, s, "key", `"state"`, `"search"`)
	for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
		path := s.docPath("key", doc)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte("S"), 1)
		if err = errors.Join(err, f.Close(), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
			t.Fatal(err)
		}
		_, _, err = load(s, "key", idxdb.LoadOptions{Doc: doc})
		if c, ok := errors.AsType[*idxdb.CorruptError](err); !ok || c.Key != "key" || c.Version != 1 || c.Doc != doc {
			t.Errorf("%s: %v", doc, err)
		}
		// Whoever reads exactly as many bytes as there are must not miss it.
		d, err := s.Load(context.Background(), "key", idxdb.LoadOptions{Doc: doc})
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, d.Size)
		if n, err := d.Body.Read(buf); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("%s: read %d, %v", doc, n, err)
		}
		d.Body.Close()
	}
	report, err := s.Verify(context.Background(), nil)
	if err != nil || len(report.Damage) != 2 || report.Keys != 1 || report.Documents != 2 {
		t.Errorf("Verify: %+v, %v", report, err)
	}
}

func TestVerifySeesHalfAFileOfCtxc(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, indexesDir, "key")
	if err := errors.Join(os.MkdirAll(path, 0o777), os.WriteFile(filepath.Join(path, stateFile), []byte(`{"a":`), 0o666)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{ReadOnly: true})
	if got := content(t, s); got != `key v1 {"a": -`+"\n" {
		t.Errorf("it is read as it is, not as %s", got)
	}
	report, err := s.Verify(context.Background(), nil)
	if err != nil || len(report.Damage) != 1 || report.Damage[0].Key != "key" {
		t.Errorf("Verify: %+v, %v", report, err)
	}
}

func TestOpenErrors(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	newer := open(t, filepath.Join(dir, "newer"), Options{})
	if err := newer.disk.put(newer.own(formatFile), 0o666, formatRecord{Format: format + 1}); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	for _, test := range []struct {
		ctx  context.Context
		dir  string
		opts Options
		want error
	}{
		{ctx, filepath.Join(dir, "none"), Options{}, idxdb.ErrNotFound},
		{ctx, filepath.Join(dir, "none"), Options{Create: true, ReadOnly: true}, idxdb.ErrNotFound},
		{ctx, file, Options{Create: true}, idxdb.ErrNotStore},
		{ctx, filepath.Join(file, "below"), Options{Create: true}, idxdb.ErrNotStore},
		{ctx, dir, Options{Create: true}, idxdb.ErrNotStore},
		{ctx, newer.dir, Options{}, idxdb.ErrNewerFormat},
		{canceled, newer.dir, Options{}, context.Canceled},
	} {
		s, err := Open(test.ctx, test.dir, test.opts)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, test.want) {
			t.Errorf("%s %+v: %v, want %v", test.dir, test.opts, err, test.want)
		}
	}
	// A store that was upgraded while it is open is not changed any more.
	if _, err := newer.Save(ctx, "key", docs(`1`, ""), idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrNewerFormat) {
		t.Errorf("save: %v", err)
	}
}

// Records may be written by anybody: names in them that lead out of the store
// are damage.
func TestNamesThatLeadOut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"), Options{})
	save(t, s, "key", `1`, "")
	v, err := s.look(context.Background(), "key")
	if err != nil {
		t.Fatal(err)
	}
	evil := *v.rec
	evil.Dir = "../../outside"
	if err := s.disk.put(s.recordPath("key"), 0o666, evil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(s, "key", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrCorrupt) {
		t.Errorf("load: %v", err)
	}
	if err := s.Delete(context.Background(), "key", idxdb.DeleteOptions{}); !errors.Is(err, idxdb.ErrCorrupt) {
		t.Errorf("delete: %v", err)
	}
	if err := s.disk.put(s.recordPath("key"), 0o666, *v.rec); err != nil {
		t.Fatal(err)
	}
	p := pending{Changes: []change{{Dir: "key", Record: *v.rec, State: move{Temp: "../outside"}}}}
	if err := s.disk.put(s.own(pendingFile), 0o666, p); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(s, "key", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrCorrupt) {
		t.Errorf("load with a pending record: %v", err)
	}
	if _, err := s.Save(context.Background(), "key", docs(`2`, ""), idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrCorrupt) {
		t.Errorf("save: %v", err)
	}
}

// What a dead process prepared is removed, what a living one prepares is not.
func TestSweep(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir(), Options{})
	save(t, s, "key", `1`, "")
	dead := s.own(tempDir, "dead")
	if err := errors.Join(os.Mkdir(dead, 0o777), os.WriteFile(dead+lockSuffix, nil, 0o666),
		os.WriteFile(filepath.Join(dead, "1"), []byte("x"), 0o666), os.Mkdir(s.own(tempDir, "older"), 0o777)); err != nil {
		t.Fatal(err)
	}
	living := open(t, s.dir, Options{})
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := living.Save(ctx, "slow", idxdb.Documents{State: pr}, idxdb.SaveOptions{})
		done <- err
	}()
	if _, err := pw.Write([]byte(`[1,`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vacuum(ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{dead, dead + lockSuffix, s.own(tempDir, "older")} {
		if _, err := os.Lstat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", gone, err)
		}
	}
	_, err := pw.Write([]byte(`2]`))
	if err = errors.Join(err, pw.Close(), <-done); err != nil {
		t.Fatal(err)
	}
	if text, _, err := load(s, "slow", idxdb.LoadOptions{}); err != nil || text != `[1,2]` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTeamDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such permissions on Windows")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o770|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	save(t, s, "key", `1`, `2`)
	s.Close()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		want := os.FileMode(0o660)
		if e.IsDir() {
			want = 0o770 | os.ModeSetgid | os.ModeDir
		}
		if err == nil && info.Mode() != want {
			t.Errorf("%s has %v, want %v", path, info.Mode(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestScheme(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	t.Setenv("CONTEXT_CONNECTORS_STORE_PATH", filepath.Join(dir, "default"))
	var mux idxdb.Mux
	mux.Register(Scheme())
	for url, want := range map[string]error{
		"file:" + dir + "/a":                           nil,
		"file://" + dir + "/b":                         nil,
		"file://localhost" + dir + "/c":                nil,
		"file:" + dir + "/a?timeout=5s":                nil,
		"file:" + dir + "/a?timeout=0s&readonly=false": nil,
		"file:":                               nil,
		"file:" + dir + "/a?timeout=x":        idxdb.ErrUsage,
		"file:" + dir + "/a?timeout=-1s":      idxdb.ErrUsage,
		"file:" + dir + "/a?readonly=maybe":   idxdb.ErrUsage,
		"file:" + dir + "/a?other=1":          idxdb.ErrUsage,
		"file://host" + dir:                   idxdb.ErrUsage,
		"file:" + dir + "/none?readonly=true": idxdb.ErrNotFound,
	} {
		s, err := mux.Open(ctx, url, idxdb.OpenOptions{Create: true})
		if !errors.Is(err, want) || err == nil && want != nil {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
		if err == nil {
			s.Close()
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "default", ownDir)); err != nil {
		t.Errorf("the default directory: %v", err)
	}
	s, err := mux.Open(ctx, "file:"+dir+"/a?readonly=true", idxdb.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Save(ctx, "key", docs(`1`, ""), idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrReadOnly) {
		t.Errorf("save: %v", err)
	}
	t.Setenv("CONTEXT_CONNECTORS_STORE_PATH", "")
	t.Setenv("HOME", dir)
	if got := DefaultDir(); runtime.GOOS == "linux" && got != filepath.Join(dir, ".augment", "context-connectors") {
		t.Errorf("DefaultDir() = %s", got)
	}
}
