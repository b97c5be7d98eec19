package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// An oldStore can be upgraded. It notes what had been said by then.
type oldStore struct {
	idxdb.Store
	plan     idxdb.UpgradePlan
	err      error
	stderr   *bytes.Buffer
	said     string
	upgrades int
}

func (s *oldStore) PlanUpgrade(context.Context) (idxdb.UpgradePlan, error) { return s.plan, s.err }

func (s *oldStore) Upgrade(context.Context) (from, to int, err error) {
	s.upgrades++
	s.said = s.stderr.String()
	return s.plan.From, s.plan.To, nil
}

// Who is locked out is said before it happens.
func TestUpgradeSaysWhoIsLockedOut(t *testing.T) {
	for _, test := range []struct {
		plan idxdb.UpgradePlan
		want string // on stderr, "" for nothing
	}{
		{idxdb.UpgradePlan{From: 1, To: 1, ReadFormat: 1, WriteFormat: 1}, ""},
		{idxdb.UpgradePlan{From: 1, To: 2, ReadFormat: 1, WriteFormat: 1}, "programs that know only format 1 can go on reading and changing it"},
		{idxdb.UpgradePlan{From: 1, To: 2, ReadFormat: 1, WriteFormat: 2}, "programs that know only formats below 2 can still read it, but no longer change it"},
		{idxdb.UpgradePlan{From: 1, To: 2, ReadFormat: 2, WriteFormat: 2}, "programs that know only formats below 2 can no longer use it"},
		{idxdb.UpgradePlan{From: 1, To: 3, ReadFormat: 2, WriteFormat: 3}, "below 2 can no longer use it, and those that know only formats below 3 can no longer change it"},
	} {
		for _, dryRun := range []bool{false, true} {
			var stderr bytes.Buffer
			a := &app{stderr: &stderr}
			s := &oldStore{plan: test.plan, stderr: &stderr}
			view, err := a.upgrade(t.Context(), "team.idx", s, dryRun)
			if err != nil || view != (upgradeView{test.plan.From, test.plan.To}) {
				t.Errorf("%+v: %+v, %v", test.plan, view, err)
			}
			if dryRun != (s.upgrades == 0) || s.upgrades > 1 {
				t.Errorf("%+v, dry run %v: %d upgrades", test.plan, dryRun, s.upgrades)
			}
			said := stderr.String()
			if !strings.Contains(said, test.want) || (said == "") != (test.want == "") || !dryRun && s.said != said {
				t.Errorf("%+v, dry run %v: %q, and %q before the upgrade; want %q", test.plan, dryRun, said, s.said, test.want)
			}
		}
	}
	var stderr bytes.Buffer
	s := &oldStore{err: idxdb.ErrCorrupt, stderr: &stderr}
	if _, err := (&app{stderr: &stderr}).upgrade(t.Context(), "team.idx", s, false); !errors.Is(err, idxdb.ErrCorrupt) || s.upgrades != 0 {
		t.Errorf("a plan that fails: %v, %d upgrades", err, s.upgrades)
	}
}
