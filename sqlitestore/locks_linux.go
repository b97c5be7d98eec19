package sqlitestore

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
)

// Bytes of the -shm file that SQLite locks, from its documentation of the WAL
// index (walindex: WAL_READ_LOCK) and of its Unix locks (the dead man's switch).
const (
	firstReadLock = 123 // held shared in a read transaction, one of five
	lastReadLock  = 127
	openLock      = 128 // held shared by every process that has the file open
)

// firstEpoch is the first byte of the lock file that stands for an epoch.
const firstEpoch = 1 << 40

// A kernelLock is a line of /proc/locks: see proc_locks(5).
type kernelLock struct {
	kind    string // POSIX, FLOCK, OFDLCK
	waiting bool
	shared  bool // of several readers, not of one writer
	pid     int  // -1 for OFDLCK; 0 if the process is not to be seen from here
	device  string
	inode   uint64
	first   int64
	last    int64 // 1<<63 - 1 for the end of the file
}

func (l kernelLock) covers(from, to int64) bool { return l.first <= to && l.last >= from }

// parseLock reads "1: POSIX  ADVISORY  READ 123 fe:00:4711 123 127", with -> after
// the number if it is one that waits.
func parseLock(line string) (l kernelLock, ok bool) {
	f := strings.Fields(line)
	if len(f) > 1 && f[1] == "->" {
		l.waiting = true
		f = slices.Delete(f, 1, 2)
	}
	if len(f) < 8 {
		return l, false
	}
	cut := strings.LastIndexByte(f[5], ':')
	if cut < 0 {
		return l, false
	}
	l.kind, l.shared, l.device = f[1], f[3] == "READ", f[5][:cut]
	var errs [4]error
	l.pid, errs[0] = strconv.Atoi(f[4])
	l.inode, errs[1] = strconv.ParseUint(f[5][cut+1:], 10, 64)
	l.first, errs[2] = strconv.ParseInt(f[6], 10, 64)
	if l.last = 1<<63 - 1; f[7] != "EOF" {
		l.last, errs[3] = strconv.ParseInt(f[7], 10, 64)
	}
	return l, errors.Join(errs[:]...) == nil
}

// seeLocks looks who has locked what of the store at path. It opens none of the
// store's files.
func seeLocks(path string) (seen seenLocks) {
	text, err := os.ReadFile("/proc/locks")
	if err != nil {
		seen.unseen = fmt.Sprintf("the processes that have the store open or wait for it: %v", err)
		return seen
	}
	shm, lock := inodeOf(path+"-shm"), inodeOf(lockPath(path))
	var list []kernelLock
	device := ""
	for line := range strings.Lines(string(text)) {
		l, ok := parseLock(line)
		if !ok || l.inode != shm && l.inode != lock {
			continue
		}
		// The number of the device is not on all filesystems the one that stat
		// tells. But this process has the store open too.
		if l.kind == "POSIX" && l.pid == os.Getpid() && l.inode == shm && l.covers(openLock, openLock) {
			device = l.device
		}
		list = append(list, l)
	}
	processes := map[int]*idxdb.Process{}
	hidden := false
	for _, l := range list {
		if device != "" && l.device != device {
			continue // a file of another filesystem
		}
		hidden = hidden || l.pid == 0
		switch {
		case l.pid <= 0:
		case l.kind == "FLOCK" && l.inode == lock && l.waiting:
			seen.waiting = append(seen.waiting, describeProcess(l.pid))
		case l.kind == "FLOCK" && l.inode == lock:
			seen.writer = l.pid
		case l.kind == "POSIX" && l.inode == shm && l.covers(firstReadLock, openLock):
			p := processes[l.pid]
			if p == nil {
				p = &idxdb.Process{}
				*p = describeProcess(l.pid)
				p.Keeping = keepsEpoch(l.pid, lock)
				processes[l.pid] = p
			}
			// A checkpoint takes them too, but for itself alone.
			p.Reading = p.Reading || l.shared && l.covers(firstReadLock, lastReadLock)
		}
	}
	for _, p := range processes {
		seen.processes = append(seen.processes, *p)
	}
	slices.SortFunc(seen.processes, func(a, b idxdb.Process) int { return cmp.Compare(a.PID, b.PID) })
	if hidden {
		seen.unseen = "processes of other containers"
	}
	return seen
}

// inodeOf returns 0 for what does not exist.
func inodeOf(path string) uint64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// keepsEpoch reports whether a process has the lock of an epoch on the lock file:
// the kernel's list does not say who has it, but the list of the descriptor does.
// Descriptors of other users' processes are not to be seen; then it is not known.
func keepsEpoch(pid int, lock uint64) bool {
	dir := fmt.Sprintf("/proc/%d/fdinfo", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			rest, ok := strings.CutPrefix(line, "lock:")
			if !ok {
				continue
			}
			if l, ok := parseLock(rest); ok && l.kind == "OFDLCK" && l.inode == lock && l.first >= firstEpoch {
				return true
			}
		}
	}
	return false
}

// describeProcess tells what /proc knows of a process; a process that has just
// ended is only a number.
func describeProcess(pid int) idxdb.Process {
	p := idxdb.Process{PID: pid}
	dir := fmt.Sprintf("/proc/%d", pid)
	info, err := os.Stat(dir)
	if err != nil {
		return p
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.User = strconv.Itoa(int(st.Uid))
		if u, err := user.LookupId(p.User); err == nil {
			p.User = u.Username
		}
	}
	if line, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
		p.Command = filelock.CommandLine(strings.Split(strings.TrimRight(string(line), "\x00"), "\x00"))
	}
	p.StartedAt = startOf(os.DirFS("/proc"), pid)
	return p
}

// startOf returns when a process was started, zero if it cannot be told.
func startOf(proc fs.FS, pid int) time.Time {
	stat, err := fs.ReadFile(proc, fmt.Sprintf("%d/stat", pid))
	if err != nil {
		return time.Time{}
	}
	// The name in parentheses may hold anything; the start is the 20th field
	// after it, in hundredths of a second since the system's own start.
	_, after, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	fields := bytes.Fields(after)
	if !ok || len(fields) < 20 {
		return time.Time{}
	}
	ticks, err := strconv.ParseInt(string(fields[19]), 10, 64)
	if err != nil {
		return time.Time{}
	}
	system, err := fs.ReadFile(proc, "stat")
	if err != nil {
		return time.Time{}
	}
	for line := range bytes.Lines(system) {
		if rest, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			if boot, err := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64); err == nil {
				return time.Unix(boot, ticks*int64(10*time.Millisecond)).UTC()
			}
		}
	}
	return time.Time{}
}
