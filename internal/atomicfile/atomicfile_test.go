package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"one", "", "three"} {
		f, err := Create(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !IsTemp(f.Name()) || filepath.Dir(f.Name()) != filepath.Dir(path) {
			t.Errorf("temporary file %s", f.Name())
		}
		if _, err := io.WriteString(f, content); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Commit(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != content {
			t.Errorf("got %q, want %q", got, content)
		}
		if _, err := f.Write(nil); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Write after Commit: %v", err)
		}
		if err := f.Sync(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Sync after Commit: %v", err)
		}
	}
	if got := entries(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("left in the directory: %q", got)
	}
}

func TestCloseDropsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	if got := entries(t, filepath.Dir(path)); len(got) != 0 {
		t.Errorf("left in the directory: %q", got)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "none", "file"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "d"), []byte("x"), Options{}); err == nil {
		t.Error("over a directory: no error")
	}
	if got := entries(t, dir); fmt.Sprint(got) != "[d]" {
		t.Errorf("left in the directory: %q", got)
	}
	long := filepath.Join(dir, strings.Repeat("n", 250))
	if err := WriteFile(long, []byte("x"), Options{}); err != nil {
		t.Errorf("a long name: %v", err)
	}
}

// Each operation in turn fails: the error comes out, and the file is the old
// one, but for the last operation, when it is the new one; no temporary file
// stays unless it could not be removed.
func TestEveryOperationFails(t *testing.T) {
	boom := errors.New("boom")
	for n := 1; ; n++ {
		path := filepath.Join(t.TempDir(), "file")
		if err := WriteFile(path, []byte("old"), Options{}); err != nil {
			t.Fatal(err)
		}
		count, failed := 0, ""
		err := WriteFile(path, []byte("new"), Options{Before: func(op, _ string) error {
			if count++; count == n {
				failed = op
				return boom
			}
			return nil
		}})
		if failed == "" {
			if err != nil || n < 6 {
				t.Errorf("after %d operations: %v", n-1, err)
			}
			return
		}
		want := "old"
		if failed == "syncdir" {
			want = "new"
		}
		if !errors.Is(err, boom) {
			t.Errorf("%s failed: %v", failed, err)
		}
		if got := read(t, path); got != want {
			t.Errorf("%s failed: got %q", failed, got)
		}
		if got := entries(t, filepath.Dir(path)); len(got) != 1 {
			t.Errorf("%s failed: left in the directory: %q", failed, got)
		}
	}
}

func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such permissions on Windows")
	}
	for _, test := range []struct{ dir, umask, want fs.FileMode }{
		{0o755, 0o022, 0o644},
		{0o777, 0o002, 0o664},
		{0o700, 0o022, 0o640},
		{0o750, 0o000, 0o660},
		{0o711, 0o022, 0o640},
		{0o775, 0o022, 0o644},                    // not set-gid: nobody's team
		{0o775 | fs.ModeSetgid, 0o022, 0o664},    // a team's, readable by all
		{0o770 | fs.ModeSetgid, 0o077, 0o660},    // a team's, closed to others
		{0o755 | fs.ModeSetgid, 0o022, 0o644},    // the group may not write
		{0o777 | fs.ModeSticky, 0o022, 0o644},    // /tmp
		{0o2770&0o777 | fs.ModeSetgid, 0, 0o660}, // no umask at all
	} {
		if got := modeIn(test.dir, 0o666&^test.umask); got != test.want {
			t.Errorf("in %v with umask %03o: got %v, want %v", test.dir, test.umask, got, test.want)
		}
	}
	dir := filepath.Join(t.TempDir(), "team")
	if err := errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o770|fs.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	if got := ModeFor(dir); got != 0o660 {
		t.Errorf("ModeFor a team's directory: %v", got)
	}
	if got := ModeFor(filepath.Join(dir, "none")); got != 0o666&^umask {
		t.Errorf("ModeFor nothing: %v", got)
	}
	path := filepath.Join(dir, "file")
	if err := WriteFile(path, nil, Options{Mode: ModeFor(dir)}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o660 {
		t.Errorf("the file has %v, %v", info.Mode(), err)
	}
	sub := filepath.Join(dir, "a", "b")
	if err := MkdirAll(sub, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{sub, filepath.Dir(sub)} {
		if info, err := os.Stat(d); err != nil || info.Mode() != fs.ModeDir|fs.ModeSetgid|0o770 {
			t.Errorf("%s has %v, %v", d, info.Mode(), err)
		}
	}
	if err := MkdirAll(sub, Options{}); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := MkdirAll(filepath.Join(path, "x"), Options{}); err == nil {
		t.Error("below a file: no error")
	}
	if err := MkdirAll(path, Options{}); err == nil {
		t.Error("where a file is: no error")
	}
}

func TestSyncDir(t *testing.T) {
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); runtime.GOOS != "windows" && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestIsTemp(t *testing.T) {
	for name, want := range map[string]bool{
		tempName("state.json"):           true,
		"dir/" + tempName(""):            true,
		"state.json":                     false,
		".idxdb":                         false,
		"state.json" + tempName("x")[1:]: false,
	} {
		if got := IsTemp(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What killed writers have left goes; what is being written, or is new, or is of
// another file, stays.
func TestRemoveStale(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.json")
	long := time.Now().Add(-48 * time.Hour)
	leave := func(name string, age time.Time) string {
		t.Helper()
		temp := filepath.Join(dir, tempName(name))
		if err := os.WriteFile(temp, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(temp, age, age); err != nil {
			t.Fatal(err)
		}
		return temp
	}
	stale := leave("out.json", long)
	kept := []string{leave("out.json", time.Now()), leave("other.json", long), leave("out.json-more", long)}
	f, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" { // which has no lock to tell
		if err := os.Chtimes(f.Name(), long, long); err != nil {
			t.Fatal(err)
		}
	}
	kept = append(kept, f.Name())
	RemoveStale(path)
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale file is there: %v", err)
	}
	for _, name := range kept {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if err := f.Commit(); err != nil {
		t.Error(err)
	}
}
