//go:build unix

package sqlitestore

import (
	"io/fs"
	"syscall"
)

// hardLinks returns how many names the file has, 1 if that is not known.
func hardLinks(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// noFollow keeps files of leases from being symbolic links: a sign of life would be
// written into whatever one points to. And opening a pipe must not block.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
