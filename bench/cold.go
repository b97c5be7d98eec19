package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// coldLoad times opening a store and loading a state that is not in the page
// cache of this system. A disk that is not a real one may have a cache behind
// it.
func (s *suite) coldLoad(id, what string, series data.Series) (err error) {
	row := &report.Row{ID: "cold-" + id, Title: "open and load, not in the page cache, " + what, Unit: "ms"}
	v, err := series.Version(0)
	if err != nil {
		return err
	}
	v.Search = nil
	kinds := []peer.Kind{peer.IdxdbFile, peer.PlainFile, peer.LZ4File, peer.ZstdFile, peer.Bolt}
	all, err := s.open(row, kinds)
	defer func() { err = errors.Join(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	var contestants []measure.Contestant
	for i := range all {
		o, kind := &all[i], kinds[i]
		if err := errors.Join(o.Prepare(v), o.Save()); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		contestants = append(contestants, measure.Contestant{
			Name: o.name,
			Prepare: func() error {
				if err := o.Close(); err != nil {
					return err
				}
				able, err := measure.Evict(o.dir)
				if err == nil && !able {
					err = errCannotEvict
				}
				return err
			},
			Run: func() error {
				p, err := kind.Open(o.dir)
				if err != nil {
					return err
				}
				o.Peer = p
				return o.Load(io.Discard)
			},
		})
	}
	times, err := measure.Interleave(measure.Plan{Rounds: s.rounds(5, 2)}, contestants)
	if errors.Is(err, errCannotEvict) {
		row.Entries = []report.Entry{{Name: peer.IdxdbFile.Name, Skipped: err.Error()}}
		s.add(row)
		return nil
	}
	if err != nil {
		return err
	}
	for i, o := range all {
		row.Entries = append(row.Entries, report.NewTiming(o.name, times[i]))
	}
	row.Compare(peer.PlainFile.Name)
	s.add(row)
	return nil
}

var errCannotEvict = errors.New("this system cannot drop a file from its cache")
