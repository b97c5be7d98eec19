//go:build unix

package fsstore

import (
	"errors"
	"io/fs"
	"syscall"
)

func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

func isReadOnlyFS(err error) bool { return errors.Is(err, syscall.EROFS) }
