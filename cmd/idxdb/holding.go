package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
)

// exitNoCommand is for a command that is not there, as a shell says it.
const exitNoCommand = 127

// A commandError carries the exit code of a command that was run.
type commandError struct {
	code int
	err  error // nil: the command has said itself what is wrong
}

func (e *commandError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("the command ended with exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *commandError) Unwrap() error { return e.err }

// runHolding runs a command that holds lease. It passes signals on, and ends the
// command if the lease is lost.
func (a *app) runHolding(lease idxdb.Lease, store, program string, command []string) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)

	cmd := a.child(program, command[1:])
	cmd.Args[0] = command[0]
	cmd.Stdin = a.stdin
	cmd.Env = append(cmd.Env, envLease+"="+lease.Token().String(), stores.EnvStore+"="+store)
	// The command ends with this process where the system can see to that. It
	// counts the thread that started it for the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	endWithUs(cmd)
	if err := cmd.Start(); err != nil {
		return &commandError{code: exitNoCommand, err: fmt.Errorf("lease %q: %w", lease.Token().Key, err)}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	lost := lease.Lost()
	for {
		select {
		case sig := <-signals:
			if !fromTerminal(sig) {
				_ = cmd.Process.Signal(sig) // it may have ended already
			}
		case <-lost:
			lost = nil
			a.warn(fmt.Sprintf("the lease on %q is lost: somebody else took it over; ending the command", lease.Token().Key))
			_ = terminate(cmd.Process) // it may have ended already
		case err := <-ended:
			return commandResult(err)
		}
	}
}

// child makes a command with this process's output and environment.
func (a *app) child(program string, args []string) *exec.Cmd {
	resetSIGPIPE()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = raw(a.stdout), a.stderr
	cmd.Env = os.Environ()
	return cmd
}

// raw returns what is behind an output, since only a file can be handed over as
// it is.
func raw(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return o.w
	}
	return w
}

// commandResult turns the result of a command into an error with its exit code.
func commandResult(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return &commandError{code: exitCodeOf(exit)}
	}
	return &commandError{code: exitError, err: fmt.Errorf("the command: %w", err)}
}
