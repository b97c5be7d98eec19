//go:build linux && (amd64 || arm64)

package fault

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// A field is a kind of fault and the operations that it can befall.
type field struct {
	mode  mode
	class string
	keep  int
}

var fields = []field{
	{fail, "write", 0}, {tear, "write", 0}, {delay, "write", 0},
	{fail, "fsync", 0}, {forget, "fsync", 0}, {delay, "fsync", 0},
	{fail, "rename", 0}, {fail, "truncate", 0}, {fail, "unlink", 0},
	{fail, "open", 0}, {fail, "create", 0}, {fail, "read", 0},
	{fail, "lock", 0}, {delay, "lock", 0},
	{crash, "change", 0}, {crash, "change", 1}, {crash, "change", 3},
}

// quiet says why a failure in a step need not be told, "" if it must be. It is
// never the failure of something that an acknowledgement rests on: what was
// acknowledged is compared in any case.
func quiet(fired, step string) string {
	class, file, _ := strings.Cut(fired, " ")
	closing := step == "close" || step == "vacuum"
	switch {
	case strings.HasSuffix(file, ".lock") && class != "lock" && class != "create":
		return "the record in the lock file is text for people"
	case strings.HasSuffix(file, "-shm") && (class == "read" || class == "write" || class == "truncate"):
		return "the -shm file is memory, and the kernel repeats what fails"
	case strings.HasSuffix(file, "-shm") && class == "lock":
		return "SQLite takes every lock that it does not get for a busy one, and asks again"
	case strings.HasSuffix(file, ".lock") && class == "lock":
		return "gofrs/flock opens the file anew after EIO, and asks again"
	case class == "read":
		return "the kernel had read ahead only, and reads again"
	case class == "open" && strings.HasSuffix(file, ".idx"):
		return "SQLite opens it once more for reading only, which is enough for a reader"
	case class == "unlink":
		return "what was not removed is in nobody's way"
	case closing && (strings.HasSuffix(file, ".idx") || strings.HasSuffix(file, "-wal")):
		return "a checkpoint is put off: the WAL has it all"
	}
	return ""
}

// mountRig mounts a disk that can fail. Nothing fails yet.
func mountRig(t *testing.T, what string) *faultRig {
	t.Helper()
	if os.Geteuid() != 0 {
		rig.NotTested(t, what, "it takes root to mount a FUSE filesystem")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		rig.NotTested(t, what, err.Error())
	}
	r := &faultRig{t: t, real: t.TempDir(), mount: t.TempDir(), d: &disk{}}
	r.d.set(plan{mode: count, class: "none"}, nil)
	server, err := mountFaults(r.real, r.mount, r.d)
	if err != nil {
		rig.NotTested(t, what, err.Error())
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return r
}

func TestEveryOperationFailsOnce(t *testing.T) {
	r := mountRig(t, "failing disks")
	r.makeTemplate()

	perField := 6
	if testing.Short() {
		perField = 2
	}
	if os.Getenv("IDXDB_FAULT_ALL") == "1" {
		perField = 1 << 30
	}
	for i, f := range fields {
		name := fmt.Sprintf("%s-%s-%d", f.mode, f.class, f.keep)
		t.Run(name, func(t *testing.T) {
			r.t = t
			total := r.count(f.class)
			if total == 0 {
				t.Fatalf("there is no %s to fail", f.class)
			}
			// A part of them, spread evenly, and another part for each field.
			most := perField
			if f.mode == delay {
				most = min(most, 40) // they are slow, and much alike
			}
			stride := (total + most - 1) / most
			tried, silent := 0, 0
			for n := 1 + i%stride; n <= total; n += stride {
				if r.point(f, n) {
					silent++
				}
				tried++
			}
			t.Logf("%d of %d points, %d of them told nobody", tried, total, silent)
		})
	}
}

type faultRig struct {
	t     *testing.T
	real  string // the directory that is passed through
	mount string
	d     *disk
	dirs  int
	step  string // in which the chosen operation was
}

// makeTemplate makes the store that each point begins with.
func (r *faultRig) makeTemplate() {
	dir := filepath.Join(r.real, "template")
	must(r.t, os.Mkdir(dir, 0o755))
	s, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "team.idx"), sqlitestore.Options{Create: true})
	must(r.t, err)
	must(r.t, save(s, "a", document(1, 20)))
	must(r.t, save(s, "b", document(3, 20)))
	must(r.t, save(s, "a", document(2, 21)))
	must(r.t, s.Close())
}

// run lets a child do its steps under a plan, in a fresh copy of the template.
func (r *faultRig) run(p plan) (dir string, steps []step) {
	r.t.Helper()
	r.dirs++
	name := fmt.Sprintf("point%d", r.dirs)
	dir = filepath.Join(r.real, name)
	must(r.t, os.CopyFS(dir, os.DirFS(filepath.Join(r.real, "template"))))

	cmd := exec.Command(os.Args[0])
	cmd.Env = rig.Env(childEnv, filepath.Join(r.mount, name))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := os.Create(filepath.Join(r.t.TempDir(), "steps"))
	must(r.t, err)
	defer stdout.Close()
	cmd.Stdout = stdout
	killed := false
	started := make(chan struct{})
	r.step = ""
	r.d.set(p, func() {
		<-started
		if steps := readSteps(stdout); len(steps) > 0 {
			r.step = steps[len(steps)-1].Name
		}
		if p.mode == crash {
			killed = true
			cmd.Process.Kill() // it waits for the operation that we are in
		}
	})
	must(r.t, cmd.Start())
	close(started)
	watchdog := time.AfterFunc(time.Minute, func() { cmd.Process.Signal(syscall.SIGQUIT) })
	err = cmd.Wait()
	watchdog.Stop()
	if err != nil && !killed {
		r.t.Fatalf("%+v: the process ended with %v:\n%s", p, err, stderr.Bytes())
	}
	return dir, readSteps(stdout)
}

func readSteps(f *os.File) (steps []step) {
	for in := bufio.NewScanner(io.NewSectionReader(f, 0, 1<<20)); in.Scan(); {
		var s step
		if json.Unmarshal(in.Bytes(), &s) == nil { // else cut short by the kill
			steps = append(steps, s)
		}
	}
	return steps
}

// count returns how many operations of a class there are without any fault, and
// makes sure that everything works then.
func (r *faultRig) count(class string) int {
	dir, steps := r.run(plan{mode: count, class: class})
	for _, s := range steps {
		if s.Outcome != "" && s.Outcome != "ok" {
			r.t.Fatalf("without a fault: %+v", s)
		}
	}
	seen, _ := r.d.result()
	r.check(dir, steps, "no fault")
	must(r.t, os.RemoveAll(dir))
	return seen
}

// point tries one fault, and reports whether nobody was told of it.
func (r *faultRig) point(f field, n int) (silent bool) {
	dir, steps := r.run(plan{mode: f.mode, class: f.class, n: n, keep: f.keep})
	_, fired := r.d.result()
	what := fmt.Sprintf("%s of %s %d (%s in %s)", f.mode, f.class, n, fired, r.step)
	if fired == "" {
		return false // the process did something else this time, and less of it
	}
	r.check(dir, steps, what)
	if !r.t.Failed() {
		must(r.t, os.RemoveAll(dir))
	}
	if f.mode == delay || f.mode == crash {
		return false
	}
	for _, s := range steps {
		if s.Outcome == "failed" || s.Outcome == "unknown" {
			return false
		}
	}
	if quiet(fired, r.step) == "" {
		r.t.Errorf("%s: nobody was told\n%v", what, steps)
	}
	return true
}

// check opens what is left, without FUSE, and compares it with the steps.
func (r *faultRig) check(dir string, steps []step, what string) {
	r.t.Helper()
	// must: versions that are there for sure; may: those that may be.
	must, may := map[string]bool{}, map[string]bool{}
	must["a "+tagOf(document(1, 20))] = true
	must["a "+tagOf(document(2, 21))] = true
	must["b "+tagOf(document(3, 20))] = true
	created := false
	for i, s := range steps {
		id := s.Key + " " + s.Tag
		cut := s.Outcome == "" && i == len(steps)-1 // killed in it
		switch {
		case s.Name == "save" && s.Outcome == "ok":
			must[id] = true
		case s.Name == "save" && (s.Outcome == "unknown" || cut):
			may[id] = true
		case s.Name == "delete" && s.Outcome == "ok":
			delete(must, "b "+tagOf(document(3, 20)))
		case s.Name == "delete" && (s.Outcome == "unknown" || cut):
			delete(must, "b "+tagOf(document(3, 20)))
			may["b "+tagOf(document(3, 20))] = true
		case s.Name == "create" && s.Outcome == "ok":
			created = true
		}
	}
	got, err := contents(filepath.Join(dir, "team.idx"))
	if err != nil {
		r.t.Errorf("%s: %v\n%v", what, err, steps)
		return
	}
	more, err := contents(filepath.Join(dir, "new.idx"))
	if err != nil && (created || !errors.Is(err, idxdb.ErrNotFound)) {
		r.t.Errorf("%s: the new store: %v\n%v", what, err, steps)
	}
	got = append(got, more...)
	for _, id := range got {
		if !must[id] && !may[id] {
			r.t.Errorf("%s: %q is there, though the save failed or it was deleted\n%v", what, id, steps)
		}
		delete(must, id)
	}
	for id := range must {
		r.t.Errorf("%s: %q is lost\n%v", what, id, steps)
	}
}

// contents opens and verifies a store, loads all versions of all keys, saves once
// more, closes it, and returns keys and tags.
func contents(path string) (list []string, err error) {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	report, err := s.Verify(ctx, nil)
	if err != nil || len(report.Damage) > 0 {
		return nil, fmt.Errorf("verify: %v, %w", report.Damage, err)
	}
	for head, err := range s.List(ctx, idxdb.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		for v, err := range s.Log(ctx, head.Key) {
			if err != nil {
				return nil, err
			}
			if err := load(s, v.Key, v.Number); err != nil {
				return nil, err
			}
			list = append(list, v.Key+" "+v.Message)
		}
	}
	if err := save(s, "after", document(99, 1)); err != nil {
		return nil, fmt.Errorf("save afterwards: %w", err)
	}
	if _, err := s.Vacuum(ctx, nil); err != nil {
		return nil, fmt.Errorf("vacuum afterwards: %w", err)
	}
	return list, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s step) String() string {
	return strings.TrimSpace(fmt.Sprintf("\t%s %s %s %s %s\n", s.Name, s.Key, s.Tag, s.Outcome, s.Text))
}
