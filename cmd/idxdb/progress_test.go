package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMeterLine(t *testing.T) {
	tests := []struct {
		m       *meter
		elapsed time.Duration
		want    string
	}{
		{&meter{what: "save k", bytes: true, done: 50e6, total: 200e6}, time.Second,
			"save k: 50 MB of 200 MB (25 %), 50 MB/s, 3s left"},
		{&meter{what: "save k", bytes: true, done: 50e6}, 2 * time.Second, "save k: 50 MB, 25 MB/s"},
		{&meter{what: "verify", done: 1500, total: 2000}, 3 * time.Second, "verify: 1,500 of 2,000 (75 %), 1s left"},
		{&meter{what: "verify", done: 3, total: 2}, time.Second, "verify: 3 of 2 (100 %)"}, // the file grew
		{&meter{what: "save k", bytes: true, total: 200e6}, time.Second, "save k: 0 B of 200 MB (0 %), 0 B/s"},
		{&meter{what: "a\x1b[0m", done: 1}, time.Second, `a\x1b[0m: 1`},
	}
	for _, test := range tests {
		test.m.start = time.Now()
		if got := test.m.line(test.m.start.Add(test.elapsed)); got != test.want {
			t.Errorf("got %q; want %q", got, test.want)
		}
	}
}

func width(n int) func() int { return func() int { return n } }

func TestMeterIsSilentWhenFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		m := newMeter(&b, "save", true, width(80))
		m.add(1)
		time.Sleep(meterDelay - time.Millisecond)
		m.stop()
		m.stop()
		if b.Len() > 0 {
			t.Errorf("it wrote %q", &b)
		}
	})
}

func TestMeterShowsAndClears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		m := newMeter(&b, "save k", true, width(20))
		m.addTotal(100)
		m.add(25)
		time.Sleep(meterDelay + meterInterval/2)
		m.stage("done", 1, 1)
		time.Sleep(meterInterval)
		m.stop()
		clear := "\r" + strings.Repeat(" ", 19) + "\r"
		want := "\rsave k: 25 B of 10…" + "\rdone: 1 B of 1 B (…" + clear
		if b.String() != want {
			t.Errorf("got  %q\nwant %q", &b, want)
		}
	})
}

func TestNilMeter(t *testing.T) {
	var m *meter
	m.add(1)
	m.addTotal(1)
	m.stage("x", 1, 2)
	m.callback("verify")("x", 1, 2)
	m.stop()
}

func TestNoMeterWithoutTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, a := range []*app{{stderr: f}, {stderr: new(bytes.Buffer)}} {
		m := a.startMeter("x", true)
		if m.quit != nil {
			t.Errorf("a meter on %T", a.stderr)
		}
		m.add(7)
		m.stop()
		if m.count() != 7 {
			t.Errorf("it counted %d, want 7", m.count())
		}
	}
}
