package idxdb_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/idxdb/idxdb"

// owners are the packages, and what is below them, that may import a
// third-party module in their own code. Tests may use more.
var owners = map[string][]string{
	"modernc.org/sqlite":                {"sqlitestore"},
	"github.com/gofrs/flock":            {"internal/filelock"},
	"github.com/fsnotify/fsnotify":      {"sqlitestore"},
	"github.com/pierrec/lz4/v4":         {"internal/codec"},
	"github.com/klauspost/compress":     {"internal/codec"},
	"github.com/spf13/cobra":            {"cmd/idxdb"},
	"github.com/spf13/pflag":            {"cmd/idxdb"},
	"github.com/dustin/go-humanize":     {"cmd/idxdb"},
	"golang.org/x/term":                 {"cmd/idxdb"},
	"github.com/rogpeppe/go-internal":   {}, // tests only
	"golang.org/x/sys":                  {"cmd", "internal", "sqlitestore", "fsstore"},
	"github.com/google/renameio/v2":     {"internal/atomicfile"},
	"github.com/schollz/progressbar/v3": {"cmd/idxdb"},
}

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// path is the package's path inside the module, "" for the root.
func (p pkg) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func packages(t *testing.T) []pkg {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("the go command is needed to list the packages: %v", err)
	}
	cmd := exec.Command(goTool, "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go list: %v", err)
	}
	if len(all) < 2 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

// within reports whether a package path is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

func isStore(path string) bool {
	top, _, _ := strings.Cut(path, "/")
	return strings.HasSuffix(top, "store")
}

// forbidden says why a package may not import another of this module, or "".
func forbidden(from, to string) string {
	fromTop, _, _ := strings.Cut(from, "/")
	toTop, _, _ := strings.Cut(to, "/")
	switch {
	case from == "":
		return "the root package imports only the standard library"
	case within(to, "cmd") && !within(from, "cmd"):
		return "nothing imports a command"
	case within(to, "internal/stores") && !within(from, "cmd") && !within(from, "bench"):
		return "only commands know the list of stores"
	case isStore(to) && isStore(from) && fromTop != toTop:
		return "stores never import each other"
	case isStore(to) && within(from, "internal") && !within(from, "internal/stores"):
		return "what stores are built on does not know them"
	case isStore(to) && within(from, "cmd"):
		return "commands open stores through internal/stores"
	case within(to, "storetest") && !within(from, "storetest"):
		return "the conformance suite is for tests"
	case within(from, "storetest") && to != "" && !within(to, "storetest"):
		return "the conformance suite knows only the contract"
	}
	return ""
}

// thirdParty says why a package may not import path from another module, or "".
func thirdParty(from, path string) string {
	for mod, dirs := range owners {
		if !within(path, mod) {
			continue
		}
		for _, dir := range dirs {
			if within(from, dir) {
				return ""
			}
		}
		return mod + " belongs to " + strings.Join(dirs, ", ") + " alone"
	}
	return "its module has no owner yet: choose one in the table of this test"
}

// isStandard reports whether an import is of the standard library, whose first
// element has no dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		for _, to := range p.Imports {
			why := ""
			if within(to, module) {
				why = forbidden(p.path(), strings.TrimPrefix(strings.TrimPrefix(to, module), "/"))
			} else if !isStandard(to) {
				why = thirdParty(p.path(), to)
				if p.path() == "" {
					why = "the root package imports only the standard library"
				}
			}
			if why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, to, why)
			}
		}
		if !isStore(p.path()) {
			continue
		}
		for _, to := range slices.Concat(p.TestImports, p.XTestImports) {
			path, ours := strings.CutPrefix(to, module+"/")
			if ours && isStore(path) && !within(p.path(), strings.Split(path, "/")[0]) {
				t.Errorf("tests of %s import %s: stores never import each other", p.ImportPath, to)
			}
		}
	}
}

func TestImportRules(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"", "internal/codec", false},
		{"sqlitestore", "", true},
		{"sqlitestore", "internal/codec", true},
		{"sqlitestore", "fsstore", false},
		{"sqlitestore", "sqlitestore/internal/x", true},
		{"fsstore/internal/x", "sqlitestore", false},
		{"internal/stores", "sqlitestore", true},
		{"internal/codec", "sqlitestore", false},
		{"sqlitestore", "internal/stores", false},
		{"cmd/idxdb", "internal/stores", true},
		{"cmd/idxdb", "sqlitestore", false},
		{"internal/stores", "cmd/idxdb", false},
		{"sqlitestore", "storetest", false},
		{"storetest", "", true},
		{"storetest", "internal/codec", false},
		{"storetest", "storetest/internal/memstore", true},
	} {
		if why := forbidden(c.from, c.to); (why == "") != c.allowed {
			t.Errorf("%q imports %q: allowed %v, want %v (%s)", c.from, c.to, why == "", c.allowed, why)
		}
	}
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"sqlitestore", "modernc.org/sqlite", true},
		{"sqlitestore", "modernc.org/sqlite/lib", true},
		{"fsstore", "modernc.org/sqlite", false},
		{"internal/codec", "github.com/klauspost/compress/zstd", true},
		{"internal/codecs", "github.com/klauspost/compress/zstd", false},
		{"internal/codec", "example.org/unknown", false},
	} {
		if why := thirdParty(c.from, c.to); (why == "") != c.allowed {
			t.Errorf("%q imports %q: allowed %v, want %v (%s)", c.from, c.to, why == "", c.allowed, why)
		}
	}
}
