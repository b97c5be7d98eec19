package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/storetest/internal/memstore"
)

// sealedConfig is that of a store with one file, in which it looks for damage
// if it is careful.
func sealedConfig(careful bool) Config {
	const seal = "this file was written by the store and must not change"
	return Config{
		Seed: 1,
		Open: func(_ testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error) {
			name := filepath.Join(dir, "seal")
			s, err := memstore.Open(dir, opts, memstore.Faults{})
			if err != nil {
				return nil, err
			}
			text, err := os.ReadFile(name)
			if errors.Is(err, os.ErrNotExist) {
				return s, os.WriteFile(name, []byte(seal), 0o600)
			}
			switch {
			case err != nil:
				return nil, err
			case string(text) == seal:
				return s, nil
			case careful:
				return nil, &idxdb.CorruptError{Detail: "the seal is broken"}
			}
			return &newestOnly{defect{s}}, nil
		},
		Files: func(_ testing.TB, dir string) []string { return []string{filepath.Join(dir, "seal")} },
	}
}

func TestDamageIsTested(t *testing.T) {
	const name = "Damage/IsAnErrorOrMakesNoDifference"
	for _, careful := range []bool{true, false} {
		r := record(t, "suite", func(t2 testing.TB) { run(t2, sealedConfig(careful), choose(t, name)) })
		if careful == r.Failed() {
			t.Errorf("careful store %v: failed %v: %s", careful, r.Failed(), r.text())
		}
	}
}

// lockable is a store whose saves wait for a lock, and say who holds it if told.
type lockable struct {
	*memstore.Store
	mu  *sync.Mutex
	say bool
}

func (s lockable) Save(ctx context.Context, key string, d idxdb.Documents, o idxdb.SaveOptions) (idxdb.Saved, error) {
	for !s.mu.TryLock() {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			if !s.say {
				return idxdb.Saved{}, ctx.Err()
			}
			return idxdb.Saved{}, &idxdb.LockedError{
				Path: "the store", Holder: idxdb.Holder{PID: 1, Since: time.Now()}, Err: ctx.Err()}
		}
	}
	defer s.mu.Unlock()
	return s.Store.Save(ctx, key, d, o)
}

func TestLockIsTested(t *testing.T) {
	for _, say := range []bool{true, false} {
		var mu sync.Mutex
		cfg := Config{
			Open: func(_ testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error) {
				s, err := memstore.Open(dir, opts, memstore.Faults{})
				return lockable{s, &mu, say}, err
			},
			Lock: func(testing.TB, string) func() { mu.Lock(); return mu.Unlock },
		}
		r := record(t, "suite", func(t2 testing.TB) { run(t2, cfg, choose(t, "Waiting/EndsWithTheContext")) })
		if say == r.Failed() {
			t.Errorf("store that says who holds the lock %v: failed %v: %s", say, r.Failed(), r.text())
		}
	}
}

// TestOpenIsTested breaks Open, which no wrapped method can.
func TestOpenIsTested(t *testing.T) {
	for name, open := range map[string]func(dir string, o idxdb.OpenOptions) (idxdb.Store, error){
		"Errors/OpeningWhatIsNotThere": func(dir string, o idxdb.OpenOptions) (idxdb.Store, error) {
			o.Create = true
			return memstore.Open(dir, o, memstore.Faults{})
		},
		"Errors/ReadOnlyRefusesEveryWrite": func(dir string, o idxdb.OpenOptions) (idxdb.Store, error) {
			o.ReadOnly = false
			return memstore.Open(dir, o, memstore.Faults{})
		},
		"Atomic/EverythingIsThereAfterReopen": func(dir string, o idxdb.OpenOptions) (idxdb.Store, error) {
			if !o.Create { // every handle but the first is on a store of its own
				dir, o.Create = filepath.Join(dir, "elsewhere"), true
			}
			return memstore.Open(dir, o, memstore.Faults{})
		},
	} {
		cfg := Config{Open: func(_ testing.TB, dir string, o idxdb.OpenOptions) (idxdb.Store, error) { return open(dir, o) }}
		r := record(t, "suite", func(t2 testing.TB) { run(t2, cfg, choose(t, name)) })
		if !slices.Contains(r.failures(), name) {
			t.Errorf("%s does not fail: %s", name, r.text())
		}
	}
}

func TestMissingHooksAreVisible(t *testing.T) {
	cfg := brokenConfig(memstore.Faults{}, nil)
	names := []string{"Damage/IsAnErrorOrMakesNoDifference", "Waiting/EndsWithTheContext"}
	r := record(t, "suite", func(t2 testing.TB) { run(t2, cfg, choose(t, names...)) })
	for _, c := range r.children {
		if slices.Contains(names, c.name) && (!c.Skipped() || !strings.Contains(strings.Join(c.log, ""), "Config.")) {
			t.Errorf("%s without its hook is not shown as skipped: %q", c.name, c.log)
		}
	}
}
