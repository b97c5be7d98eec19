//go:build unix

package contention

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
	"github.com/idxdb/idxdb/test/internal/rig"
)

const processes = 8

// strict reports whether the figures are to be held to their limits.
func strict() bool { return os.Getenv("IDXDB_CONTENTION") == "1" }

func measurement(t *testing.T) time.Duration {
	d := 700 * time.Millisecond
	if strict() {
		d = 5 * time.Second
	}
	return rig.Duration(t, "IDXDB_CONTENTION_TIME", d)
}

// TestWriters compares eight processes that save with eight that write the same
// rows and rely on SQLite's busy timeout.
func TestWriters(t *testing.T) {
	d := measurement(t)
	store := sum(measure(t, newStore(t, ""), d, "store", processes, nil))
	plain := sum(measure(t, newStore(t, ""), d, "plain", processes, nil))
	t.Logf("%-22s %10s %10s", "8 processes", "idxdb", "plain SQLite")
	for _, row := range []struct {
		name string
		of   func(figures) string
	}{
		{"commits a second", func(f figures) string { return fmt.Sprintf("%.0f", float64(f.count)/d.Seconds()) }},
		{"busy errors", func(f figures) string { return fmt.Sprint(f.busy) }},
		{"slowest", func(f figures) string { return f.slowest.Round(time.Millisecond).String() }},
		{"processor time each", func(f figures) string {
			return (f.cpu / time.Duration(max(1, f.count))).Round(time.Microsecond).String()
		}},
		{"fewest : most", func(f figures) string { return fmt.Sprintf("%d : %d", f.fewest, f.most) }},
	} {
		t.Logf("%-22s %10s %10s", row.name, row.of(store), row.of(plain))
	}
	fairness, throughput := float64(store.fewest)/float64(max(1, store.most)), float64(store.count)/float64(max(1, plain.count))
	t.Logf("fewest/most %.2f, throughput %.0f %% of plain SQLite's", fairness, 100*throughput)
	if store.busy > 0 || store.fewest == 0 {
		t.Errorf("%d busy errors; the process with the fewest saves had %d", store.busy, store.fewest)
	}
	if !strict() {
		return
	}
	if store.slowest > 250*time.Millisecond {
		t.Errorf("the slowest save took %s, 250ms are allowed", store.slowest)
	}
	if fairness < 0.8 {
		t.Errorf("fewest/most is %.2f, at least 0.8 is wanted", fairness)
	}
	if throughput < 0.8 {
		t.Errorf("throughput is %.0f %% of plain SQLite's, at least 80 %% are wanted", 100*throughput)
	}
}

// TestReaderBesideWriter compares a reader that is alone with one beside a writer
// that saves a version of 5.5 MB every 250 ms.
func TestReaderBesideWriter(t *testing.T) {
	d := measurement(t)
	path := newStore(t, large(0))
	alone := sum(measure(t, path, d, "reader", 1, nil))
	writer := start(t, job{Kind: "writer", Path: path, Time: d + 500*time.Millisecond})
	beside := sum(measure(t, path, d, "reader", 1, writer))
	written := writer.tally(t)
	ratio := float64(beside.count) / float64(max(1, alone.count))
	t.Logf("loads of 5.5 MB in %s: %d alone, %d beside a writer (%d saves): %.0f %%", d, alone.count, beside.count, written.Count, 100*ratio)
	if alone.count == 0 || beside.count == 0 || written.Count == 0 {
		t.Error("somebody did nothing")
	}
	if strict() && ratio < 0.8 {
		t.Errorf("the reader keeps %.0f %% of its rate, at least 80 %% are wanted", 100*ratio)
	}
}

type figures struct {
	count, busy, fewest, most int
	slowest, cpu              time.Duration
}

func sum(list []tally) figures {
	f := figures{fewest: list[0].Count}
	for _, t := range list {
		f.count += t.Count
		f.busy += t.Busy
		f.cpu += t.cpu
		f.fewest, f.most = min(f.fewest, t.Count), max(f.most, t.Count)
		f.slowest = max(f.slowest, t.Slowest)
	}
	return f
}

// newStore makes a store, with one key if state is not empty.
func newStore(t *testing.T, state string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "team.idx")
	s, err := sqlitestore.Open(context.Background(), path, sqlitestore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if state != "" {
		if _, err := s.Save(context.Background(), "large", idxdb.Documents{State: strings.NewReader(state)}, idxdb.SaveOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// measure lets n workers begin at the same moment, another one with them, and
// returns what each of the n did.
func measure(t *testing.T, path string, d time.Duration, kind string, n int, with *worker) []tally {
	t.Helper()
	var workers []*worker
	for i := range n {
		workers = append(workers, start(t, job{Kind: kind, Path: path, N: i, Time: d}))
	}
	if with != nil {
		with.begin(t)
	}
	for _, w := range workers {
		w.begin(t)
	}
	var list []tally
	for _, w := range workers {
		list = append(list, w.tally(t))
	}
	return list
}

type worker struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// start starts a worker and waits until it is ready to begin.
func start(t *testing.T, j job) *worker {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{cmd: exec.Command(os.Args[0])}
	w.cmd.Env = rig.Env(workerEnv, string(text))
	if j.Kind == "reader" {
		w.cmd.Env = append(w.cmd.Env, "GOMAXPROCS=1")
	}
	w.cmd.Stderr = &w.stderr
	if w.stdin, err = w.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	w.stdout = bufio.NewReader(stdout)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.cmd.Process.Kill() }) // it has ended, unless the test failed
	if line, err := w.stdout.ReadString('\n'); err != nil || line != "ready\n" {
		w.cmd.Wait()
		t.Fatalf("a %s did not begin: %q, %v: %s", j.Kind, line, err, w.stderr.Bytes())
	}
	return w
}

func (w *worker) begin(t *testing.T) {
	t.Helper()
	if _, err := w.stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
}

// tally waits for the worker's end.
func (w *worker) tally(t *testing.T) (out tally) {
	t.Helper()
	err := json.NewDecoder(w.stdout).Decode(&out)
	if waitErr := w.cmd.Wait(); err != nil || waitErr != nil {
		t.Fatalf("a worker failed: %v, %v: %s", err, waitErr, w.stderr.Bytes())
	}
	out.cpu = w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
	return out
}
