package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/report"
)

func TestMain(m *testing.M) {
	if asked, code := measure.LaunchIfAsked(); asked {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// tinySeries writes a series of some small versions below a folder named name.
func tinySeries(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	series := data.NewIndex(name, 50_000, 5, 5, 1)
	for i := range series.Len() {
		v, err := series.Version(i)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name, fmt.Sprintf("%03d", i))
		if err := os.MkdirAll(path, 0o777); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string][]byte{"state.json": v.State, "search.json": v.Search} {
			if err := os.WriteFile(filepath.Join(path, file), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// bench runs the command and returns what it printed and wrote.
func bench(t *testing.T, wantCode int, args ...string) (stdout string, r report.Report) {
	t.Helper()
	out := t.TempDir()
	var text, log bytes.Buffer
	args = append([]string{"-o", out, "-tmp", t.TempDir()}, args...)
	if code := run(context.Background(), args, &text, &log); code != wantCode {
		t.Fatalf("exit code %d, want %d\n%s", code, wantCode, log.String())
	}
	if b, err := os.ReadFile(filepath.Join(out, "results.json")); err == nil {
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		if chart, err := os.ReadFile(filepath.Join(out, "chart.svg")); err != nil || !bytes.HasPrefix(chart, []byte("<svg")) {
			t.Errorf("chart.svg: %v", err)
		}
	}
	return text.String(), r
}

func row(t *testing.T, r report.Report, id string) *report.Row {
	t.Helper()
	for _, row := range r.Rows {
		if row.ID == id {
			return &row
		}
	}
	t.Fatalf("there is no row %s", id)
	return nil
}

// onlyPrograms leaves only these programs to be found: the others take long.
func onlyPrograms(t *testing.T, names ...string) {
	t.Helper()
	bin := t.TempDir()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("needs %s: %v", name, err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
}

func TestRunOnAFolder(t *testing.T) {
	program := filepath.Join(t.TempDir(), "idxdb")
	build := exec.Command("go", "build", "-o", program, "./cmd/idxdb")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	onlyPrograms(t, "dd")
	text, r := bench(t, 0, "-short", "-rounds", "2", "-idxdb", program, "-data", tinySeries(t, "babel"), "-run", "^(next-real|history)$")
	next := row(t, r, "next-babel")
	for _, name := range []string{"idxdb", "idxdb (process)", "plain file by dd (process)", "lz4 file", "bbolt, lz4 value"} {
		e := next.Entry(name)
		if e == nil || e.Median <= 0 || e.Ratio <= 0 || len(e.Samples) != 2 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := next.Entry("git (process)"); e == nil || e.Skipped != "git is not installed" {
		t.Errorf("git: %+v", e)
	}
	if len(next.Verdicts) != 2 || next.Verdicts[0].Measured <= 0 || next.Verdicts[0].Open == "" {
		t.Errorf("verdicts of small data must be open: %+v", next.Verdicts)
	}
	sizes := row(t, r, "history-babel")
	raw, saved, packed := sizes.Entry("raw"), sizes.Entry("idxdb, as saved"), sizes.Entry("idxdb, after vacuum")
	if raw == nil || saved == nil || packed == nil || raw.Median < 0.25 || saved.Median <= 0 || packed.Median > saved.Median {
		t.Errorf("sizes: raw %+v, saved %+v, packed %+v", raw, saved, packed)
	}
	if row(t, r, "oldest-babel").Ratio("idxdb, oldest", "idxdb, newest") <= 0 {
		t.Error("the oldest version was not loaded")
	}
	if !strings.Contains(text, "babel, 60 versions, as saved") || !strings.Contains(text, "not judged") {
		t.Errorf("the verdicts are not printed:\n%s", text)
	}
}

func TestCheckFailsOnAMissedLimit(t *testing.T) {
	onlyPrograms(t)
	dir := tinySeries(t, "terraform")
	_, r := bench(t, 0, "-rounds", "1", "-data", dir, "-run", "^history$", "-check")
	if v := row(t, r, "history-terraform").Verdicts; len(v) != 1 || !v[0].OK() {
		t.Errorf("verdicts %+v", v)
	}
	limits := packedLimits["terraform"]
	packedLimits["terraform"] = [2]float64{0.000001, 0.000001}
	defer func() { packedLimits["terraform"] = limits }()
	bench(t, 1, "-rounds", "1", "-data", dir, "-run", "^history$", "-check")
	bench(t, 0, "-rounds", "1", "-data", dir, "-run", "^history$")
}

func TestFlags(t *testing.T) {
	bench(t, 2, "-nonsense")
	bench(t, 2, "argument")
	bench(t, 2, "-run", "(")
	bench(t, 1, "-data", filepath.Join(t.TempDir(), "missing"))
	bench(t, 1, "-tmp", filepath.Join(t.TempDir(), "missing"))
	text, _ := bench(t, 0, "-list")
	if lines := strings.Count(text, "\n"); lines != len(steps) {
		t.Errorf("%d benchmarks are listed, there are %d", lines, len(steps))
	}
}
