//go:build linux

package stress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idxdb/idxdb/test/internal/rig"
)

// A crew is the processes of one round: one in each slot, and whoever is killed
// is replaced.
type crew struct {
	jobs func(slot, life int) job

	mu       sync.Mutex
	slots    []*process
	closing  bool
	problems []string
	lives    int
	kills    int
	all      sync.WaitGroup
}

type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	killed bool
	done   chan struct{}
}

func startCrew(n int, jobs func(slot, life int) job) *crew {
	c := &crew{jobs: jobs, slots: make([]*process, n)}
	for slot := range n {
		c.all.Go(func() { c.keep(slot) })
	}
	return c
}

// keep keeps a process running in a slot until the crew is closing.
func (c *crew) keep(slot int) {
	for life := 0; ; life++ {
		p, err := c.start(slot, life)
		if err != nil {
			c.problem("start a process: %v", err)
			return
		}
		if p == nil {
			return // closing
		}
		err = p.cmd.Wait()
		close(p.done)
		c.mu.Lock()
		killed := p.killed
		c.mu.Unlock()
		if !killed && err != nil {
			c.problem("process %d of slot %d ended with %v:\n%s", life, slot, err, p.stderr.Bytes())
			return
		}
	}
}

func (c *crew) start(slot, life int) (*process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil, nil
	}
	text, err := json.Marshal(c.jobs(slot, life))
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	p.cmd.Env = append(rig.Env(workerEnv, string(text)), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
	// A worker must not outlive a test that was itself killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	c.slots[slot] = p
	c.lives++
	return p, nil
}

func (c *crew) problem(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// kill kills the process in a slot, if there is one.
func (c *crew) kill(slot int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.slots[slot]
	if p == nil || p.killed {
		return
	}
	p.killed = true
	c.kills++
	p.cmd.Process.Kill() // it may have ended by itself, and then keep tells
}

// pause stops a process for a moment, wherever it is.
func (c *crew) pause(slot int, d time.Duration) {
	c.mu.Lock()
	p := c.slots[slot]
	ok := p != nil && !p.killed
	c.mu.Unlock()
	if !ok || p.cmd.Process.Signal(syscall.SIGSTOP) != nil {
		return
	}
	time.Sleep(d)
	p.cmd.Process.Signal(syscall.SIGCONT)
}

// close kills all processes at once, or asks them to stop, and waits for them.
func (c *crew) close(kill bool) []string {
	c.mu.Lock()
	c.closing = true
	slots := append([]*process(nil), c.slots...)
	c.mu.Unlock()
	for i, p := range slots {
		if kill {
			c.kill(i)
		} else if p != nil {
			p.stdin.Close()
		}
	}
	if !kill {
		timeout := time.After(2 * time.Minute)
		for slot, p := range slots {
			if p == nil {
				continue
			}
			select {
			case <-p.done:
			case <-timeout:
				c.problem("slot %d does not stop", slot)
				p.cmd.Process.Signal(syscall.SIGQUIT) // for its stacks
				select {
				case <-p.done:
				case <-time.After(10 * time.Second):
					c.kill(slot)
				}
			}
		}
	}
	c.all.Wait()
	return c.problems
}

// disturb kills and pauses processes at random until the time is over.
func (c *crew) disturb(r *rand.Rand, d, every time.Duration) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		time.Sleep(min(time.Until(end), time.Duration(r.ExpFloat64()*float64(every))))
		slot := r.IntN(len(c.slots))
		if r.IntN(4) == 0 {
			c.pause(slot, time.Duration(r.Int64N(int64(300*time.Millisecond))))
		} else {
			c.kill(slot)
		}
	}
}

// watchWAL measures the WAL of path until the returned function is called.
func watchWAL(path string) (stop func() int64) {
	quit, most := make(chan struct{}), make(chan int64)
	go func() {
		var max int64
		for {
			if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > max {
				max = info.Size()
			}
			select {
			case <-quit:
				most <- max
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(quit); return <-most }
}

// sidecars returns what lies beside a closed store and should not.
func sidecars(path string) (list []string) {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(path + suffix); err == nil {
			list = append(list, filepath.Base(path)+suffix)
		}
	}
	return list
}

func workDir(t *testing.T) string {
	if dir := os.Getenv("IDXDB_STRESS_DIR"); dir != "" {
		dir = filepath.Join(dir, fmt.Sprintf("%s-%d", t.Name(), os.Getpid()))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	return t.TempDir()
}
