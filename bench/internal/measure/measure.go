// Package measure times pieces of work against each other.
package measure

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// A Contestant is one of several ways to do the same work.
type Contestant struct {
	Name    string
	Prepare func() error // not timed; may be nil
	Run     func() error // timed
	Rounds  int          // takes part in the first rounds only; 0: in all
}

// Plan says how often, and what happens in between.
type Plan struct {
	WarmUp int // rounds that are not counted
	Rounds int
	// Next is called before each round, with its number from 0, warm-up
	// included; may be nil.
	Next func(round int) error
}

// Interleave runs all contestants in turns, A B C A B C …, so that what disturbs
// the machine for a while disturbs all of them. Before each turn the garbage is
// collected and everything that earlier turns left to be written is written, so
// nobody pays for another. It returns the durations of each contestant, in
// order.
func Interleave(plan Plan, all []Contestant) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(all))
	for round := range plan.WarmUp + plan.Rounds {
		if plan.Next != nil {
			if err := plan.Next(round); err != nil {
				return nil, err
			}
		}
		for i, c := range all {
			if c.Rounds > 0 && round >= plan.WarmUp+c.Rounds {
				continue
			}
			if c.Prepare != nil {
				if err := c.Prepare(); err != nil {
					return nil, fmt.Errorf("%s: prepare: %w", c.Name, err)
				}
			}
			Settle()
			start := time.Now()
			err := c.Run()
			took := time.Since(start)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			if round >= plan.WarmUp {
				times[i] = append(times[i], took)
			}
		}
	}
	return times, nil
}

// Settle brings the process and the file systems to rest.
func Settle() {
	runtime.GC()
	syncAll()
}

// Milliseconds converts durations to the unit of reports.
func Milliseconds(times []time.Duration) []float64 {
	ms := make([]float64, len(times))
	for i, t := range times {
		ms[i] = float64(t) / float64(time.Millisecond)
	}
	return ms
}

// Median returns the middle of the samples, 0 if there are none.
func Median(samples []float64) float64 { return Quantile(samples, 0.5) }

// Quantile returns the q-quantile of the samples, interpolated linearly between
// neighbours, 0 if there are none.
func Quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
