//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

const umask fs.FileMode = 0

// SyncDir does nothing: directories cannot be flushed on this platform.
func SyncDir(dir string) error { return nil }

func isUnsupported(error) bool { return false }

func markInUse(*os.File) {}

func isHeld(string) (held, known bool) { return false, false }
