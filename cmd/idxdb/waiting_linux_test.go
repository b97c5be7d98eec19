package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"golang.org/x/sys/unix"
)

// openTerminal returns the two ends of a pseudo terminal.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("NOT TESTED: lines that only a terminal gets: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("NOT TESTED: lines that only a terminal gets: %v", err)
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// TestWaitingIsTold has a save wait for its turn, at a terminal and elsewhere.
func TestWaitingIsTold(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "team.idx")
	runSave := func(stderr io.Writer, args ...string) int {
		args = append([]string{"-s", store, "save", "k"}, args...)
		return run(context.Background(), args, strings.NewReader(`1`), io.Discard, stderr, func(string) string { return "" })
	}
	if code := runSave(io.Discard); code != exitOK {
		t.Fatal(code)
	}
	release, err := filelock.New(store+".lock", filelock.Options{}).Acquire(t.Context(), "vacuum")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		// Those who gave up still wait in the kernel, and need the directory.
		// They come before one more turn, but for those who were just waking up.
		release()
		for range 10 {
			last := filelock.New(filepath.Join(dir, "team.idx.lock"), filelock.Options{})
			release, err := last.Acquire(context.Background(), "end")
			if err != nil {
				t.Fatal(err)
			}
			release()
			time.Sleep(20 * time.Millisecond)
		}
	}()
	store = "sqlite:" + store + "?timeout=1300ms"

	master, terminal := openTerminal(t)
	start := time.Now()
	stateFile := filepath.Join(dir, "2.json")
	if err := os.WriteFile(stateFile, []byte(`2`), 0o666); err != nil {
		t.Fatal(err)
	}
	if code := runSave(terminal, stateFile); code != exitLocked {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("it gave up after %s", took)
	}
	shown := make([]byte, 4096)
	n, err := master.Read(shown)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(fmt.Sprintf(`waiting for \S+@\S+, pid %d, ".*" since \d\d:\d\d:\d\d\r\n`, os.Getpid()))
	if all := line.FindAll(shown[:n], -1); len(all) != 1 {
		t.Errorf("the terminal shows %q, want one line like %s", shown[:n], line)
	}

	if code := runSave(terminal, "-q", stateFile); code != exitLocked {
		t.Errorf("exit code %d", code)
	}
	n, err = master.Read(shown)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(shown[:n], []byte("waiting")) {
		t.Errorf("with -q, the terminal shows %q", shown[:n])
	}
	var pipe bytes.Buffer
	if code := runSave(&pipe, stateFile); code != exitLocked {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(pipe.String(), "waiting for") {
		t.Errorf("a pipe gets %q", &pipe)
	}
}

func TestWaitingLine(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 1, 0, time.Local)
	for want, h := range map[string]idxdb.Holder{
		`waiting for ana@build1, pid 123, "idxdb save k" since 12:00:01`: {User: "ana", Host: "build1", PID: 123, Command: "idxdb save k", Since: since},
		`waiting for pid 7, "x"`:                    {PID: 7, Command: "x"},
		`waiting for ana, pid 7, ""`:                {User: "ana", PID: 7},
		`waiting for a process that left no record`: {},
	} {
		if got := waitingLine(h); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
