package measure

import (
	"bytes"
	"os"
	"strconv"
)

// Written returns how many bytes this process has caused to be written to disk
// so far, as Linux counts them: whole pages, when they become dirty. It returns
// 0 on other systems.
func Written() int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("write_bytes: ")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
			return n
		}
	}
	return 0
}
