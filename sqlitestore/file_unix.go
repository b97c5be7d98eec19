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
