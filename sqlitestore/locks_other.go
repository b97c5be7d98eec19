//go:build !linux

package sqlitestore

import "github.com/idxdb/idxdb"

func seeLocks(string) seenLocks {
	return seenLocks{unseen: "the processes that have the store open or wait for it: this system does not tell"}
}

func describeProcess(pid int) idxdb.Process { return idxdb.Process{PID: pid} }
