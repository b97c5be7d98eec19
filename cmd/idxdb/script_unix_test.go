//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func cmdMkfifo(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1)
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o666))
}

var signals = map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 4 && signals[args[0]] != nil)
	cmd := command(ts, args[3:])
	var stderr strings.Builder
	cmd.Stderr = &stderr
	var pipe io.WriteCloser
	var err error
	if args[2] == "-" {
		pipe, err = cmd.StdinPipe()
		ts.Check(err)
		ts.Check(cmd.Start())
	} else {
		ts.Check(cmd.Start())
		// This waits until the other side opens it too.
		pipe, err = os.OpenFile(ts.MkAbs(args[2]), os.O_WRONLY, 0)
		ts.Check(err)
	}
	// This is more than fits into a pipe: the program is reading when it is through.
	_, err = pipe.Write(generate(1<<20, "half")[:1<<19])
	ts.Check(err)
	ts.Check(cmd.Process.Signal(signals[args[0]]))
	checkExit(ts, args[1], cmd.Wait())
	_ = pipe.Close() // Wait may have done so
	if got := stderr.String(); got != "idxdb: interrupted: nothing was saved\n" {
		ts.Fatalf("stderr: %s", got)
	}
}

func cmdStuck(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 3 && signals[args[0]] != nil)
	cmd := command(ts, args[2:])
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, 1))
	ts.Check(err)
	ts.Check(cmd.Process.Signal(signals[args[0]]))
	checkExit(ts, args[1], cmd.Wait())
}

func cmdWatched(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 3)
	var out, errs lines
	cmd := command(ts, args[2:])
	cmd.Stdout, cmd.Stderr = &out, &errs
	ts.Check(cmd.Start())
	told := func() bool {
		if args[len(args)-1] == "false" {
			return errs.any()
		}
		return out.any()
	}
	for i := 0; !told() && i < 400; i++ {
		ts.Check(os.WriteFile(ts.MkAbs("watched.json"), fmt.Appendf(nil, "%d", i), 0o666))
		ts.Check(ts.Exec("idxdb", "save", args[1], "watched.json"))
		time.Sleep(50 * time.Millisecond)
	}
	if !told() {
		_ = cmd.Process.Kill()
		ts.Fatalf("nothing was told")
	}
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	checkExit(ts, args[0], cmd.Wait())
	// Only the first change counts: there may have been more.
	first, _, _ := strings.Cut(out.String(), "\n")
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), []byte(first+"\n"), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), []byte(errs.String()), 0o666))
	ts.Check(ts.Exec("sh", "-c", "cat stdout.txt; cat stderr.txt >&2"))
}

// lines is what a program that still runs has written.
type lines struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) any() bool { return strings.Contains(l.String(), "\n") }
