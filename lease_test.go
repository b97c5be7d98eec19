package idxdb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

func TestLeaseToken(t *testing.T) {
	for _, key := range []string{"api", "ключ/ветка", "a.b c=d", strings.Repeat("x", idxdb.MaxKeyLen)} {
		want := idxdb.LeaseToken{Key: key, Fence: 1<<62 + 1, ID: idxdb.NewID()}
		text := want.String()
		if strings.ContainsAny(text, " \t\n\"'=/") {
			t.Errorf("%q is not one plain word", text)
		}
		if got, err := idxdb.ParseLeaseToken(text); err != nil || got != want {
			t.Errorf("%q was read as %+v, %v; want %+v", text, got, err, want)
		}
	}
	if got := (idxdb.LeaseToken{}).String(); got != "" {
		t.Errorf("no lease is written as %q", got)
	}
	id := idxdb.NewID().String()
	for _, text := range []string{
		"", "lease1", "lease1.1." + id, "lease2.1." + id + ".YQ", "lease1.0." + id + ".YQ", "lease1.-1." + id + ".YQ",
		"lease1.x." + id + ".YQ", "lease1.1.00.YQ", "lease1.1." + id + ".", "lease1.1." + id + ".!", "lease1.1." + id + ".Cg",
		"lease1.1." + id + ".YQ.", "lease1.1." + strings.Repeat("0", 32) + ".YQ",
	} {
		if got, err := idxdb.ParseLeaseToken(text); !errors.Is(err, idxdb.ErrUsage) || got != (idxdb.LeaseToken{}) {
			t.Errorf("%q was read as %+v, %v", text, got, err)
		}
	}
}

func TestLeaseErrors(t *testing.T) {
	holder := idxdb.Holder{User: "ana", Host: "build1", PID: 7, Command: "idxdb lease api", Operation: "lease", Since: time.Unix(0, 0).UTC()}
	info := idxdb.LeaseInfo{Key: "api", Fence: 3, Holder: holder, TTL: time.Minute}
	held := &idxdb.LeaseHeldError{Lease: info, Waited: 1500 * time.Millisecond, Err: context.DeadlineExceeded}
	if !errors.Is(held, idxdb.ErrLocked) || !errors.Is(held, context.DeadlineExceeded) {
		t.Error("a held lease is not what it should be")
	}
	lost := &idxdb.LeaseLostError{Lease: idxdb.LeaseToken{Key: "api", Fence: 1}, Current: &info}
	if !errors.Is(lost, idxdb.ErrConflict) {
		t.Error("a lost lease is no conflict")
	}
	for err, want := range map[error]string{
		held:                                     `the lease on "api" is held by ana@build1, pid 7, "idxdb lease api", doing lease since 1970-01-01T00:00:00Z (waited 1.5s)`,
		lost:                                     `lease 1 on "api" is not current any more: ana@build1, pid 7, "idxdb lease api", doing lease since 1970-01-01T00:00:00Z has lease 3`,
		&idxdb.LeaseLostError{Lease: lost.Lease}: `lease 1 on "api" is not current any more: it has ended`,
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}
