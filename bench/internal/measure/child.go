package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Usage is what a process needed.
type Usage struct {
	MaxRSS int64         `json:"maxRSS"` // bytes
	Took   time.Duration `json:"took"`   // nanoseconds
	Exit   int           `json:"exit"`
	Stderr string        `json:"-"`
}

// childEnv tells a copy of this program that it is a launcher.
const childEnv = "IDXDB_BENCH_LAUNCH"

// Launch runs a command and returns what it needed. stdin and stdout may be nil.
//
// Linux counts the memory of the process that starts another one as the other
// one's, up to the moment when the new program is loaded, and a benchmark that
// holds a few states would hide everything. So a fresh copy of this program,
// which is small, starts the command and looks at it; main must call
// LaunchIfAsked first.
func Launch(stdin io.Reader, stdout io.Writer, name string, args ...string) (Usage, error) {
	self, err := os.Executable()
	if err != nil {
		return Usage{}, err
	}
	report, reportEnd, err := os.Pipe()
	if err != nil {
		return Usage{}, err
	}
	defer report.Close()
	cmd := exec.Command(self, append([]string{name}, args...)...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdin, cmd.Stdout = stdin, stdout
	var stderr tail
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{reportEnd}
	if err := cmd.Start(); err != nil {
		reportEnd.Close()
		return Usage{}, err
	}
	reportEnd.Close()
	var u Usage
	decodeErr := json.NewDecoder(report).Decode(&u)
	if err := cmd.Wait(); err != nil {
		return u, fmt.Errorf("%s: %w: %s", name, err, stderr)
	}
	u.Stderr = string(stderr)
	if decodeErr == nil && u.Exit != 0 {
		return u, fmt.Errorf("%s ended with exit code %d: %s", name, u.Exit, stderr)
	}
	return u, decodeErr
}

// tail keeps the end of what is written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	*t = (*t)[max(0, len(*t)-4096):]
	return len(p), nil
}

// LaunchIfAsked is the other half of Launch. If this process is a launcher, it
// does its work and returns true, and the exit code that main must end with.
func LaunchIfAsked() (asked bool, code int) {
	if os.Getenv(childEnv) == "" {
		return false, 0
	}
	os.Unsetenv(childEnv)
	if len(os.Args) < 2 {
		return true, 2
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 1
	}
	cmd.Wait() // the exit code says what happened
	u := Usage{MaxRSS: MaxRSS(cmd.ProcessState), Took: time.Since(start), Exit: cmd.ProcessState.ExitCode()}
	if err := json.NewEncoder(os.NewFile(3, "report")).Encode(u); err != nil {
		return true, 1
	}
	return true, 0
}
