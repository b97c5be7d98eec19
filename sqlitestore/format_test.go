package sqlitestore_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

var update = flag.Bool("update", false, "write a new golden file of the present format, if there is none")

const (
	golden = "../internal/schema/testdata/format1.idx"
	reader = "../internal/schema/testdata/reader.py"
)

// goldenVersions is what the golden file holds, oldest first.
func goldenVersions() []idxdb.Version {
	by := idxdb.Author{User: "ada", Host: "tower", Program: "indexer"}
	source := idxdb.Source{Type: "github", Identifier: "o/r", Ref: "abc"}
	return []idxdb.Version{
		{Key: "owner/repo@main", Number: 1, SavedBy: by, Message: "first", Source: source},
		{Key: "owner/repo@main", Number: 2, SavedBy: by, Source: source},
		{Key: "ключ/ветка", Number: 1, SavedBy: by},
		{Key: "fast", Number: 1, SavedBy: by, Source: source},
	}
}

// goldenDocs returns the documents of a version in the golden file.
func goldenDocs(v idxdb.Version) (state, search string) {
	switch {
	case v.Key == "fast":
		return goldenIndex(300, 1) + "\n", "[\"" + strings.Repeat("text without digits ", 60) + "\"]"
	case v.Key != "owner/repo@main":
		return `"\u0001 one string"`, ""
	case v.Number == 1:
		return goldenIndex(200, 1), "\t{}\n"
	}
	return goldenIndex(200, 2), `{"upper":"` + strings.Repeat("0123456789ABCDEF", 300) + `"}`
}

// goldenIndex is shaped like an index state; variant changes one entry.
func goldenIndex(n, variant int) string {
	var b strings.Builder
	b.WriteString(`{"source":{"type":"github","config":{"owner":"o","repo":"r"},"resolvedRef":"abc"},"blobs":[`)
	for i := range n {
		if i == n/2 {
			i += 1000 * variant
		}
		fmt.Fprintf(&b, "\n  [\"%x\", \"src/dir%d/file%d.go\"],", sha256.Sum256([]byte{byte(i), byte(i >> 8)}), i/10, i)
	}
	b.WriteString("\n0]}")
	return b.String()
}

func writeGolden(t *testing.T) {
	s := open(t, golden)
	for _, v := range goldenVersions() {
		if v.Key == "fast" {
			sqlitestore.SetFastAbove(t, 0)
		}
		state, search := goldenDocs(v)
		docs := idxdb.Documents{State: strings.NewReader(state)}
		if search != "" {
			docs.Search = strings.NewReader(search)
		}
		if _, err := s.Save(ctx, v.Key, docs, idxdb.SaveOptions{Message: v.Message, By: v.SavedBy}); err != nil {
			t.Fatal(err)
		}
	}
	sqlitestore.SetPacking(t, 0, 1<<20)
	report, err := s.Vacuum(ctx, nil)
	must(t, err)
	if report.ChunksPacked == 0 {
		t.Error("the golden file has no frame")
	}
	must(t, s.Close())
	must(t, os.Remove(golden+".lock"))
}

// TestGoldenFile reads a file that an old program wrote. Files of every format
// that was ever released stay readable.
func TestGoldenFile(t *testing.T) {
	if _, err := os.Stat(golden); err != nil && *update {
		writeGolden(t)
	}
	data, err := os.ReadFile(golden)
	must(t, err)
	path := filepath.Join(t.TempDir(), "old.idx")
	must(t, os.WriteFile(path, data, 0o644))
	for codec := 1; codec <= 5; codec++ {
		if n := query(t, path, "SELECT count(*) FROM chunk WHERE codec = ?", codec)[0][0]; n == "0" {
			t.Errorf("the file has no chunk with codec %d", codec)
		}
	}
	if n := query(t, path, "SELECT count(*) FROM frame")[0][0]; n == "0" {
		t.Error("the file has no frame")
	}
	s := open(t, path)
	clean(t, s)
	for _, want := range goldenVersions() {
		var got *idxdb.Version
		for v, err := range s.Log(ctx, want.Key) {
			must(t, err)
			if v.Number == want.Number {
				got = &v
			}
		}
		if got == nil {
			t.Fatalf("%s has no version %d", want.Key, want.Number)
		}
		if got.SavedBy != want.SavedBy || got.Message != want.Message || got.Source != want.Source || got.ID.IsZero() || got.SavedAt.Year() < 2026 {
			t.Errorf("%s: got %+v, want %+v", want.Key, *got, want)
		}
		state, search := goldenDocs(want)
		if load(t, s, want.Key, want.Number) != state {
			t.Errorf("%s version %d has another state", want.Key, want.Number)
		}
		if search == "" != (got.Search == nil) {
			t.Errorf("%s version %d: search document %v", want.Key, want.Number, got.Search)
		}
	}
	// And the present program can go on with it.
	save(t, s, "owner/repo@main", `{"next":true}`)
	clean(t, s)
}

// TestReaderInAnotherLanguage runs a program that was written from FORMAT.md.
func TestReaderInAnotherLanguage(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("NOT TESTED: python3 is not installed, so nothing shows that FORMAT.md suffices to write a reader")
	}
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(python, append([]string{reader}, args...)...)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("reader.py %q: %v\n%s", args, err, stderr.String())
		}
		return out
	}
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	var numbers []string
	for i := 1; i <= 3; i++ {
		dir := filepath.Join("..", "testdata", "prometheus", fmt.Sprint(i))
		state, err := os.Open(filepath.Join(dir, "state.json"))
		must(t, err)
		defer state.Close()
		search, err := os.Open(filepath.Join(dir, "search.json"))
		must(t, err)
		defer search.Close()
		_, err = s.Save(ctx, "prometheus", idxdb.Documents{State: state, Search: search}, idxdb.SaveOptions{})
		must(t, err)
		numbers = append([]string{fmt.Sprint(i)}, numbers...)
	}
	must(t, s.Delete(ctx, "prometheus", idxdb.DeleteOptions{If: idxdb.IfVersion(3)}))
	save(t, s, "prometheus", `{"a":1}`)
	must(t, s.Close())
	if got := run(path, "log", "prometheus"); bytes.Count(got, []byte("\n")) != 1 || !bytes.Contains(got, []byte(`"number": 4,`)) {
		t.Errorf("after a delete the log is %s", got)
	}

	data, err := os.ReadFile(golden)
	must(t, err)
	path = filepath.Join(t.TempDir(), "golden.idx")
	must(t, os.WriteFile(path, data, 0o644))
	var keys []string
	lines := bufio.NewScanner(bytes.NewReader(run(path, "list")))
	for lines.Scan() {
		var key struct{ Key string }
		must(t, json.Unmarshal(lines.Bytes(), &key))
		keys = append(keys, key.Key)
	}
	if want := []string{"fast", "owner/repo@main", "ключ/ветка"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	for _, v := range goldenVersions() {
		state, search := goldenDocs(v)
		if got := run(path, "load", v.Key, fmt.Sprint(v.Number), "state"); string(got) != state {
			t.Errorf("%s version %d: reader.py has another state", v.Key, v.Number)
		}
		if search != "" {
			if got := run(path, "load", v.Key, fmt.Sprint(v.Number), "search"); string(got) != search {
				t.Errorf("%s version %d: reader.py has another search document", v.Key, v.Number)
			}
		}
	}

	// A real state, from a file that was just written.
	path = filepath.Join(t.TempDir(), "real.idx")
	s = open(t, path)
	want, err := os.ReadFile(filepath.Join("..", "testdata", "prometheus", "1", "state.json"))
	must(t, err)
	save(t, s, "prometheus", string(want))
	must(t, s.Close())
	if got := run(path, "load", "prometheus", "1", "state"); !bytes.Equal(got, want) {
		t.Error("reader.py extracts a real state with other bytes")
	}
	// It notices damage, as FORMAT.md says a reader can.
	damaged := []byte(snapshot(t, path))
	at := bytes.Index(damaged, []byte("github"))
	damaged[at] ^= 1
	must(t, os.WriteFile(path, damaged, 0o644))
	if out, err := exec.Command(python, reader, path, "log", "prometheus").CombinedOutput(); err == nil || !bytes.Contains(out, []byte("damaged")) {
		t.Errorf("reader.py does not notice a flipped bit: %v, %s", err, out)
	}
}
