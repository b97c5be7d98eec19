package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func sample() *Report {
	row := Row{ID: "save", Title: "save <of> a state", Unit: "ms"}
	row.Entries = []Entry{
		NewEntry("idxdb", []float64{30, 10, 20}),
		NewEntry("plain & simple", []float64{40, 50, 60}),
		NewEntry("slow", []float64{5000}),
		{Name: "aside", Median: 15, Aside: true},
		{Name: "tool", Skipped: "tool is not installed"},
	}
	row.Compare("plain & simple")
	row.Verdicts = []Verdict{
		{What: "save", Unit: "×", Measured: row.Ratio("idxdb", "plain & simple"), Limit: 0.5, Aim: 0.3},
		{What: "speed", Unit: "×", Measured: 1.1, Limit: 1.2, Aim: 2, AtLeast: true},
		{What: "other", Unit: "×", Limit: 1, Aim: 1, Open: "short data"},
	}
	return &Report{
		Rows:   []Row{row},
		Limits: []Limit{{Stage: "sha256", Speed: 1000, Unit: "MB/s", Of: "memcpy", Bound: 10_000}},
		Curves: []Curve{{ID: "size", Title: "by size", Columns: []string{"MB", "ms"}, Points: [][]float64{{1, 2.5}, {1000, -1}}}},
	}
}

func TestRatios(t *testing.T) {
	row := sample().Rows[0]
	if e := row.Entry("idxdb"); e.Median != 20 || e.Low != 10 || e.High != 30 || e.Ratio != 0.4 {
		t.Errorf("entry %+v", e)
	}
	if !row.Entry("plain & simple").Base || row.Ratio("idxdb", "missing") != 0 || row.Ratio("idxdb", "tool") != 0 {
		t.Error("baseline or missing ratio")
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		v          Verdict
		ok, missed bool
	}{
		{Verdict{Measured: 1, Limit: 1}, true, false},
		{Verdict{Measured: 1.01, Limit: 1}, false, true},
		{Verdict{Measured: 1, Limit: 1, AtLeast: true}, true, false},
		{Verdict{Measured: 0.99, Limit: 1, AtLeast: true}, false, true},
		{Verdict{Measured: 0, Limit: 1}, false, true}, // nothing was measured
		{Verdict{Measured: 9, Limit: 1, Open: "short"}, false, false},
	} {
		if c.v.OK() != c.ok || c.v.Missed() != c.missed {
			t.Errorf("%+v: ok %v, missed %v", c.v, c.v.OK(), c.v.Missed())
		}
	}
	if missed := sample().Missed(); len(missed) != 1 || missed[0].What != "speed" {
		t.Errorf("missed %v", missed)
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"0.40×", "(10.0 … 30.0)", "tool is not installed", "10 % of memcpy",
		"save: 0.40×, limit ≤ 0.50×, aim 0.30×: ok",
		"speed: 1.10×, limit ≥ 1.20×, aim 2.00×: MISSED",
		"not judged: short data", "1 ok, 1 missed, 1 not judged",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

func TestChartIsXML(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteChart(&b, []string{"missing", "save"}); err != nil {
		t.Fatal(err)
	}
	dec, bars := xml.NewDecoder(strings.NewReader(b.String())), 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars != 3 {
		t.Errorf("%d bars, want 3", bars)
	}
	if !strings.Contains(b.String(), "save &lt;of&gt; a state") {
		t.Error("the title is missing")
	}
	if !strings.Contains(b.String(), "15.0 ms, 0.30× (not safe)") {
		t.Error("what has no bar must be there all the same")
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.0123: "0.012", 0.16: "0.16", 3.456: "3.46", 34.56: "34.6", 345.6: "346", 12345: "12345"} {
		if got := Number(x); got != want {
			t.Errorf("Number(%v) = %q, want %q", x, got, want)
		}
	}
}
