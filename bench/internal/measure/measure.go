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
	Rounds  int          // takes part in the last rounds only, in this many; 0: in all
}

// Times are what the rounds of a contestant took, in milliseconds: on the clock,
// and of all cores together, in this process and those it started. The second
// says what the work costs on a machine that others use, too.
type Times struct {
	Wall []float64
	CPU  []float64
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
// nobody pays for another. It returns the times of each contestant, in order.
func Interleave(plan Plan, all []Contestant) ([]Times, error) {
	times := make([]Times, len(all))
	for round := range plan.WarmUp + plan.Rounds {
		if plan.Next != nil {
			if err := plan.Next(round); err != nil {
				return nil, err
			}
		}
		for i, c := range all {
			if c.Rounds > 0 && round < plan.WarmUp+plan.Rounds-c.Rounds {
				continue
			}
			if c.Prepare != nil {
				if err := c.Prepare(); err != nil {
					return nil, fmt.Errorf("%s: prepare: %w", c.Name, err)
				}
			}
			Settle()
			cpu, start := cpuTime(), time.Now()
			err := c.Run()
			took, busy := time.Since(start), cpuTime()-cpu
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			if round >= plan.WarmUp {
				times[i].Wall = append(times[i].Wall, milliseconds(took))
				times[i].CPU = append(times[i].CPU, milliseconds(busy))
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

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

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
