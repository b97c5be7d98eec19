//go:build linux

package stress

import (
	"testing"
	"time"

	"github.com/idxdb/idxdb/test/internal/rig"
)

// TestProcesses is the rig itself; see the package documentation for its knobs.
func TestProcesses(t *testing.T) {
	budget := 30 * time.Second
	if testing.Short() {
		budget = 6 * time.Second
	}
	budget = rig.Duration(t, "IDXDB_STRESS_TIME", budget)
	u := newRun(workDir(t), rig.Seed(t, "IDXDB_STRESS_SEED"), rig.Int(t, "IDXDB_STRESS_PROCESSES", 16))
	begin := time.Now()
	for report := begin; time.Since(begin) < budget; {
		problems := u.one(min(6*time.Second, max(2*time.Second, budget-time.Since(begin))))
		for _, p := range problems {
			t.Error(p)
		}
		if len(problems) > 0 {
			t.Log(u.summary())
			t.Fatalf("the store and the histories are in %s if IDXDB_STRESS_DIR is set", u.dir)
		}
		if time.Since(report) > time.Minute {
			report = time.Now()
			t.Logf("after %s: %s", time.Since(begin).Round(time.Second), u.summary())
		}
	}
	t.Log(u.summary())
	for _, kind := range []string{opSave, opBatch, opDelete, opRename, opClone, opLoad, opLog, opList, opVacuum} {
		if u.ops[kind] == 0 {
			t.Errorf("no %s was tried", kind)
		}
	}
	if u.kills == 0 || u.cut == 0 {
		t.Errorf("%d processes were killed, and %d operations cut off", u.kills, u.cut)
	}
}

// TestLiesAreFound runs the rig on a store that seems to break its promises.
func TestLiesAreFound(t *testing.T) {
	for _, lie := range []string{lieAcknowledged, lieStale, lieForgotten} {
		t.Run(lie, func(t *testing.T) {
			u := newRun(workDir(t), rig.Seed(t, "IDXDB_STRESS_SEED"), 6)
			u.lie = lie
			for range 12 { // a busy machine does little in a round
				if problems := u.one(1500 * time.Millisecond); len(problems) > 0 {
					for _, p := range problems {
						t.Logf("found: %s", p)
					}
					return
				}
			}
			t.Errorf("it went unnoticed: %s", u.summary())
		})
	}
}
