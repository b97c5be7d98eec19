package sqlitestore

import (
	"context"
	"fmt"

	"github.com/idxdb/idxdb"
)

var _ idxdb.LockReporter = (*Store)(nil)

// Locks implements idxdb.LockReporter. On Linux it knows the processes from the
// kernel's list of locks, which is not to be had elsewhere.
func (s *Store) Locks(ctx context.Context) (idxdb.LockReport, error) {
	report, err := s.locks(ctx)
	if err != nil {
		return idxdb.LockReport{}, fmt.Errorf("locks: %w", err)
	}
	return report, nil
}

func (s *Store) locks(ctx context.Context) (report idxdb.LockReport, err error) {
	if report.Leases, err = s.Leases(ctx); err != nil {
		return report, err
	}
	if report.Log, err = s.readLogSize(ctx); err != nil {
		return report, err
	}
	seen := seeLocks(s.path)
	report.Waiting, report.Processes, report.Unseen = seen.waiting, seen.processes, seen.unseen
	record, held, err := s.lock.Holder()
	switch {
	case err != nil:
		return report, err
	case held && record.PID == 0 && seen.writer != 0:
		p := describeProcess(seen.writer)
		record = idxdb.Holder{User: p.User, PID: p.PID, Command: p.Command}
		report.Writer = &record
	case held:
		report.Writer = &record
	case record.PID != 0:
		report.Left = &record
	}
	return report, nil
}

// seenLocks is what the system tells of the locks on a store's files.
type seenLocks struct {
	writer    int // pid of who has the turn to write; 0: nobody, or not known
	waiting   []idxdb.Process
	processes []idxdb.Process
	unseen    string
}
