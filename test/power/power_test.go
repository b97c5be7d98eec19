//go:build linux

package power

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
	"github.com/idxdb/idxdb/test/internal/rig"
)

// TestImageLosesWhatWasNotSynced makes sure that the rig does what the other
// tests are about.
func TestImageLosesWhatWasNotSynced(t *testing.T) {
	im := rig.NewImage(t, "power loss", 64<<20)
	for _, name := range []string{"synced", "unsynced"} {
		f, err := os.Create(filepath.Join(im.Mount, name))
		must(t, err)
		_, err = f.WriteString("content")
		must(t, err)
		if name == "synced" {
			must(t, f.Sync())
		}
		must(t, f.Close())
	}
	must(t, im.GoDown(rig.GoDownNoLogFlush))
	if err := os.WriteFile(filepath.Join(im.Mount, "later"), []byte("x"), 0o644); err == nil {
		t.Error("the filesystem still works")
	}
	must(t, im.Remount())
	if data, err := os.ReadFile(filepath.Join(im.Mount, "synced")); err != nil || string(data) != "content" {
		t.Errorf("what was synced: %q, %v", data, err)
	}
	if data, _ := os.ReadFile(filepath.Join(im.Mount, "unsynced")); len(data) != 0 {
		t.Errorf("what was not synced is there: %q", data)
	}
}

// TestPowerLoss is the rig.
func TestPowerLoss(t *testing.T) {
	points := 20
	if testing.Short() {
		points = 5
	}
	points = rig.Int(t, "IDXDB_POWER_POINTS", points)
	seed := rig.Seed(t, "IDXDB_POWER_SEED")
	im := rig.NewImage(t, "power loss", 192<<20)
	var c chain
	for point := range points {
		if point%12 == 0 || c.path == "" {
			if c.path != "" {
				must(t, os.RemoveAll(filepath.Dir(c.path)))
			}
			c = chain{path: filepath.Join(im.Mount, fmt.Sprintf("d%d", point), "team.idx"), keys: map[string]*known{}}
			must(t, os.Mkdir(filepath.Dir(c.path), 0o755))
			syscall.Sync() // the directory is not what is tested
		}
		c.one(t, im, point, rand.New(rand.NewPCG(seed, uint64(point))))
		if t.Failed() {
			t.Fatalf("after %d points", point+1)
		}
	}
	t.Logf("%d points, %d operations were acknowledged, %d failed, %d cut off or unknown (%d of them had happened)",
		points, total.done, total.failed, total.unknown, total.happened)
	if total.done == 0 || total.unknown == 0 {
		t.Error("the points were at no interesting moments")
	}
}

var total struct{ done, failed, unknown, happened int }

// A chain is a store that loses power again and again.
type chain struct {
	path string
	keys map[string]*known
	made bool // somebody was told that the store exists
	down time.Time
}

const micro = "05.000000" // how times are shown

// known is what must be true of a key.
type known struct {
	tag    string // of the newest version; "": there is none
	number int64  // the highest that was acknowledged
}

// one is one loss of power.
func (c *chain) one(t *testing.T, im *rig.Image, point int, r *rand.Rand) {
	dir := t.TempDir()
	var workers []*exec.Cmd
	var journals []string
	for i := range 3 {
		journals = append(journals, filepath.Join(dir, fmt.Sprintf("w%d.jsonl", i)))
		text, err := json.Marshal(job{
			Path: c.path, Journal: journals[i], Name: fmt.Sprintf("p%d.w%d", point, i), Seed: r.Uint64(),
			Keys: []string{fmt.Sprintf("w%d/a", i), fmt.Sprintf("w%d/b", i)}, Vacuum: i == 2,
		})
		must(t, err)
		cmd := exec.Command(os.Args[0])
		cmd.Env = rig.Env(workerEnv, string(text))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		stdin, err := cmd.StdinPipe()
		must(t, err)
		defer stdin.Close()
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		workers = append(workers, cmd)
		if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatalf("a worker did not begin: %v: %s", err, stderr.Bytes())
		}
	}
	// Half of the points come early: during the creation, or the recovery of what
	// the last point left.
	time.Sleep(time.Duration(r.Int64N(int64(30*time.Millisecond) << (3 * r.IntN(2)))))
	how := uint32(rig.GoDownNoLogFlush)
	if r.IntN(3) == 0 {
		how = rig.GoDownLogFlush
	}
	c.down = time.Now()
	must(t, im.GoDown(how))
	t.Logf("point %d: the power went (how: %d) from %s to %s", point, how, c.down.Format(micro), time.Now().Format(micro))
	time.Sleep(time.Duration(r.Int64N(int64(20 * time.Millisecond)))) // they run into it
	for _, cmd := range workers {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	}
	must(t, im.Remount())
	c.check(t, journals)
}

// check compares the store with what was acknowledged.
func (c *chain) check(t *testing.T, journals []string) {
	unsure := map[string][]line{}
	last := map[string]line{}
	acknowledged := false
	for _, name := range journals {
		for _, o := range readJournal(t, name) {
			k := c.keys[o.Key]
			if k == nil {
				k = &known{}
				c.keys[o.Key] = k
			}
			if o.Outcome == "done" && !o.At.Before(c.down) {
				// Without power nobody would have heard of it. Here somebody did: an
				// fsync that is under way while ext4 is shut down can return without an
				// error though its transaction is given up.
				o.Outcome = "unknown"
			}
			switch o.Outcome {
			case "not done":
				total.failed++
			case "done":
				total.done++
				acknowledged = true
				last[o.Key] = o
				// What was unsure before came to nothing or lies below.
				unsure[o.Key] = nil
				k.tag = o.Tag
				if o.Kind == "save" && o.Number <= k.number {
					t.Errorf("%s: number %d was given out again", o.Key, o.Number)
				}
				k.number = max(k.number, o.Number)
			default:
				total.unknown++
				unsure[o.Key] = append(unsure[o.Key], o)
			}
		}
	}
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, c.path, sqlitestore.Options{})
	if errors.Is(err, idxdb.ErrNotFound) && !c.made && !acknowledged {
		return // the creation did not come far enough
	}
	if err != nil {
		t.Fatalf("open after the loss of power: %v", err)
	}
	c.made = true
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	report, err := s.Verify(ctx, nil)
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("verify: %v, %v", report.Damage, err)
	}
	for key, k := range c.keys {
		got := newest(t, s, key)
		if got.tag == k.tag && (got.tag == "" || got.number >= k.number) {
			k.number = max(k.number, got.number)
			continue
		}
		happened := false
		for _, o := range unsure[key] {
			happened = happened || got.tag == o.Tag && (o.Tag == "" || got.number > k.number)
		}
		if !happened {
			t.Errorf("%s: version %d (%s) is there, %d (%s) was acknowledged; unsure: %v; last: %v",
				key, got.number, got.tag, k.number, k.tag, unsure[key], last[key])
			continue
		}
		total.happened++
		k.tag, k.number = got.tag, max(got.number, k.number)
	}
}

// newest loads all versions of a key and returns the newest.
func newest(t *testing.T, s *sqlitestore.Store, key string) (k known) {
	ctx := context.Background()
	for v, err := range s.Log(ctx, key) {
		if errors.Is(err, idxdb.ErrNotFound) {
			return known{}
		}
		must(t, err)
		if k.tag == "" {
			k = known{v.Message, v.Number}
		}
		doc, err := s.Load(ctx, key, idxdb.LoadOptions{Version: v.Number})
		must(t, err)
		body, err := io.ReadAll(doc.Body)
		must(t, err)
		must(t, doc.Body.Close())
		if tagOf(string(body)) != v.Message {
			t.Errorf("%s, version %d has other content", key, v.Number)
		}
	}
	return k
}

// readJournal returns the operations of a worker, the last of which may have no
// outcome.
func readJournal(t *testing.T, name string) (list []line) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it did not come far
	}
	must(t, err)
	for text := range strings.Lines(string(data)) {
		if !strings.HasSuffix(text, "\n") {
			break // the kill cut it short
		}
		var l line
		must(t, json.Unmarshal([]byte(text), &l))
		switch {
		case l.Kind != "":
			list = append(list, l)
		case len(list) > 0 && list[len(list)-1].N == l.N:
			last := &list[len(list)-1]
			last.Outcome, last.Number, last.Text = l.Outcome, l.Number, l.Text
			last.Began, last.At = last.At, l.At
		}
	}
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
