package measure

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if asked, code := LaunchIfAsked(); asked {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func TestInterleave(t *testing.T) {
	var log []string
	note := func(s string) func() error { return func() error { log = append(log, s); return nil } }
	times, err := Interleave(Plan{WarmUp: 1, Rounds: 2, Next: func(n int) error { log = append(log, fmt.Sprint(n)); return nil }},
		[]Contestant{
			{Name: "a", Prepare: note("p"), Run: note("a")},
			{Name: "b", Run: note("b")},
			{Name: "c", Run: note("c"), Rounds: 1},
		})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(log, ""); got != "0pab1pab2pabc" {
		t.Errorf("order %q", got)
	}
	if len(times) != 3 || len(times[2].Wall) != 1 || len(times[0].Wall) != 2 || len(times[1].CPU) != 2 {
		t.Errorf("times %v", times)
	}
	fault := errors.New("fault")
	_, err = Interleave(Plan{Rounds: 1}, []Contestant{{Name: "a", Run: func() error { return fault }}})
	if !errors.Is(err, fault) {
		t.Errorf("error %v", err)
	}
}

func TestInterleaveCountsTheCPU(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not counted there")
	}
	spin := func() error {
		for start := cpuTime(); cpuTime()-start < 20*time.Millisecond; {
		}
		return nil
	}
	times, err := Interleave(Plan{Rounds: 1}, []Contestant{{Name: "spin", Run: spin}, {Name: "rest", Run: func() error { time.Sleep(20 * time.Millisecond); return nil }}})
	if err != nil {
		t.Fatal(err)
	}
	if times[0].CPU[0] < 20 || times[1].CPU[0] > 15 || times[1].Wall[0] < 20 {
		t.Errorf("times %+v", times)
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		q, want float64
	}{
		{nil, 0.5, 0},
		{[]float64{7}, 0.9, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{3, 1, 2}, 1, 3},
		{[]float64{3, 1, 2}, 0, 1},
	} {
		if got := Quantile(c.samples, c.q); got != c.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", c.samples, c.q, got, c.want)
		}
	}
}

func TestLaunch(t *testing.T) {
	if _, err := exec.LookPath("cat"); err != nil {
		t.Skip("needs cat: ", err)
	}
	ballast := make([]byte, 300<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	var out bytes.Buffer
	u, err := Launch(strings.NewReader("text"), &out, "cat")
	runtime.KeepAlive(ballast)
	if err != nil || out.String() != "text" {
		t.Fatalf("output %q, error %v", out.String(), err)
	}
	if u.Took <= 0 || runtime.GOOS == "linux" && (u.MaxRSS < 100<<10 || u.MaxRSS > 100<<20) {
		t.Errorf("usage %+v: the memory must be cat's, not that of this process", u)
	}
	if _, err := Launch(nil, nil, "cat", "/nonexistent/file"); err == nil || !strings.Contains(err.Error(), "nonexistent") {
		t.Errorf("error of a failing command: %v", err)
	}
	if _, err := Launch(nil, nil, "/nonexistent/program"); err == nil {
		t.Error("a missing program has no error")
	}
}

func TestWritten(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux counts")
	}
	before := Written()
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if n := Written() - before; n < 1<<20 && n != 0 { // 0 on a file system in memory
		t.Errorf("%d bytes for 1 MiB", n)
	}
}

func TestEvict(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	able, err := Evict(dir)
	if err != nil || able != (runtime.GOOS == "linux") {
		t.Fatal(able, err)
	}
	if got, err := os.ReadFile(dir + "/file"); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
}
