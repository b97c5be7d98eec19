package fsstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 300)
	for key, want := range map[string][]string{
		"owner/repo@main":               {"owner_repo_main"},
		"__a__b__":                      {"a_b"},
		"a-b_C9":                        {"a-b_C9"},
		"--a":                           {"--a"},
		"a\U0001F600b":                  {"a_b"},
		"été":                           {"t"},
		".":                             {"."},
		"..":                            {"-" + keyHash("..")[:8]},
		"@@":                            {"-" + keyHash("@@")[:8]},
		"indexes":                       {"indexes"},
		long[:200]:                      {long[:200]},
		long[:201]:                      {long[:190] + "-" + keyHash(long[:201])[:8]},
		long[:200] + "!":                {long[:200]},
		"/" + long[:190] + "//////////": {long[:190]},
	} {
		if got := names(key); got[0] != want[0] {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
		for _, name := range names(key) {
			if len(name) > 200 {
				t.Errorf("%q: %q is too long", key, name)
			}
		}
	}
}

func TestKeysLiveTogether(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir(), Options{})
	keys := []string{
		"owner/repo@main", "owner_repo_main", "owner repo main", "ключ/ветка", "ключ/тег", strings.Repeat("k", 512),
		strings.Repeat("k", 511), `a "b" 'c' %20 ../..`, "-rf", "--", ".", "..", ".idxdb", "indexes", "state.json", "_", "@",
		"owner_repo_main-" + keyHash("owner_repo_main")[:8], "CON", "a/../b", "~",
	}
	for round := range 2 {
		for i, key := range keys {
			save(t, s, key, fmt.Sprintf("[%d,%d,0]", i, round), "")
			save(t, s, key, fmt.Sprintf("[%d,%d]", i, round), fmt.Sprintf("[%d]", -i))
		}
	}
	check := func(s *Store) {
		t.Helper()
		var got []string
		for v, err := range s.List(ctx, idxdb.ListOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v.Key)
			i := slices.Index(keys, v.Key)
			if text, _, err := load(s, v.Key, idxdb.LoadOptions{}); err != nil || text != fmt.Sprintf("[%d,1]", i) {
				t.Errorf("%q: %s, %v", v.Key, text, err)
			}
		}
		want := slices.Sorted(slices.Values(keys))
		if !slices.Equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
	}
	check(s)
	check(open(t, s.dir, Options{ReadOnly: true}))
	// All is where it belongs.
	for _, key := range []string{"..", "../..", "a/../b"} {
		if strings.Contains(names(key)[0], "/") {
			t.Errorf("%q leads out: %q", key, names(key))
		}
	}
	if b, err := os.ReadFile(filepath.Join(s.dir, stateFile)); err != nil || string(b) != fmt.Sprintf("[%d,1]", slices.Index(keys, ".")) {
		t.Errorf("the root: %s, %v", b, err)
	}
	for _, key := range keys {
		if err := s.Delete(ctx, key, idxdb.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	if got := content(t, s); got != "" {
		t.Errorf("after all was deleted: %s", got)
	}
	list, err := os.ReadDir(filepath.Join(s.dir, indexesDir))
	if err != nil || len(list) > 0 {
		t.Errorf("left in %s: %v, %v", indexesDir, list, err)
	}
	if saved := save(t, s, "..", `1`, ""); saved.Version.Number != 5 {
		t.Errorf("saved again as version %d", saved.Version.Number)
	}
}
