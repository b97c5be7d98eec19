package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// nextReal times the next save of the first series, against a plain file that a
// process writes.
func (s *suite) nextReal() (err error) {
	series := s.series[0]
	program, err := s.program()
	if err != nil {
		return err
	}
	command := peer.IdxdbProcess(program)
	kinds := slices.Concat([]peer.Kind{peer.IdxdbFile, command, peer.DD, peer.PlainFile}, inProcess[2:], tools)
	row := &report.Row{ID: "next-" + series.Name(), Title: fmt.Sprintf("next save, %s, one commit later", series.Name()), Unit: "ms"}
	all, err := s.open(row, kinds)
	defer func() { err = errors.Join(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	last, err := s.timeSaves(row, series, all, 1, s.rounds(21, 5))
	if err != nil {
		return err
	}
	row.Compare(peer.DD.Name)
	s.judge(row, s.aboutBabel(report.Verdict{What: "next save in process, against a plain file by dd", Unit: "×",
		Measured: row.Ratio(peer.IdxdbFile.Name, peer.DD.Name), Limit: 1, Aim: 0.8}))
	s.judge(row, s.aboutBabel(report.Verdict{What: "next save as a whole process, against a plain file by dd", Unit: "×",
		Measured: row.Ratio(command.Name, peer.DD.Name), Limit: 2.5, Aim: 1.6}))
	s.add(row)

	load := &report.Row{ID: "load-" + series.Name(), Title: "load, " + series.Name(), Unit: "ms"}
	if err := timeLoads(load, all, last, s.rounds(11, 3)); err != nil {
		return err
	}
	load.Compare(peer.PlainFile.Name)
	s.add(load)
	return nil
}

// aboutBabel leaves a verdict open that is about the states of babel, where there
// are others.
func (s *suite) aboutBabel(v report.Verdict) report.Verdict {
	if s.series[0].Name() != "babel" {
		v.Open = "it is about the states of babel (-data)"
	}
	return v
}
