package main

import (
	"fmt"
	"os"

	"github.com/idxdb/idxdb"
	"golang.org/x/term"
)

// onTerminal reports whether to tell a person at a terminal what goes on.
func (a *app) onTerminal() bool {
	f, ok := a.stderr.(*os.File)
	return ok && !a.quiet && term.IsTerminal(int(f.Fd()))
}

// waiting says whom we wait for, in one line, to a person at a terminal.
func (a *app) waiting(h idxdb.Holder) {
	if a.onTerminal() {
		// A line of progress may stand there: begin where it began and clear it.
		fmt.Fprintf(a.stderr, "\r\x1b[K%s\n", printable(waitingLine(h)))
	}
}

func waitingLine(h idxdb.Holder) string {
	if h.PID == 0 {
		return "waiting for a process that left no record"
	}
	line := "waiting for "
	if h.User != "" {
		line += h.User
		if h.Host != "" {
			line += "@" + h.Host
		}
		line += ", "
	}
	line += fmt.Sprintf("pid %d, \"%s\"", h.PID, h.Command)
	if !h.Since.IsZero() {
		line += " since " + h.Since.Local().Format("15:04:05")
	}
	return line
}
