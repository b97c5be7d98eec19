package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// largeSize is the size of the large states in bytes.
func (s *suite) largeSize() int64 {
	if s.c.short {
		return 20 * data.MB
	}
	return 200 * data.MB
}

var (
	inProcess = []peer.Kind{peer.IdxdbFile, peer.PlainFile, peer.InPlace, peer.LZ4File, peer.ZstdFile, peer.GzipFile, peer.Bolt, peer.SQLiteBlob, peer.IdxdbDirectory}
	tools     = []peer.Kind{peer.Git, peer.Restic, peer.Borg}
)

func (s *suite) largeIndex() error {
	size := s.largeSize() / data.MB
	series := data.NewIndex("large", s.largeSize(), 200, 5, 1)
	what := fmt.Sprintf("%d MB index state", size)
	next, load, err := s.nextAndLoad("index", what+", 5 files changed", series, append(inProcess, peer.Restic, peer.Borg), s.rounds(5, 3))
	if err != nil {
		return err
	}
	s.judge(next, report.Verdict{What: "next save, against a plain file", Unit: "×",
		Measured: next.Ratio(peer.IdxdbFile.Name, peer.PlainFile.Name), Limit: 0.32, Aim: 0.16})
	s.judge(next, report.Verdict{What: "next save, JSON validation off, against a plain file", Unit: "×",
		Limit: 0.16, Aim: 0.08, Open: "idxdb has no way to turn it off"})
	s.add(next)
	s.judge(load, report.Verdict{What: "verified load, speed against a zstd file", Unit: "×",
		Measured: load.Ratio(peer.ZstdFile.Name, peer.IdxdbFile.Name), Limit: 1.3, Aim: 2.4, AtLeast: true})
	s.add(load)
	if err := s.coldLoad("index", what, series); err != nil {
		return err
	}

	first, err := s.first("index", what, series, s.rounds(5, 3))
	if err != nil {
		return err
	}
	s.judge(first, report.Verdict{What: "first save, speed against an lz4 file", Unit: "×",
		Measured: first.Ratio(peer.LZ4File.Name, peer.IdxdbFile.Name), Limit: 0.9, Aim: 1.6, AtLeast: true})
	s.add(first)
	return nil
}

func (s *suite) largeVectors() error {
	size := s.largeSize() / data.MB
	series := data.NewEmbeddings("large", s.largeSize(), 200, 5, 1)
	what := fmt.Sprintf("%d MB of embeddings", size)
	kinds := []peer.Kind{peer.IdxdbFile, peer.PlainFile, peer.LZ4File, peer.ZstdFile}
	next, load, err := s.nextAndLoad("vectors", what+", 5 vectors changed", series, kinds, s.rounds(3, 3))
	if err != nil {
		return err
	}
	s.add(next)
	s.add(load)
	first, err := s.first("vectors", what, series, s.rounds(3, 3))
	if err != nil {
		return err
	}
	s.add(first)
	return nil
}

// nextAndLoad times saving one version after the other, and then loading the
// last one.
func (s *suite) nextAndLoad(id, what string, series data.Series, kinds []peer.Kind, rounds int) (next, load *report.Row, err error) {
	next = &report.Row{ID: "next-" + id, Title: "next save, " + what, Unit: "ms"}
	load = &report.Row{ID: "load-" + id, Title: "load, " + what, Unit: "ms"}
	all, err := s.open(next, kinds)
	if err != nil {
		return nil, nil, errors.Join(err, closeAll(all))
	}
	defer func() { err = errors.Join(err, closeAll(all)) }()
	last, err := s.timeSaves(next, series, all, 0, rounds)
	if err != nil {
		return nil, nil, err
	}
	next.Compare(peer.PlainFile.Name)
	err = timeLoads(load, all, last, s.rounds(5, 3))
	load.Compare(peer.PlainFile.Name)
	return next, load, err
}

// timeSaves saves version 0 with every peer, and times saving the next ones. It
// returns the last version.
func (s *suite) timeSaves(row *report.Row, series data.Series, all []opened, warmUp, rounds int) (v data.Version, err error) {
	rounds = min(rounds, series.Len()-1-warmUp)
	if v, err = series.Version(0); err != nil {
		return v, err
	}
	v.Search = nil // not all peers keep two documents
	for _, o := range all {
		if err := errors.Join(o.Prepare(v), o.Save()); err != nil {
			return v, fmt.Errorf("%s: %w", o.name, err)
		}
	}
	var contestants []measure.Contestant
	for _, o := range all {
		contestants = append(contestants, measure.Contestant{
			Name:    o.name,
			Prepare: func() error { return o.Prepare(v) },
			Run:     o.Save,
			Rounds:  o.rounds,
		})
	}
	times, err := measure.Interleave(measure.Plan{WarmUp: warmUp, Rounds: rounds, Next: func(round int) error {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		next, err := series.Version(round + 1)
		v.State = next.State
		return err
	}}, contestants)
	if err != nil {
		return v, err
	}
	for i, o := range all {
		e := report.NewTiming(o.name, times[i])
		e.Aside = o.name == peer.InPlace.Name
		row.Entries = append(row.Entries, e)
	}
	return v, nil
}

// timeLoads times loading into nowhere. Before that, everything is loaded once
// to see that it is what was saved; what follows is read from memory, for all of
// them alike.
func timeLoads(row *report.Row, all []opened, v data.Version, rounds int) error {
	want := sha256.Sum256(v.State)
	for _, o := range all {
		sum := sha256.New()
		if err := o.Load(sum); err != nil {
			return fmt.Errorf("%s: load: %w", o.name, err)
		}
		if !bytes.Equal(sum.Sum(nil), want[:]) {
			return fmt.Errorf("%s did not give back what was saved", o.name)
		}
	}
	var contestants []measure.Contestant
	for _, o := range all {
		contestants = append(contestants, measure.Contestant{Name: o.name, Run: func() error { return o.Load(io.Discard) }, Rounds: o.rounds})
	}
	times, err := measure.Interleave(measure.Plan{Rounds: rounds}, contestants)
	if err != nil {
		return err
	}
	for i, o := range all {
		row.Entries = append(row.Entries, report.NewTiming(o.name, times[i]))
	}
	return nil
}

// first times making a store and saving a state in it, until all of it is closed.
func (s *suite) first(id, what string, series data.Series, rounds int) (*report.Row, error) {
	row := &report.Row{ID: "first-" + id, Title: "first save, " + what, Unit: "ms"}
	v, err := series.Version(0)
	if err != nil {
		return nil, err
	}
	v.Search = nil
	kinds := []peer.Kind{peer.IdxdbFile, peer.PlainFile, peer.LZ4File, peer.ZstdFile, peer.SQLiteBlob}
	var contestants []measure.Contestant
	round := 0
	for _, kind := range kinds {
		var dir string
		contestants = append(contestants, measure.Contestant{
			Name: kind.Name,
			Prepare: func() (err error) {
				// A new one each time, and the one before stays, so that its blocks do.
				dir, err = s.temp(filepath.Join(row.ID, kind.Name, fmt.Sprint(round)))
				return err
			},
			Run: func() error {
				p, err := kind.Open(dir)
				if err != nil {
					return err
				}
				return errors.Join(p.Prepare(v), p.Save(), p.Close())
			},
		})
	}
	times, err := measure.Interleave(measure.Plan{Rounds: rounds, Next: func(n int) error { round = n; return s.ctx.Err() }}, contestants)
	if err != nil {
		return nil, err
	}
	for i, kind := range kinds {
		row.Entries = append(row.Entries, report.NewTiming(kind.Name, times[i]))
	}
	row.Compare(peer.LZ4File.Name)
	row.Notes = append(row.Notes, "a new store each time, closed again: idxdb's checkpoint is in the figure")
	return row, s.removeAll(row.ID)
}

// removeAll removes the temporary directories whose names begin with prefix.
func (s *suite) removeAll(prefix string) error {
	dirs, err := filepath.Glob(filepath.Join(s.dir, prefix+"*"))
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}
