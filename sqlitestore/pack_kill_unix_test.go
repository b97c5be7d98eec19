//go:build unix

package sqlitestore_test

import (
	"bufio"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/idxdb/idxdb/sqlitestore"
)

func init() {
	// vacuum PATH: each line is answered once a vacuum has begun.
	roles["vacuum"] = func(args []string, say func(...any), lines *bufio.Scanner) {
		s, err := sqlitestore.Open(ctx, args[0], sqlitestore.Options{})
		if err != nil {
			say(err)
			return
		}
		say("ready")
		for lines.Scan() {
			say("begun")
			if _, err := s.Vacuum(ctx, nil); err != nil {
				say(err)
			}
		}
	}
}

// TestVacuumKilled kills a process in the middle of a vacuum, again and again.
func TestVacuumKilled(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 40_000)
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	l := newLines(1, 1500)
	texts := []string{""}
	kills := 12
	if testing.Short() {
		kills = 4
	}
	for range kills {
		for i := range 6 {
			l.change(8)
			text := l.String()
			if i == 5 && len(texts) > 8 {
				text = texts[rand.IntN(len(texts)-2)+1] // goes back to what may be packed
			}
			texts = append(texts, text)
			save(t, s, "key", text)
		}
		c := startChild(t, "vacuum", path)
		if got := c.answer(); got != "ready" {
			t.Fatalf("the child said %q", got)
		}
		c.expect("go", "begun")
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		c.signal(syscall.SIGKILL)
		_ = c.cmd.Wait() // "signal: killed"
		wantHistory(t, s, "key", texts)
		clean(t, s)
	}
	vacuum(t, s)
	wantHistory(t, s, "key", texts)
	clean(t, s)
	must(t, s.Close())
	for _, table := range []string{"garbage", "frame WHERE id NOT IN (SELECT frame_id FROM packed)"} {
		if n := number(t, path, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}
