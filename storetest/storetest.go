package storetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// Config says how to test one kind of store. Only Open is required.
type Config struct {
	// Open opens the store that lives in dir, a directory that exists. Opening
	// the same dir again opens the same store, also while it is open. The suite
	// closes what Open returns.
	Open func(t testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error)

	// Skips are the sentences and capabilities that the store does not keep,
	// with the reason that its documentation gives. A sentence is named as its
	// subtest, for example "Bytes/StreamInBoundedMemory"; a capability is one of
	// history, rename, clone, import, batch, verify, vacuum, inspect.
	Skips map[string]string

	// Check looks at the closed store in dir after every subtest that used it,
	// and fails t if it is not sound. Nil: the store is opened read-only and
	// asked through [idxdb.Verifier], if it is one.
	Check func(t testing.TB, dir string)

	// Files returns the files of the closed store in dir in which any flipped
	// byte must be noticed or make no difference. Nil: not tested.
	Files func(t testing.TB, dir string) []string

	// Lock takes the lock that a writer of the store in dir needs, as another
	// process would, and returns what releases it. Nil: not tested.
	Lock func(t testing.TB, dir string) (unlock func())

	// LargeSize is the size in bytes of the large documents that are streamed
	// through the store. 0: 40 MB.
	LargeSize int64

	// MaxHeap is how many bytes the live heap may grow by while a large document
	// is streamed. 0: half of LargeSize.
	MaxHeap int64

	// Steps is the number of random operations. 0: 250.
	Steps int

	// Seed is the seed of all that is random. 0: a new one in each run, which is
	// logged.
	Seed uint64
}

func (c Config) withDefaults() Config {
	if c.LargeSize == 0 {
		c.LargeSize = 40e6
	}
	if c.MaxHeap == 0 {
		c.MaxHeap = c.LargeSize / 2
	}
	if c.Steps == 0 {
		c.Steps = 250
	}
	return c
}

// A sentence is one promise of the contract with its test.
type sentence struct {
	name  string // the subtest, theme/promise
	needs []capability
	hook  func(c *Config) string // why it cannot be tested with c, or ""
	test  func(e *env)
}

// A capability is the name of an optional interface in Config.Skips.
type capability string

const (
	history capability = "history"
	rename  capability = "rename"
	clone   capability = "clone"
	imports capability = "import"
	batch   capability = "batch"
	verify  capability = "verify"
	vacuum  capability = "vacuum"
	inspect capability = "inspect"
)

var capabilities = map[capability]func(s idxdb.Store) bool{
	history: has[idxdb.Historian],
	rename:  has[idxdb.Renamer],
	clone:   has[idxdb.Cloner],
	imports: has[idxdb.Importer],
	batch:   has[idxdb.BatchSaver],
	verify:  has[idxdb.Verifier],
	vacuum:  has[idxdb.Vacuumer],
	inspect: has[idxdb.Inspector],
}

func has[T any](s idxdb.Store) bool {
	_, ok := idxdb.As[T](s)
	return ok
}

// sentences returns the whole contract, in the order in which it is tested.
func sentences() []sentence {
	return slices.Concat(
		bytesSentences, keySentences, atomicSentences, snapshotSentences,
		versionSentences, conditionSentences, retrySentences, jsonSentences,
		errorSentences, contextSentences, fieldSentences, historySentences,
		renameSentences, cloneSentences, importSentences, batchSentences,
		maintenanceSentences, copySentences, damageSentences,
		randomSentences, concurrentSentences,
	)
}

// Run tests that the store of cfg keeps every sentence of the contract, but for
// those in cfg.Skips.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	run(t, cfg, sentences())
}

// run is Run for a [testing.TB], so that the suite can be tested itself.
func run(t testing.TB, cfg Config, list []sentence) {
	t.Helper()
	cfg = cfg.withDefaults()
	subtest(t, "Capabilities/AreAsDocumented", func(t testing.TB) { checkSkips(t, &cfg) })
	probe := newEnv(t, &cfg)
	have := make(map[capability]bool)
	for name, has := range capabilities {
		have[name] = has(probe.store)
	}
	for _, s := range list {
		subtest(t, s.name, func(t testing.TB) { runSentence(t, &cfg, s, have) })
	}
}

func runSentence(t testing.TB, cfg *Config, s sentence, have map[capability]bool) {
	for _, c := range s.needs {
		if !have[c] {
			// Capabilities/AreAsDocumented fails if this is not documented.
			t.Skipf("the store has no capability %q: %s", c, cfg.Skips[string(c)])
		}
	}
	if s.hook != nil {
		if why := s.hook(cfg); why != "" {
			t.Skip(why)
		}
	}
	reason, excepted := cfg.Skips[s.name]
	if !excepted {
		s.test(newEnv(t, cfg))
		return
	}
	r := record(t, s.name, func(t testing.TB) { s.test(newEnv(t, cfg)) })
	if !r.Failed() {
		t.Fatalf("listed in Skips (%q), but the store keeps this sentence: take it off the list", reason)
	}
	t.Skipf("documented exception: %s", reason)
}

// checkSkips compares the capabilities that the store has with those that
// cfg.Skips lets it lack.
func checkSkips(t testing.TB, cfg *Config) {
	e := newEnv(t, cfg)
	for _, name := range slices.Sorted(maps.Keys(capabilities)) {
		reason, excepted := cfg.Skips[string(name)]
		has := capabilities[name](e.store)
		switch {
		case has && excepted:
			t.Errorf("Skips lists capability %q (%q), but the store has it: take it off the list", name, reason)
		case !has && !excepted:
			t.Errorf("the store has no capability %q, and Skips gives no reason", name)
		}
	}
	for name, reason := range cfg.Skips {
		_, isCapability := capabilities[capability(name)]
		isSentence := slices.ContainsFunc(sentences(), func(s sentence) bool { return s.name == name })
		if !isCapability && !isSentence {
			t.Errorf("Skips lists %q, which is neither a capability nor a sentence", name)
		}
		if strings.TrimSpace(reason) == "" {
			t.Errorf("Skips gives no reason for %q", name)
		}
	}
}

// check is the default Config.Check: it asks the store itself.
func check(t testing.TB, cfg *Config, dir string) {
	if cfg.Check != nil {
		cfg.Check(t, dir)
		return
	}
	s, err := cfg.Open(t, dir, idxdb.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Errorf("opening the store after the test to check it: %v", err)
		return
	}
	defer s.Close()
	v, ok := idxdb.As[idxdb.Verifier](s)
	if !ok {
		return
	}
	report, err := v.Verify(context.Background(), nil)
	if err != nil {
		t.Errorf("Verify after the test: %v", err)
	}
	for _, d := range report.Damage {
		t.Errorf("Verify after the test: damage: %+v", d)
	}
}
