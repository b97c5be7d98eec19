package sqlitestore_test

import (
	"path/filepath"
	"testing"
	"time"
)

// TestReopenWhileClosing opens a file while another store of this process that
// has it is being closed, and has connections still: nothing may open and close
// the file beside SQLite then, which would drop the locks of both.
func TestReopenWhileClosing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	a := open(t, path)
	save(t, a, "k", "[1]")
	release := a.HoldTurn()
	closed := make(chan error, 1)
	go func() { closed <- a.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed while somebody had the turn: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if n := a.Listed(); n != 1 {
		t.Fatalf("while it closes, the file is listed %d times", n)
	}
	b := open(t, path)
	if n := b.Listed(); n != 2 {
		t.Errorf("opened again, it is listed %d times", n)
	}
	release()
	must(t, <-closed)
	if n := b.Listed(); n != 1 {
		t.Errorf("after the first is closed, it is listed %d times", n)
	}
	save(t, b, "k2", "[2]")
	must(t, b.Close())
	if n := b.Listed(); n != 0 {
		t.Errorf("after all are closed, it is listed %d times", n)
	}
}
