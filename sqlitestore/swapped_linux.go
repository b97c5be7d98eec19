package sqlitestore

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const ownerAttribute = "user.idxdb.database"

// identity names a file for as long as it exists, "" if there is none. The time
// of birth tells it from a later file that got the same inode.
func identity(path string) string {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}

func logOwner(log string) (owner, bool) {
	var buf [256]byte
	n, err := unix.Getxattr(log, ownerAttribute, buf[:])
	if err != nil {
		return owner{}, false
	}
	return parseOwner(string(buf[:n])), true
}

// setLogOwner does what it can: without it, a replaced store is found out later.
func setLogOwner(log string, o owner) {
	_ = unix.Setxattr(log, ownerAttribute, []byte(o.text()), 0)
}

// indexInUse reports whether a process has the index of a log (-shm) open. It
// asks the kernel's list of locks, since opening the file could drop the locks that
// this process has on it. If it cannot tell, it says yes.
func indexInUse(path string) bool {
	text, err := os.ReadFile("/proc/locks")
	if err != nil {
		return true
	}
	shm := inodeOf(path + "-shm")
	for line := range strings.Lines(string(text)) {
		if l, ok := parseLock(line); ok && l.inode == shm && l.covers(openLock, openLock) {
			return true
		}
	}
	return false
}
