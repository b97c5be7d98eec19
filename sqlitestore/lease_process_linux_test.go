package sqlitestore_test

import (
	"bufio"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

func init() { roles["holder"] = holder }

// holder takes the lease on "key" and does with it what it is told.
func holder(args []string, say func(...any), lines *bufio.Scanner) {
	s, err := sqlitestore.Open(ctx, args[0], sqlitestore.Options{})
	if err != nil {
		say(err)
		return
	}
	ttl, err := time.ParseDuration(args[1])
	if err != nil {
		say(err)
		return
	}
	l, err := s.Lease(ctx, "key", idxdb.LeaseOptions{TTL: ttl, Wait: time.Minute})
	if err != nil {
		say(err)
		return
	}
	say("held")
	for lines.Scan() {
		switch verb, rest, _ := strings.Cut(lines.Text(), " "); verb {
		case "save":
			_, err := saveWith(s, "key", rest, idxdb.SaveOptions{Lease: l.Token()})
			var lost *idxdb.LeaseLostError
			switch {
			case errors.As(err, &lost):
				say("lost")
			case err != nil:
				say(err)
			default:
				say("saved")
			}
		case "lost":
			select {
			case <-l.Lost():
				say("lost")
			case <-time.After(10 * time.Second):
				say("it is not told")
			}
		}
	}
}

func TestLeaseOfAKilledProcess(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	for _, next := range []func() error{
		func() error {
			_, err := saveWith(s, "key", `"without"`, idxdb.SaveOptions{})
			return err
		},
		func() error { return s.Delete(ctx, "key", idxdb.DeleteOptions{}) },
		func() error {
			l, err := s.Lease(ctx, "key", idxdb.LeaseOptions{})
			if err != nil {
				return err
			}
			return l.Release(ctx)
		},
	} {
		c := startChild(t, "holder", path, "1h")
		if got := c.answer(); got != "held" {
			t.Fatal(got)
		}
		c.expect(`save "with"`, "saved")
		var held *idxdb.LeaseHeldError
		if err := next(); !errors.As(err, &held) || held.Lease.Holder.PID != c.cmd.Process.Pid || held.Lease.Holder.Command == "" {
			t.Fatalf("while the holder lives: %v, want a LeaseHeldError that names process %d", err, c.cmd.Process.Pid)
		}
		c.kill()
		if err := next(); err != nil {
			t.Errorf("after the holder's death: %v", err)
		}
		if list, err := s.Leases(ctx); err != nil || len(list) != 0 {
			t.Errorf("held are %v, %v", list, err)
		}
	}
	clean(t, s)
}

// TestLeaseOfAStoppedProcess: a process that does not move loses its lease after
// the TTL, and cannot save with it when it wakes up.
func TestLeaseOfAStoppedProcess(t *testing.T) {
	const ttl = 500 * time.Millisecond
	path := newFile(t)
	s := open(t, path)
	c := startChild(t, "holder", path, ttl.String())
	if got := c.answer(); got != "held" {
		t.Fatal(got)
	}
	c.signal(syscall.SIGSTOP)
	defer c.signal(syscall.SIGCONT)
	time.Sleep(2 * ttl)

	// Nobody has watched it for the TTL yet, so it may have been renewed just now.
	if _, err := s.Lease(ctx, "key", idxdb.LeaseOptions{}); !errors.Is(err, idxdb.ErrLocked) {
		t.Errorf("who has just come: %v, want ErrLocked", err)
	}
	if _, err := saveWith(s, "key", `"without"`, idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrLocked) {
		t.Errorf("a save: %v, want ErrLocked", err)
	}
	start := time.Now()
	l, err := s.Lease(ctx, "key", idxdb.LeaseOptions{TTL: time.Minute, Wait: 30 * time.Second})
	must(t, err)
	if took := time.Since(start); took < ttl {
		t.Errorf("it was taken over after %s, before the TTL of %s", took, ttl)
	}
	saved, err := saveWith(s, "key", `"new holder"`, idxdb.SaveOptions{Lease: l.Token()})
	must(t, err)

	c.signal(syscall.SIGCONT)
	c.expect(`save "old holder"`, "lost")
	c.expect("lost", "lost")
	if got := load(t, s, "key", 0); got != `"new holder"` {
		t.Errorf("the key has %s", got)
	}
	// The old holder takes nothing from the new one.
	time.Sleep(ttl)
	again, err := saveWith(s, "key", `"new holder again"`, idxdb.SaveOptions{Lease: l.Token(), If: idxdb.IfMatch(saved.Version.ID)})
	must(t, err)
	if isLost(l) || again.Version.Number != saved.Version.Number+1 {
		t.Errorf("the new holder has lost its lease: %v", again)
	}
	must(t, l.Release(ctx))
}
