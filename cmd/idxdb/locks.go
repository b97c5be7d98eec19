package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

// locksView is a LockReport as JSON.
type locksView struct {
	Writer     *idxdb.Holder `json:"writer"`
	Left       *idxdb.Holder `json:"left"`
	Waiting    []processView `json:"waiting"`
	Processes  []processView `json:"processes"`
	Unseen     string        `json:"unseen"`
	LogSize    int64         `json:"logSize"`
	LogPending int64         `json:"logPending"`
	Leases     []leaseView   `json:"leases"`
}

type processView struct {
	PID       int       `json:"pid"`
	User      string    `json:"user"`
	Command   string    `json:"command"`
	StartedAt *timeView `json:"startedAt"`
	Reading   bool      `json:"reading"`
	Keeping   bool      `json:"keeping"`
}

type leaseView struct {
	Key    string       `json:"key"`
	Fence  int64        `json:"fence"`
	Holder idxdb.Holder `json:"holder"`
	TTL    float64      `json:"ttl"` // in seconds
}

func viewLocks(r idxdb.LockReport) locksView {
	view := locksView{
		Writer: r.Writer, Left: r.Left, Unseen: r.Unseen,
		LogSize: r.Log.Size, LogPending: r.Log.Pending,
		Waiting: viewProcesses(r.Waiting), Processes: viewProcesses(r.Processes), Leases: []leaseView{},
	}
	for _, l := range r.Leases {
		view.Leases = append(view.Leases, leaseView{l.Key, l.Fence, l.Holder, l.TTL.Seconds()})
	}
	return view
}

func viewProcesses(list []idxdb.Process) []processView {
	view := []processView{}
	for _, p := range list {
		view = append(view, processView{p.PID, p.User, p.Command, viewTime(p.StartedAt), p.Reading, p.Keeping})
	}
	return view
}

func (a *app) locksCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "locks [STORE]",
		Short: "Show who uses a store, and who waits for whom",
		Long: `Show who has the turn to write and who waits for it, which processes have the
store open, what they do with it and what that costs, and which leases are held.

A process that reads keeps what is written meanwhile in the log, which grows.
One that loads or saves keeps garbage from being collected.`,
		Example: `  idxdb locks team.idx`,
		Args:    storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), args, toRead, func(s idxdb.Store) error {
				l, err := capability[idxdb.LockReporter](s, "locks")
				if err != nil {
					return err
				}
				report, err := l.Locks(cmd.Context())
				if err != nil {
					return err
				}
				report.Processes = slices.DeleteFunc(report.Processes, func(p idxdb.Process) bool { return p.PID == os.Getpid() })
				return a.print(viewLocks(report), func(w io.Writer) { writeLocks(w, report) })
			})
		},
	}
}

func writeLocks(w io.Writer, r idxdb.LockReport) {
	writer := "nobody"
	switch {
	case r.Writer != nil:
		writer = r.Writer.String()
	case r.Left != nil:
		writer = "nobody; " + r.Left.String() + " ended without giving its turn back"
	}
	t := newTable(w, "writer", writer)
	for _, p := range r.Waiting {
		t.row("waiting", describe(p))
	}
	log := size(r.Log.Size)
	if r.Log.Pending > 0 {
		log += fmt.Sprintf(", of which %s wait to be copied into the file", size(r.Log.Pending))
	}
	t.row("log", log)
	for _, l := range r.Leases {
		t.row("lease", fmt.Sprintf("%s: %s, ttl %s", l.Key, l.Holder, l.TTL))
	}
	if r.Unseen != "" {
		t.row("not seen", r.Unseen)
	}
	t.flush()
	if len(r.Processes) == 0 {
		return
	}
	fmt.Fprintln(w)
	t = newTable(w, "PID", "USER", "STARTED", "DOES", "COMMAND")
	for _, p := range r.Processes {
		t.row(strconv.Itoa(p.PID), orDash(p.User), ago(p.StartedAt), does(p, r.Log), orDash(p.Command))
	}
	t.flush()
}

func describe(p idxdb.Process) string {
	s := fmt.Sprintf("pid %d", p.PID)
	if p.User != "" {
		s = p.User + ", " + s
	}
	if p.Command != "" {
		s += ", " + p.Command
	}
	if !p.StartedAt.IsZero() {
		s += ", started " + p.StartedAt.Local().Format(time.DateTime)
	}
	return s
}

// does says what a process does with the store, and what that costs.
func does(p idxdb.Process, log idxdb.LogSize) string {
	switch {
	case p.Reading && log.Pending > 0:
		return "reads, keeps up to " + size(log.Pending) + " in the log"
	case p.Reading:
		return "reads"
	case p.Keeping:
		return "loads or saves, keeps garbage"
	}
	return "has it open"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
