//go:build linux

package filelock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// The test binary, started again with this variable, is a second process that
// does what the variable says.
const childEnv = "FILELOCK_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childEnv); role != "" {
		os.Exit(childMain(strings.Split(role, "|")))
	}
	os.Exit(m.Run())
}

// childMain prints one line for the parent to read, then waits for the end of
// stdin.
func childMain(args []string) int {
	role, path, rest := args[0], args[1], args[2:]
	ctx := context.Background()
	say := func(v ...any) { fmt.Println(v...) }
	wait := func() { _, _ = io.Copy(io.Discard, os.Stdin) }
	if after, ok := strings.CutPrefix(role, "nobody-"); ok {
		role = after
		if os.Getuid() == 0 {
			if err := syscall.Setresuid(65534, 65534, 65534); err != nil {
				say("cannot change the user:", err)
				return 1
			}
		}
	}
	switch role {
	case "hold":
		release, err := New(path, Options{Timeout: 20 * time.Second}).Acquire(ctx, rest[0])
		if err != nil {
			say(kind(err))
			return 0
		}
		say("ok")
		wait()
		if err := release(); err != nil {
			say(err)
			return 1
		}
	case "append": // its name to a file, under the lock
		release, err := New(path, Options{Timeout: 20 * time.Second}).Acquire(ctx, "append")
		if err != nil {
			say(err)
			return 1
		}
		f, err := os.OpenFile(rest[0], os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
		if err == nil {
			_, err = f.WriteString(rest[1])
		}
		if err = errors.Join(err, f.Close(), release()); err != nil {
			say(err)
			return 1
		}
		say("ok")
	case "share", "exclusive":
		r, err := OpenRanges(path, Options{})
		if err != nil {
			say(kind(err))
			return 0
		}
		from, _ := strconv.ParseInt(rest[0], 10, 64)
		var ok bool
		if role == "share" {
			ok, err = r.Share(from)
		} else {
			to, _ := strconv.ParseInt(rest[1], 10, 64)
			_, ok, err = r.TryExclusive(from, to)
		}
		switch {
		case err != nil:
			say(kind(err))
		case ok:
			say("ok")
		default:
			say("refused")
		}
		wait()
	}
	return 0
}

func kind(err error) string {
	switch {
	case errors.Is(err, idxdb.ErrReadOnly):
		return "read-only"
	case errors.Is(err, idxdb.ErrLocked):
		return "locked"
	}
	return err.Error()
}

type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, "|"), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, stdin, bufio.NewReader(stdout)}
	t.Cleanup(func() { c.kill() })
	return c
}

// line returns the child's next line.
func (c *child) line(t *testing.T) string {
	t.Helper()
	s, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("child said %q, then %v", s, err)
	}
	return strings.TrimSuffix(s, "\n")
}

// finish lets the child go on and waits until it has ended.
func (c *child) finish(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("child: %v", err)
	}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
