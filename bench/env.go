package main

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/idxdb/idxdb/bench/internal/report"
	"github.com/idxdb/idxdb/internal/netfs"
)

// environment describes the machine, as far as it tells.
func environment(dir string, short bool) (report.Environment, error) {
	fs, err := netfs.Of(dir)
	if err != nil {
		return report.Environment{}, err
	}
	e := report.Environment{
		Date:       time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		System:     runtime.GOOS + "/" + runtime.GOARCH,
		CPU:        field("/proc/cpuinfo", "model name"),
		Cores:      runtime.GOMAXPROCS(0),
		Filesystem: fs.String(),
		Go:         runtime.Version(),
		Load:       "unknown",
		Short:      short,
		Versions:   map[string]string{},
	}
	if e.CPU == "" {
		e.CPU = "unknown CPU"
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		e.System += " " + strings.TrimSpace(string(kernel))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		e.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	kB, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	e.Memory = kB << 10
	for _, program := range []string{"git", "restic", "borg", "dd"} {
		flag := "--version"
		if program == "restic" {
			flag = "version"
		}
		if out, err := exec.Command(program, flag).Output(); err == nil {
			line, _, _ := bytes.Cut(out, []byte("\n"))
			e.Versions[program] = string(line)
		}
	}
	return e, nil
}

// field returns the first value of that name in a file of lines "name: value".
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
