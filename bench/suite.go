package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// A step is one benchmark, or a few that share their data.
type step struct {
	name  string
	about string
	scale bool // one of the cost curves
	run   func(*suite) error
}

var steps = []step{
	{"large-index", "save, first and next, and load of a large index state", false, (*suite).largeIndex},
	{"large-vectors", "the same of a large state of embeddings", false, (*suite).largeVectors},
	{"next-real", "next save of a real state, in process and as a whole process", false, (*suite).nextReal},
	{"history", "what all versions of real states take, and loading the oldest", false, (*suite).history},
	{"versions", "what 100 versions of a large index state take", false, (*suite).versions},
	{"memory", "memory for saving and loading a 1 GB state", false, (*suite).memory},
	{"limits", "what the machine can do, and the stages of saving and loading", false, (*suite).limits},
	{"scale-size", "next save over the size of the state", true, (*suite).scaleSize},
	{"scale-versions", "next save over the number of versions", true, (*suite).scaleVersions},
	{"scale-keys", "next save and list over the number of keys", true, (*suite).scaleKeys},
	{"scale-file", "next save and open over the size of the file", true, (*suite).scaleFile},
}

// A suite is one run.
type suite struct {
	ctx    context.Context
	c      config
	log    io.Writer
	start  time.Time
	dir    string        // temporary
	series []data.Series // real ones, or one with their statistics
	report report.Report

	built string // the idxdb program
}

func newSuite(ctx context.Context, c config, log io.Writer) (_ *suite, err error) {
	s := &suite{ctx: ctx, c: c, log: log, start: time.Now()}
	if s.dir, err = os.MkdirTemp(c.temp, "idxdb-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.report.Environment, err = environment(s.dir, c.short); err != nil {
		return nil, err
	}
	switch {
	case c.data != "":
		s.series, err = data.Folders(c.data)
	case c.git != "":
		var series data.Series
		s.say("building states from %s", c.git)
		series, err = data.FromGit(ctx, c.git, filepath.Join(s.dir, "states"), c.commits)
		s.series = []data.Series{series}
	default:
		// The statistics of 60 commits of babel.
		s.series = []data.Series{data.NewIndex("babel-like", 5_500_000, 60, 62, 1)}
	}
	if err != nil {
		return nil, err
	}
	for i, series := range s.series { // babel first, which the limits are about
		if series.Name() == "babel" {
			s.series[0], s.series[i] = s.series[i], s.series[0]
		}
	}
	return s, nil
}

func (s *suite) close() error { return os.RemoveAll(s.dir) }

// run runs what is asked for.
func (s *suite) run() error {
	for _, st := range steps {
		if !s.c.only.MatchString(st.name) || st.scale && s.c.short && !s.c.scale {
			continue
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		s.say("%s: %s", st.name, st.about)
		if err := st.run(s); err != nil {
			return fmt.Errorf("%s: %w", st.name, err)
		}
	}
	s.say("done")
	return nil
}

func (s *suite) say(format string, args ...any) {
	fmt.Fprintf(s.log, "%4.0fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// temp returns the path of a directory that is there and empty.
func (s *suite) temp(name string) (string, error) {
	dir := filepath.Join(s.dir, strings.ReplaceAll(name, string(filepath.Separator), "_"))
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o777)
}

// rounds returns how often something is timed.
func (s *suite) rounds(full, short int) int {
	switch {
	case s.c.rounds > 0:
		return s.c.rounds
	case s.c.short:
		return short
	}
	return full
}

// program returns the path of the idxdb program, and builds it the first time.
func (s *suite) program() (string, error) {
	if s.c.program != "" {
		return filepath.Abs(s.c.program)
	}
	if s.built != "" {
		return s.built, nil
	}
	root, err := exec.CommandContext(s.ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/idxdb/idxdb").Output()
	if err != nil {
		return "", fmt.Errorf("the source of idxdb is not found (run in bench/, or use -idxdb): %w", err)
	}
	s.say("building idxdb")
	path := filepath.Join(s.dir, "idxdb")
	cmd := exec.CommandContext(s.ctx, "go", "build", "-o", path, "./cmd/idxdb")
	cmd.Dir = strings.TrimSpace(string(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build idxdb: %w\n%s", err, out)
	}
	s.built = path
	return path, nil
}

// An opened peer, and where it is.
type opened struct {
	peer.Peer
	name   string
	dir    string
	rounds int // takes part in the last rounds only, in this many; 0: in all
}

// open makes a peer of each kind. Those that are not installed become entries of
// the row that say so.
func (s *suite) open(row *report.Row, kinds []peer.Kind) (all []opened, err error) {
	for _, kind := range kinds {
		dir, err := s.temp(row.ID + " " + kind.Name)
		if err != nil {
			return all, err
		}
		p, err := kind.OpenNew(dir)
		if errors.Is(err, peer.ErrMissing) {
			row.Entries = append(row.Entries, report.Entry{Name: kind.Name, Skipped: err.Error()})
			continue
		}
		if err != nil {
			return all, err
		}
		o := opened{Peer: p, name: kind.Name, dir: dir}
		if kind.Slow {
			o.rounds = s.rounds(3, 2)
		}
		all = append(all, o)
	}
	return all, nil
}

// closeAll closes peers and removes what they kept.
func closeAll(all []opened) (err error) {
	for _, o := range all {
		err = errors.Join(err, o.Close(), os.RemoveAll(o.dir))
	}
	return err
}

func (s *suite) add(row *report.Row) {
	s.report.Rows = append(s.report.Rows, *row)
	row.WriteText(s.log) // so that a long run can be followed
}

// judge adds a verdict. With smaller data than the limit is about, it stays
// open.
func (s *suite) judge(row *report.Row, v report.Verdict) {
	if s.c.short && v.Open == "" {
		v.Open = "-short measures smaller data"
	}
	row.Verdicts = append(row.Verdicts, v)
}
