//go:build unix

package measure

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

func syncAll() { unix.Sync() }

// MaxRSS returns the largest resident set of a process that has ended, in bytes,
// 0 if the system does not tell.
func MaxRSS(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "linux" {
		return int64(usage.Maxrss) << 10
	}
	return int64(usage.Maxrss)
}
