package idxdb

import (
	"context"
	"time"
)

// A LockReporter says who is using a store.
type LockReporter interface {
	// Locks looks who has the store open, reads and writes it, and waits for
	// whom. It changes nothing and waits for nobody. Errors: [ErrCorrupt],
	// [ErrClosed], and those of the system.
	Locks(ctx context.Context) (LockReport, error)
}

// A LockReport is who uses a store at one moment. What the
// system does not tell is missing from Waiting and Processes, and Unseen says why.
type LockReport struct {
	Writer    *Holder     // who has the turn to write; nil: nobody
	Left      *Holder     // the record of a writer that ended before it gave its turn back
	Waiting   []Process   // for the turn to write, as the system lists them
	Processes []Process   // that have the store open, this one among them; by PID
	Unseen    string      // what could not be seen, and why; "" is nothing
	Log       LogSize     // of the store's write-ahead log
	Leases    []LeaseInfo // that are held
}

// A Process is a process that uses a store, as the system tells.
type Process struct {
	PID       int
	User      string    // "" if not known
	Command   string    // "" if not known
	StartedAt time.Time // of the process; zero if not known
	Reading   bool      // it is in a read transaction: what is written from now on stays in the log
	Keeping   bool      // garbage collection leaves alone what a save or load of it needs
}

// LogSize is how large the log is that commits are written to first, in bytes.
// What is pending cannot be moved into the store, and the log not be used anew,
// while somebody reads an older state.
type LogSize struct {
	Size    int64 // of the file
	Pending int64 // not yet copied into the store
}
