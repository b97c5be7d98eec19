package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/storetest/internal/memstore"
)

// bare hides every capability of the store in it.
type bare struct{ idxdb.Store }

var noCapabilities = map[string]string{
	"history": "no", "rename": "no", "clone": "no", "import": "no",
	"batch": "no", "verify": "no", "vacuum": "no", "inspect": "no",
}

func openBare(_ testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error) {
	s, err := memstore.Open(dir, opts, memstore.Faults{})
	if err != nil {
		return nil, err
	}
	return bare{s}, nil
}

func TestSkipsMustBeExact(t *testing.T) {
	with := func(more ...string) map[string]string {
		out := make(map[string]string)
		for k, v := range noCapabilities {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	const table = "Capabilities/AreAsDocumented"
	const sentence = "Bytes/SearchIsOptional"
	for name, c := range map[string]struct {
		cfg  Config
		says string // what fails, "" if nothing does
		text string
	}{
		"exact":                {Config{Open: openBare, Skips: with()}, "", ""},
		"capability not there": {Config{Open: openBare, Skips: nil}, table, `no capability "history"`},
		"capability there":     {Config{Open: openWith(memstore.Faults{}), Skips: with()}, table, `the store has it`},
		"sentence kept":        {Config{Open: openBare, Skips: with(sentence, "cannot")}, sentence, "keeps this sentence"},
		"unknown name":         {Config{Open: openBare, Skips: with("Bytes/Nonsense", "why")}, table, "neither a capability nor a sentence"},
		"no reason":            {Config{Open: openBare, Skips: with("Bytes/StreamInBoundedMemory", " ")}, table, "no reason"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			r := record(t, "suite", func(t2 testing.TB) {
				run(t2, c.cfg, choose(t, sentence, "Rename/MovesAllVersions"))
			})
			if c.says == "" {
				if r.Failed() {
					t.Errorf("the suite fails: %s", r.text())
				}
				return
			}
			if !slices.Contains(r.failures(), c.says) || !strings.Contains(r.text(), c.text) {
				t.Errorf("the suite does not fail in %s with %q: %s", c.says, c.text, r.text())
			}
		})
	}
}

func TestDocumentedExceptionIsSkippedVisibly(t *testing.T) {
	cfg := brokenConfig(memstore.Faults{}, nil)
	cfg.Skips = inMemory
	r := record(t, "suite", func(t2 testing.TB) { run(t2, cfg, choose(t, "Bytes/StreamInBoundedMemory")) })
	i := slices.IndexFunc(r.children, func(c *recorder) bool { return c.name == "Bytes/StreamInBoundedMemory" })
	if i < 0 || r.Failed() || !r.children[i].Skipped() || !strings.Contains(strings.Join(r.children[i].log, "\n"), inMemory["Bytes/StreamInBoundedMemory"]) {
		t.Errorf("a documented exception is not shown as skipped with its reason: %s", r.text())
	}
}

// TestStoreWithoutCapabilities runs all that is left for the smallest store.
func TestStoreWithoutCapabilities(t *testing.T) {
	cfg := Config{Open: openBare, LargeSize: 4e6, Skips: map[string]string{
		"Bytes/StreamInBoundedMemory": "documents are held in memory"}}
	for k, v := range noCapabilities {
		cfg.Skips[k] = v
	}
	Run(t, cfg)
}

func TestRecorderCatchesEverything(t *testing.T) {
	for name, f := range map[string]func(t testing.TB){
		"Error":         func(t testing.TB) { t.Error("x") },
		"Fatalf":        func(t testing.TB) { t.Fatalf("x") },
		"panic":         func(testing.TB) { panic("x") },
		"in Cleanup":    func(t testing.TB) { t.Cleanup(func() { t.Fatal("x") }) },
		"in a subtest":  func(t testing.TB) { subtest(t, "sub", func(t testing.TB) { t.Fatal("x") }) },
		"after Cleanup": func(t testing.TB) { t.Cleanup(func() {}); t.Cleanup(func() { t.Error("x") }) },
	} {
		if r := record(t, name, f); !r.Failed() || !strings.Contains(r.text(), "x") {
			t.Errorf("%s was not recorded", name)
		}
	}
	r := record(t, "skip", func(t testing.TB) { t.Skip("why"); t.Error("not reached") })
	if r.Failed() || !r.Skipped() {
		t.Error("a skip was not recorded")
	}
}
