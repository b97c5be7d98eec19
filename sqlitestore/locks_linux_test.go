package sqlitestore_test

import (
	"bufio"
	"database/sql"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/sqlitestore"
)

func init() { roles["user"] = user }

// user does one thing to a store, says so, and stays so until its stdin ends.
func user(args []string, say func(...any), lines *bufio.Scanner) {
	path, what := args[0], args[1]
	wait := func() { lines.Scan() }
	switch what {
	case "read": // as another program would, in one long transaction
		db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
		if err != nil {
			say(err)
			return
		}
		tx, err := db.Begin()
		if err == nil {
			err = tx.QueryRow("SELECT count(*) FROM key").Scan(new(int))
		}
		say("ok", err)
		wait()
	case "load":
		s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{ReadOnly: true})
		if err != nil {
			say(err)
			return
		}
		doc, err := s.Load(ctx, "key", idxdb.LoadOptions{})
		if err == nil {
			_, err = io.CopyN(io.Discard, doc.Body, 1)
		}
		time.Sleep(50 * time.Millisecond) // what it reads ahead is there
		say("ok", err)
		wait()
	case "hold", "queue":
		say("ok", nil)
		if what == "queue" {
			wait()
		}
		release, err := filelock.New(path+".lock", filelock.Options{}).Acquire(ctx, "hold")
		say("held", err)
		if err == nil {
			wait()
			say(release())
		}
	}
}

func startUser(t *testing.T, path, what string) *child {
	t.Helper()
	c := startChild(t, "user", path, what)
	if got := c.answer(); got != "ok <nil>" {
		t.Fatalf("%s: %s", what, got)
	}
	return c
}

func locks(t *testing.T, s *sqlitestore.Store) idxdb.LockReport {
	t.Helper()
	report, err := s.Locks(ctx)
	must(t, err)
	if report.Unseen != "" {
		t.Errorf("not seen: %s", report.Unseen)
	}
	return report
}

func find(list []idxdb.Process, pid int) *idxdb.Process {
	i := slices.IndexFunc(list, func(p idxdb.Process) bool { return p.PID == pid })
	if i < 0 {
		return nil
	}
	return &list[i]
}

func TestLocks(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	save(t, s, "key", noise(5_000_000))
	report := locks(t, s)
	if report.Writer != nil || report.Left != nil || len(report.Waiting) != 0 || len(report.Leases) != 0 ||
		len(report.Processes) != 1 || report.Processes[0].PID != os.Getpid() || report.Processes[0].Reading {
		t.Errorf("with nobody else there: %+v", report)
	}

	reader, loader := startUser(t, path, "read"), startUser(t, path, "load")
	save(t, s, "key", noise(100_000))
	report = locks(t, s)
	r, l := find(report.Processes, reader.cmd.Process.Pid), find(report.Processes, loader.cmd.Process.Pid)
	if len(report.Processes) != 3 || r == nil || l == nil {
		t.Fatalf("with two readers: %+v", report.Processes)
	}
	if !r.Reading || r.Keeping || l.Reading || !l.Keeping {
		t.Errorf("one reads, one loads slowly: %+v, %+v", r, l)
	}
	if r.User == "" || !strings.Contains(r.Command, "sqlitestore.test") || time.Since(r.StartedAt).Abs() > time.Minute {
		t.Errorf("the reader is described as %+v", r)
	}
	if report.Log.Pending < 100_000 || report.Log.Size < report.Log.Pending {
		t.Errorf("beside a reader, the log is %+v", report.Log)
	}
	reader.kill()
	loader.kill()

	holder := startUser(t, path, "hold")
	if got := holder.answer(); got != "held <nil>" {
		t.Fatal(got)
	}
	waiter := startUser(t, path, "queue")
	_, err := io.WriteString(waiter.stdin, "\n")
	must(t, err)
	waitFor(t, func() bool { return len(locks(t, s).Waiting) > 0 })
	report = locks(t, s)
	if report.Writer == nil || report.Writer.PID != holder.cmd.Process.Pid || report.Writer.Operation != "hold" || report.Left != nil {
		t.Errorf("the writer is %+v", report.Writer)
	}
	if len(report.Waiting) != 1 || report.Waiting[0].PID != waiter.cmd.Process.Pid {
		t.Errorf("waiting are %+v", report.Waiting)
	}
	// Without its record, the writer is still known.
	must(t, os.Truncate(path+".lock", 0))
	if report = locks(t, s); report.Writer == nil || report.Writer.PID != holder.cmd.Process.Pid || report.Writer.Command == "" {
		t.Errorf("without a record, the writer is %+v", report.Writer)
	}
	holder.kill()
	if got := waiter.answer(); got != "held <nil>" {
		t.Fatal(got)
	}
	waiter.kill()
	report = locks(t, s)
	if report.Writer != nil || report.Left == nil || report.Left.PID != waiter.cmd.Process.Pid {
		t.Errorf("after a writer was killed: %+v, %+v", report.Writer, report.Left)
	}
	save(t, s, "key", `1`)
	if report = locks(t, s); report.Left != nil {
		t.Errorf("after the next save, the record is still there: %+v", report.Left)
	}

	held := takeLease(t, s, "key", idxdb.LeaseOptions{})
	if report = locks(t, s); len(report.Leases) != 1 || report.Leases[0].Key != "key" {
		t.Errorf("leases: %+v", report.Leases)
	}
	must(t, held.Release(ctx))
	must(t, s.Close())
	if _, err := s.Locks(ctx); err == nil {
		t.Error("a closed store tells of locks")
	}
}
