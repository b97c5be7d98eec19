//go:build unix

package sqlitestore_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// childEnv makes the test binary, started again with it, a second process that
// plays a role: its name and arguments, with newlines between.
const childEnv = "SQLITESTORE_TEST_CHILD"

// roles are what children do. They are given the lines of stdin one by one, and
// answer each with one line. A role first says one line by itself.
var roles = map[string]func(args []string, say func(...any), lines *bufio.Scanner){}

func TestMain(m *testing.M) {
	if role := os.Getenv(childEnv); role != "" {
		args := strings.Split(role, "\n")
		roles[args[0]](args[1:], func(v ...any) { fmt.Println(v...) }, bufio.NewScanner(os.Stdin))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Writer
	out   *bufio.Reader
}

// startChild starts a child. It is killed at the end of the test.
func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	return startChildCommand(t, exec.Command(os.Args[0]), args...)
}

// startChildCommand is startChild with a command that starts the test binary.
func startChildCommand(t *testing.T, cmd *exec.Cmd, args ...string) *child {
	t.Helper()
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, "\n"), "GORACE=atexit_sleep_ms=0")
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	c := &child{t, cmd, stdin, bufio.NewReader(stdout)}
	t.Cleanup(c.kill)
	return c
}

// ask sends a line and returns the answer.
func (c *child) ask(line string) string {
	c.t.Helper()
	_, err := io.WriteString(c.stdin, line+"\n")
	must(c.t, err)
	return c.answer()
}

func (c *child) answer() string {
	c.t.Helper()
	s, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the child said %q, then %v", s, err)
	}
	return strings.TrimSuffix(s, "\n")
}

// expect is ask for those who know the answer.
func (c *child) expect(line, want string) {
	c.t.Helper()
	if got := c.ask(line); got != want {
		c.t.Errorf("%s: the child said %q, want %q", line, got, want)
	}
}

func (c *child) signal(sig syscall.Signal) {
	c.t.Helper()
	must(c.t, c.cmd.Process.Signal(sig))
}

func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait() // "signal: killed"
	}
}
