//go:build unix

package filelock

import (
	"errors"

	"golang.org/x/sys/unix"
)

const (
	// A lock file is never a symbolic link: the record would be written into
	// whatever it points to. And opening one that is a pipe must not block.
	openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

	recordOffset = 0
)

func isReadOnlyFS(err error) bool { return errors.Is(err, unix.EROFS) }
