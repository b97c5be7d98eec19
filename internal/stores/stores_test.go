package stores

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

func TestResolve(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"dir", "dir.idx"} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"plain", "file.txt", "50%?.odd"} {
		if err := os.WriteFile(file, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ arg, want string }{
		{"sqlite:x?timeout=5s", "sqlite:x?timeout=5s"},
		{"unknown:x", "unknown:x"}, // for the Mux to refuse
		// What is there decides.
		{"dir", "file:dir"},
		{"dir.idx", "file:dir.idx"},
		{"plain", "sqlite:plain"},
		{"file.txt", "sqlite:file.txt"},
		{"50%?.odd", "sqlite:50%25%3F.odd"},
		// Nothing is there: the name decides.
		{"new.idx", "sqlite:new.idx"},
		{"new.IDX", "sqlite:new.IDX"},
		{"new.sqlite", "sqlite:new.sqlite"},
		{"new.sqlite3", "sqlite:new.sqlite3"},
		{"new.db", "sqlite:new.db"},
		{"a.b/new", "file:a.b/new"},
		{"new", "file:new"},
		{"new.v2/", "file:new.v2/"},
		{"new?.idx", "sqlite:new%3F.idx"},
		{"//new.idx", "sqlite:/%2Fnew.idx"},
	}
	for _, test := range tests {
		got, err := Resolve(test.arg)
		if err != nil || got != test.want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", test.arg, got, err, test.want)
		}
	}
}

func TestResolveIsReadBackExactly(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"a b%20c.idx", "//double.idx", "q?x=1.idx", "#+&.idx", "ключ.idx", "./a:b.idx"} {
		url, err := Resolve(path)
		if err != nil {
			t.Errorf("Resolve(%q): %v", path, err)
			continue
		}
		loc, err := idxdb.ParseLocation(url)
		if err != nil || loc.Path != path || loc.Host != "" || len(loc.Params) != 0 {
			t.Errorf("Resolve(%q) = %q, which is read as %+v, %v", path, url, loc, err)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, arg := range []string{"", "new.txt", "new.", "dir/new.json"} {
		if got, err := Resolve(arg); !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("Resolve(%q) = %q, %v; want ErrUsage", arg, got, err)
		}
	}
	_, err := Resolve("new.txt")
	for _, advice := range []string{"sqlite:new.txt", "file:new.txt"} {
		if !strings.Contains(err.Error(), advice) {
			t.Errorf("%q does not advise to write %s", err, advice)
		}
	}
	if _, err := Resolve(os.DevNull); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("Resolve(%q): %v; want ErrUsage", os.DevNull, err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Open(t.Context(), "unknown:x", idxdb.OpenOptions{})
	if !errors.Is(err, idxdb.ErrUsage) {
		t.Fatalf("unknown scheme: %v; want ErrUsage", err)
	}
	for _, s := range Schemes() {
		if !strings.Contains(err.Error(), s.Name+":") {
			t.Errorf("%q does not list %s:", err, s.Name)
		}
		if _, err := Open(t.Context(), s.Name+":x?nonsense=1", idxdb.OpenOptions{}); !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("%s: unknown parameter: %v; want ErrUsage", s.Name, err)
		}
	}
	if _, err := Open(t.Context(), "x.txt", idxdb.OpenOptions{Create: true}); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("unclear suffix: %v; want ErrUsage", err)
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) != 0 {
		t.Errorf("refused opens left %v, %v", left, err)
	}
}

func TestSame(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("a.idx", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("b.idx", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	abs := filepath.ToSlash(filepath.Join(dir, "a.idx"))
	tests := []struct {
		a, b string
		want bool
	}{
		{"a.idx", "a.idx", true},
		{"a.idx", "./a.idx", true},
		{"a.idx", abs, true},
		{"a.idx", "sqlite:a.idx?timeout=5s", true},
		{"a.idx", "b.idx", false},
		{"a.idx", "file:a.idx", false},
		{"new.idx", "new.idx", true},
		{"new.idx", "new2.idx", false},
		{"x1://host/a", "x1://host/a?x=1", true},
		{"x1://host/a", "x1://other/a", false},
		{"x1://host/a.idx", "x1://host/./a.idx", false},
	}
	for _, test := range tests {
		got, err := Same(test.a, test.b)
		if err != nil || got != test.want {
			t.Errorf("Same(%q, %q) = %v, %v; want %v", test.a, test.b, got, err, test.want)
		}
	}
	for _, bad := range []string{"", "x.txt", "sqlite:%zz"} {
		if _, err := Same("a.idx", bad); !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("Same with %q: %v; want ErrUsage", bad, err)
		}
		if _, err := Same(bad, "a.idx"); !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("Same of %q: %v; want ErrUsage", bad, err)
		}
	}
}

func TestDataDir(t *testing.T) {
	tests := []struct {
		goos string
		env  map[string]string
		want string // "" for an error
	}{
		{"linux", map[string]string{"HOME": "/h"}, "/h/.local/share"},
		{"linux", map[string]string{"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x"},
		{"linux", map[string]string{"HOME": "/h", "XDG_DATA_HOME": "relative"}, "/h/.local/share"},
		{"linux", nil, ""},
		{"darwin", map[string]string{"HOME": "/h"}, "/h/Library/Application Support"},
		{"darwin", map[string]string{"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x"},
		{"windows", map[string]string{"LocalAppData": `C:\u`, "HOME": "/h"}, `C:\u`},
		{"windows", map[string]string{"HOME": "/h"}, ""},
	}
	for _, test := range tests {
		got, err := dataDir(test.goos, func(name string) string { return test.env[name] })
		if filepath.ToSlash(got) != filepath.ToSlash(test.want) || (err != nil) != (test.want == "") {
			t.Errorf("dataDir(%s, %v) = %q, %v; want %q", test.goos, test.env, got, err, test.want)
		}
	}
}

func TestDefaultPath(t *testing.T) {
	if path, err := DefaultPath(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), EnvStore) {
		t.Errorf("without an environment: %q, %v; want an error that names %s", path, err, EnvStore)
	}
	home := t.TempDir()
	path, err := DefaultPath(func(string) string { return home })
	if err != nil || path != filepath.Join(home, "idxdb", "index.idx") {
		t.Errorf("DefaultPath = %q, %v", path, err)
	}
}
