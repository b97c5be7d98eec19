//go:build !unix

package measure

import (
	"os"
	"time"
)

func syncAll() {}

func cpuTime() time.Duration { return 0 }

// MaxRSS returns the largest resident set of a process that has ended, in bytes,
// 0 if the system does not tell.
func MaxRSS(*os.ProcessState) int64 { return 0 }
