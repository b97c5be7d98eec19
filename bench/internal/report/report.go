// Package report holds the results of a run of the benchmarks, and prints them
// as text, as JSON and as a chart.
package report

import (
	"math"

	"github.com/idxdb/idxdb/bench/internal/measure"
)

// A Report is all that a run found out.
type Report struct {
	Environment Environment `json:"environment"`
	Rows        []Row       `json:"rows"`
	Limits      []Limit     `json:"limits"`
	Curves      []Curve     `json:"curves"`
}

// Environment is where the run took place.
type Environment struct {
	Date       string            `json:"date"`
	System     string            `json:"system"`
	CPU        string            `json:"cpu"`
	Cores      int               `json:"cores"`
	Memory     int64             `json:"memory"` // bytes
	Filesystem string            `json:"filesystem"`
	Go         string            `json:"go"`
	Load       string            `json:"load"` // of the machine, before the run
	Short      bool              `json:"short"`
	Versions   map[string]string `json:"versions"` // of the peers' programs
}

// A Row is one piece of work, done in several ways.
type Row struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Unit     string    `json:"unit"` // of the values: ms or MB; less is better in all rows
	Entries  []Entry   `json:"entries"`
	Verdicts []Verdict `json:"verdicts"`
	Notes    []string  `json:"notes,omitempty"`
}

// An Entry is one way to do the work.
type Entry struct {
	Name    string    `json:"name"`
	Samples []float64 `json:"samples,omitempty"`
	Median  float64   `json:"median"`
	Low     float64   `json:"low"`
	High    float64   `json:"high"`
	CPU     float64   `json:"cpu,omitempty"`     // median processor time of all cores, ms
	Ratio   float64   `json:"ratio"`             // median against the row's baseline
	Base    bool      `json:"base,omitempty"`    // it is the baseline
	Aside   bool      `json:"aside,omitempty"`   // not as safe as the others; the chart has no bar for it
	Skipped string    `json:"skipped,omitempty"` // why there is no value
}

// A Verdict compares a figure with what the project wants to reach.
type Verdict struct {
	What     string  `json:"what"`
	Unit     string  `json:"unit"` // × or MB
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"` // must be reached
	Aim      float64 `json:"aim"`   // is hoped for
	AtLeast  bool    `json:"atLeast"`
	Open     string  `json:"open,omitempty"` // why it cannot be judged
}

// OK reports whether the limit is reached.
func (v Verdict) OK() bool { return v.Open == "" && v.reaches(v.Limit) }

// Missed reports whether the limit was judged and is not reached.
func (v Verdict) Missed() bool { return v.Open == "" && !v.reaches(v.Limit) }

func (v Verdict) reaches(limit float64) bool {
	if math.IsNaN(v.Measured) || v.Measured <= 0 {
		return false
	}
	if v.AtLeast {
		return v.Measured >= limit
	}
	return v.Measured <= limit
}

// A Limit is how fast a stage of the work is, and how fast the machine could do
// it.
type Limit struct {
	Stage string  `json:"stage"`
	Speed float64 `json:"speed"` // in Unit
	Unit  string  `json:"unit"`  // MB/s, or ms where less is better
	Of    string  `json:"of,omitempty"`
	Bound float64 `json:"bound,omitempty"` // the speed of Of
}

// A Curve is how a cost grows with something.
type Curve struct {
	ID      string      `json:"id"`
	Title   string      `json:"title"`
	Columns []string    `json:"columns"` // the first is what grows
	Points  [][]float64 `json:"points"`  // NaN is not allowed; -1: not measured
	Notes   []string    `json:"notes,omitempty"`
}

// NewEntry summarizes samples.
func NewEntry(name string, samples []float64) Entry {
	return Entry{
		Name:    name,
		Samples: samples,
		Median:  measure.Median(samples),
		Low:     measure.Quantile(samples, 0),
		High:    measure.Quantile(samples, 1),
	}
}

// NewTiming summarizes what Interleave measured.
func NewTiming(name string, t measure.Times) Entry {
	e := NewEntry(name, t.Wall)
	e.CPU = measure.Median(t.CPU)
	return e
}

// Compare makes one entry the baseline and computes all ratios.
func (r *Row) Compare(base string) {
	b := r.Entry(base)
	if b == nil || b.Median == 0 {
		return
	}
	b.Base = true
	for i := range r.Entries {
		r.Entries[i].Ratio = r.Entries[i].Median / b.Median
	}
}

// Entry returns the entry of that name, nil if there is none.
func (r *Row) Entry(name string) *Entry {
	for i := range r.Entries {
		if r.Entries[i].Name == name {
			return &r.Entries[i]
		}
	}
	return nil
}

// Ratio returns the median of one entry divided by that of another, 0 if one of
// them was not measured.
func (r *Row) Ratio(name, base string) float64 {
	a, b := r.Entry(name), r.Entry(base)
	if a == nil || b == nil || b.Median == 0 {
		return 0
	}
	return a.Median / b.Median
}

// Missed returns the verdicts that missed their limits.
func (r *Report) Missed() (missed []Verdict) {
	for _, row := range r.Rows {
		for _, v := range row.Verdicts {
			if v.Missed() {
				missed = append(missed, v)
			}
		}
	}
	return missed
}
