package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// memory saves and loads a state that is large, by the command line, and looks
// at the memory of the processes.
func (s *suite) memory() (err error) {
	program, err := s.program()
	if err != nil {
		return err
	}
	dir, err := s.temp("memory")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	size := int64(1000 * data.MB)
	if s.c.short {
		size = 100 * data.MB
	}
	state := filepath.Join(dir, "state.json")
	want, err := writeState(state, data.NewIndex("huge", size, 2, 5, 1), 0)
	if err != nil {
		return err
	}
	row := &report.Row{ID: "memory", Title: fmt.Sprintf("peak memory of a process, %d MB index state", size/data.MB), Unit: "MB"}
	if measure.Written() == 0 {
		row.Notes = append(row.Notes, "systems other than Linux may count differently")
	}
	most := 0.0
	for _, store := range []struct{ name, url string }{
		{"idxdb", "sqlite:" + filepath.Join(dir, "bench.idx")},
		{"idxdb, directory of files", "file:" + filepath.Join(dir, "store")},
	} {
		m := memoryRun{program: program, url: store.url, state: state, dir: dir}
		for _, op := range []struct {
			name string
			run  func() (measure.Usage, *tally, error)
		}{
			{"save FILE", m.saveFile},
			{"save from a pipe", m.savePipe},
			{"load to a FILE", m.loadFile},
			{"load to a pipe", m.loadPipe},
		} {
			usage, got, err := op.run()
			if err != nil {
				return fmt.Errorf("%s: %s: %w", store.name, op.name, err)
			}
			if got != nil && (got.n != want.n || string(got.Sum(nil)) != string(want.Sum(nil))) {
				return fmt.Errorf("%s: %s did not give back what was saved", store.name, op.name)
			}
			mb := float64(usage.MaxRSS) / data.MB
			most = max(most, mb)
			row.Entries = append(row.Entries, report.NewEntry(store.name+", "+op.name, []float64{mb}))
			row.Notes = append(row.Notes, fmt.Sprintf("%s, %s: %s ms", store.name, op.name, report.Number(float64(usage.Took.Milliseconds()))))
		}
	}
	s.judge(row, report.Verdict{What: "memory for a 1 GB state, save and load, the most of all", Unit: " MB", Measured: most, Limit: 120, Aim: 64})
	s.add(row)
	return nil
}

// writeState writes a state to a file and returns its length and hash.
func writeState(path string, series data.Streamer, i int) (*tally, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := newTally()
	if err := series.WriteState(io.MultiWriter(f, t), i); err != nil {
		return nil, err
	}
	return t, f.Close()
}

// A memoryRun is one store in the memory benchmark.
type memoryRun struct{ program, url, state, dir string }

func (m memoryRun) saveFile() (measure.Usage, *tally, error) {
	u, err := measure.Launch(nil, nil, m.program, "-s", m.url, "save", peer.Key, m.state)
	return u, nil, err
}

// savePipe saves under another key, for the first one has the state already. A
// Reader that is not a file makes a pipe.
func (m memoryRun) savePipe() (measure.Usage, *tally, error) {
	f, err := os.Open(m.state)
	if err != nil {
		return measure.Usage{}, nil, err
	}
	defer f.Close()
	u, err := measure.Launch(bufio.NewReader(f), nil, m.program, "-s", m.url, "save", peer.Key+" piped", "-")
	return u, nil, err
}

func (m memoryRun) loadFile() (u measure.Usage, t *tally, err error) {
	out := filepath.Join(m.dir, "loaded.json")
	if u, err = measure.Launch(nil, nil, m.program, "-s", m.url, "load", peer.Key, "-o", out); err != nil {
		return u, nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(out)) }()
	f, err := os.Open(out)
	if err != nil {
		return u, nil, err
	}
	defer f.Close()
	t = newTally()
	_, err = io.Copy(t, f)
	return u, t, err
}

func (m memoryRun) loadPipe() (measure.Usage, *tally, error) {
	t := newTally()
	u, err := measure.Launch(nil, t, m.program, "-s", m.url, "load", peer.Key+" piped")
	return u, t, err
}

// A tally counts and hashes what is written to it.
type tally struct {
	hash.Hash
	n int64
}

func newTally() *tally { return &tally{Hash: sha256.New()} }

func (t *tally) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	return t.Hash.Write(p)
}
