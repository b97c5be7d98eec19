package sqlitestore

import (
	"testing"
	"testing/fstest"
	"time"
)

func TestParseLock(t *testing.T) {
	for line, want := range map[string]kernelLock{
		"1: POSIX  ADVISORY  READ 123 fe:00:4711 123 127\n":     {"POSIX", false, true, 123, "fe:00", 4711, 123, 127},
		"22: FLOCK  ADVISORY  WRITE 7 00:1f:1 0 EOF\n":          {"FLOCK", false, false, 7, "00:1f", 1, 0, 1<<63 - 1},
		"22: -> FLOCK  ADVISORY  WRITE 8 00:1f:1 0 EOF\n":       {"FLOCK", true, false, 8, "00:1f", 1, 0, 1<<63 - 1},
		"3: OFDLCK ADVISORY  READ -1 fe:00:5 1099511627777 EOF": {"OFDLCK", false, true, -1, "fe:00", 5, firstEpoch + 1, 1<<63 - 1},
	} {
		if got, ok := parseLock(line); !ok || got != want {
			t.Errorf("%q was read as %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "\n", "1: ->", "1: POSIX ADVISORY READ x fe:00:1 0 0", "1: POSIX ADVISORY READ 1 1 0 0",
		"1: POSIX ADVISORY READ 1 fe:00:x 0 0", "1: POSIX ADVISORY READ 1 fe:00:1 x 0", "1: POSIX ADVISORY READ 1 fe:00:1 0 x",
		"1: POSIX ADVISORY READ 1 fe:00:1 0"} {
		if got, ok := parseLock(line); ok {
			t.Errorf("%q was read as %+v", line, got)
		}
	}
}

func TestStartOf(t *testing.T) {
	const stat = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 12345 20 21\n"
	proc := fstest.MapFS{
		"stat":   {Data: []byte("cpu 1 2\nbtime 1000\nprocesses 3\n")},
		"7/stat": {Data: []byte(stat)},
		"8/stat": {Data: []byte("8 (short) R 1\n")},
		"9/stat": {Data: []byte("no name")},
	}
	if got, want := startOf(proc, 7), time.Unix(1000+123, 450e6).UTC(); !got.Equal(want) {
		t.Errorf("started at %s, want %s", got, want)
	}
	for _, pid := range []int{8, 9, 10} {
		if got := startOf(proc, pid); !got.IsZero() {
			t.Errorf("process %d started at %s", pid, got)
		}
	}
	delete(proc, "stat")
	if got := startOf(proc, 7); !got.IsZero() {
		t.Errorf("on a system that started at an unknown time, the start is %s", got)
	}
}
