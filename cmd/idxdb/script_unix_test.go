//go:build unix

package main

import (
	"io"
	"os"
	"strings"
	"syscall"

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
	if got := stderr.String(); got != "idxdb: interrupted\n" {
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
