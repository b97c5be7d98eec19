package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// packedLimits are what all versions of these series may take after a
// vacuum, in MB: git gc's size, and that of git gc --aggressive.
var packedLimits = map[string][2]float64{"babel": {3.7, 2.0}, "terraform": {1.3, 0.56}, "prometheus": {1.2, 0.56}}

// history measures what all versions take.
func (s *suite) history() error {
	for i, series := range s.series {
		versions := series.Len()
		if s.c.short {
			if i > 0 {
				break
			}
			versions = min(versions, 10)
		}
		if err := s.historyOf(series, versions, i == 0); err != nil {
			return fmt.Errorf("%s: %w", series.Name(), err)
		}
	}
	return nil
}

func (s *suite) historyOf(series data.Series, versions int, first bool) (err error) {
	name := series.Name()
	row := &report.Row{ID: "history-" + name, Title: fmt.Sprintf("%s, all %d versions, both documents", name, versions), Unit: "MB"}
	kinds := []peer.Kind{peer.IdxdbFile, peer.ZstdFile, peer.GitUnsynced}
	if first && !s.c.short {
		kinds = append(kinds, peer.Restic, peer.Borg)
	}
	all, err := s.open(row, kinds)
	defer func() { err = errors.Join(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	raw := int64(0)
	for i := range versions {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		v, err := series.Version(i)
		if err != nil {
			return err
		}
		raw += int64(len(v.State) + len(v.Search))
		for _, o := range all {
			if err := errors.Join(o.Prepare(v), o.Save()); err != nil {
				return fmt.Errorf("%s: version %d: %w", o.name, i, err)
			}
		}
	}
	put := func(name string, size int64) {
		row.Entries = append(row.Entries, report.NewEntry(name, []float64{float64(size) / data.MB}))
	}
	put("raw", raw)
	for i := range all {
		o := &all[i]
		if o.name != peer.IdxdbFile.Name {
			if err := peerSizes(o, put); err != nil {
				return err
			}
			continue
		}
		if err := s.idxdbSizes(o, put); err != nil {
			return err
		}
		if err := s.oldest(series, o.Peer.(*peer.Idxdb), first); err != nil {
			return err
		}
	}
	row.Compare("git gc")
	s.judgeHistory(row, name)
	s.add(row)
	return nil
}

// idxdbSizes measures the file as it was saved and after a vacuum, closed each
// time.
func (s *suite) idxdbSizes(o *opened, put func(string, int64)) error {
	size, err := reopen(o)
	if err != nil {
		return err
	}
	put("idxdb, as saved", size)
	vacuumer, ok := idxdb.As[idxdb.Vacuumer](o.Peer.(*peer.Idxdb).Store)
	if !ok {
		return errors.New("the store has no vacuum")
	}
	if _, err := vacuumer.Vacuum(s.ctx, nil); err != nil {
		return err
	}
	if size, err = reopen(o); err != nil {
		return err
	}
	put("idxdb, after vacuum", size)
	return nil
}

// reopen closes a file and opens it again. It returns its size when it was
// closed, in bytes.
func reopen(o *opened) (int64, error) {
	if err := o.Close(); err != nil {
		return 0, err
	}
	info, err := os.Stat(filepath.Join(o.dir, "bench.idx"))
	if err != nil {
		return 0, err
	}
	p, err := peer.IdxdbFile.Open(o.dir)
	if err != nil {
		return 0, err
	}
	o.Peer = p
	return info.Size(), nil
}

func peerSizes(o *opened, put func(string, int64)) error {
	packer, ok := o.Peer.(peer.Packer)
	if !ok {
		size, err := peer.DiskSize(o.dir)
		put(o.name+"s", size)
		return err
	}
	levels := []struct {
		name string
		hard bool
	}{{o.name, false}}
	if o.name == peer.Git.Name {
		levels[0].name = "git gc"
		levels = append(levels, levels[0])
		levels[1].name, levels[1].hard = "git gc --aggressive", true
	}
	for _, level := range levels {
		if err := packer.Pack(level.hard); err != nil {
			return err
		}
		size, err := peer.DiskSize(packer.Kept())
		if err != nil {
			return err
		}
		put(level.name, size)
	}
	return nil
}

func (s *suite) judgeHistory(row *report.Row, name string) {
	median := func(name string) float64 {
		if e := row.Entry(name); e != nil {
			return e.Median
		}
		return 0
	}
	if name == "babel" {
		s.judge(row, report.Verdict{What: "babel, 60 versions, as saved", Unit: " MB",
			Measured: median("idxdb, as saved"), Limit: 9, Aim: 6})
	}
	if limits, ok := packedLimits[name]; ok {
		s.judge(row, report.Verdict{What: name + ", after vacuum", Unit: " MB",
			Measured: median("idxdb, after vacuum"), Limit: limits[0], Aim: limits[1]})
	}
}

// oldest times loading the oldest version of a vacuumed file against the newest.
func (s *suite) oldest(series data.Series, p *peer.Idxdb, judged bool) error {
	row := &report.Row{ID: "oldest-" + series.Name(), Title: "load after vacuum, " + series.Name(), Unit: "ms"}
	v, err := series.Version(0)
	if err != nil {
		return err
	}
	want := newTally()
	want.Write(v.State)
	got := newTally()
	if err := p.LoadVersion(got, 1); err != nil {
		return err
	}
	if got.n != want.n || string(got.Sum(nil)) != string(want.Sum(nil)) {
		return errors.New("the oldest version is not what was saved")
	}
	times, err := measure.Interleave(measure.Plan{WarmUp: 1, Rounds: s.rounds(15, 5)}, []measure.Contestant{
		{Name: "idxdb, newest", Run: func() error { return p.LoadVersion(io.Discard, 0) }},
		{Name: "idxdb, oldest", Run: func() error { return p.LoadVersion(io.Discard, 1) }},
	})
	if err != nil {
		return err
	}
	row.Entries = []report.Entry{
		report.NewTiming("idxdb, newest", times[0]),
		report.NewTiming("idxdb, oldest", times[1]),
	}
	row.Compare("idxdb, newest")
	if judged {
		s.judge(row, s.aboutBabel(report.Verdict{What: "load of the oldest version after vacuum, against the newest", Unit: "×",
			Measured: row.Ratio("idxdb, oldest", "idxdb, newest"), Limit: 4, Aim: 3}))
	}
	s.add(row)
	return nil
}

// versions measures what 100 versions of a large state take.
func (s *suite) versions() (err error) {
	size := s.largeSize()
	n := 100
	if s.c.short {
		n = 20
	}
	series := data.NewIndex("large", size, n, 5, 1)
	row := &report.Row{ID: "versions", Title: fmt.Sprintf("%d versions of a %d MB index state", n, size/data.MB), Unit: "MB"}
	all, err := s.open(row, []peer.Kind{peer.IdxdbFile})
	defer func() { err = errors.Join(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	put := func(name string, size int64) {
		row.Entries = append(row.Entries, report.NewEntry(name, []float64{float64(size) / data.MB}))
	}
	for i := range n {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		v, err := series.Version(i)
		if err != nil {
			return err
		}
		v.Search = nil
		if err := errors.Join(all[0].Prepare(v), all[0].Save()); err != nil {
			return err
		}
		if i == 0 {
			size, err := reopen(&all[0])
			if err != nil {
				return err
			}
			put("idxdb, the first", size)
		}
	}
	if err := s.idxdbSizes(&all[0], put); err != nil {
		return err
	}
	row.Compare("idxdb, the first")
	s.judge(row, report.Verdict{What: "100 versions of a 200 MB state after vacuum, against the first", Unit: "×",
		Measured: row.Ratio("idxdb, after vacuum", "idxdb, the first"), Limit: 1.2, Aim: 1.05})
	s.add(row)
	return nil
}
