//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// passedOn are the signals that a command gets that is run.
var passedOn = []os.Signal{os.Interrupt}

// fromTerminal returns true: the console tells all its processes.
func fromTerminal(os.Signal) bool { return true }

func terminate(p *os.Process) error { return p.Kill() }

func resetSIGPIPE() {}

// exitCodeOf returns the exit code of a command.
func exitCodeOf(err *exec.ExitError) int { return err.ExitCode() }
