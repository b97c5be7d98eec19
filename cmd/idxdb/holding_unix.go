//go:build unix

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// passedOn are the signals that a command gets that is run.
var passedOn = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT,
}

// fromTerminal reports whether sig came from the terminal: then the command, which
// is in the same group, has got it too.
func fromTerminal(sig os.Signal) bool {
	switch sig {
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH:
	default:
		return false
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
	if err != nil {
		return false // there is no terminal
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// resetSIGPIPE keeps commands from ignoring SIGPIPE as this process does: what is
// caught is not inherited, what is ignored is.
func resetSIGPIPE() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// exitCodeOf returns the exit code of a command, as a shell would.
func exitCodeOf(err *exec.ExitError) int {
	if status, ok := err.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return err.ExitCode()
}
