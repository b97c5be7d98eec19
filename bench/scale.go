package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
	"github.com/idxdb/idxdb/sqlitestore"
)

// A growing is a store whose costs are looked at while it grows.
type growing struct {
	s     *suite
	dir   string
	store *sqlitestore.Store
}

func (s *suite) grow(name string) (*growing, error) {
	dir, err := s.temp(name)
	if err != nil {
		return nil, err
	}
	g := &growing{s: s, dir: dir}
	return g, g.open()
}

func (g *growing) open() (err error) {
	g.store, err = sqlitestore.Open(g.s.ctx, filepath.Join(g.dir, "bench.idx"), sqlitestore.Options{Create: true})
	return err
}

func (g *growing) close() error { return errors.Join(g.store.Close(), os.RemoveAll(g.dir)) }

// fileSize returns the size of the file in MB, with what is not checkpointed yet.
func (g *growing) fileSize() (float64, error) {
	info, err := os.Stat(g.store.Path())
	if err != nil {
		return 0, err
	}
	size := info.Size()
	if info, err := os.Stat(g.store.Path() + "-wal"); err == nil {
		size += info.Size()
	}
	return float64(size) / data.MB, nil
}

// openTime closes the store and times opening it again, in ms.
func (g *growing) openTime(n int) (float64, error) {
	var times []float64
	for range n {
		if err := g.store.Close(); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := g.open(); err != nil {
			return 0, err
		}
		times = append(times, ms(time.Since(start)))
	}
	return measure.Median(times), nil
}

// A cost is what one save costs, as medians.
type cost struct {
	ms      float64
	written float64 // MB
}

// saves times saving the versions from to from+n-1 of a series. What is written
// includes whatever part of a checkpoint falls into these saves.
func (g *growing) saves(key string, series data.Series, from, n int) (cost, error) {
	var times, written []float64
	for i := from; i < from+n; i++ {
		r, done, err := g.reader(series, i)
		if err != nil {
			return cost{}, err
		}
		measure.Settle()
		before, start := measure.Written(), time.Now()
		saved, err := g.store.Save(g.s.ctx, key, idxdb.Documents{State: r}, idxdb.SaveOptions{})
		times = append(times, ms(time.Since(start)))
		written = append(written, float64(measure.Written()-before)/data.MB)
		done()
		if err != nil {
			return cost{}, err
		}
		if saved.Unchanged {
			return cost{}, fmt.Errorf("version %d of %s is no new one", i, series.Name())
		}
	}
	return cost{measure.Median(times), measure.Median(written)}, nil
}

// reader returns the state of version i as a file, so that states of any size
// are read as the command line reads them.
func (g *growing) reader(series data.Series, i int) (io.Reader, func(), error) {
	path := filepath.Join(g.dir, "state.json")
	if _, err := writeState(path, series.(data.Streamer), i); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	return f, func() { f.Close(); os.Remove(path) }, err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// scaleSize is the cost of the next save over the size of the state.
func (s *suite) scaleSize() (err error) {
	c := report.Curve{
		ID:      "scale-size",
		Title:   "next save, 5 files changed, over the size of the state",
		Columns: []string{"state, MB", "next save, ms", "written, MB", "file, MB"},
	}
	sizes := []int64{1, 4, 16, 64, 256, 1000}
	if s.c.short {
		sizes = sizes[:4]
	}
	for _, size := range sizes {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		point, err := s.sizePoint(size)
		if err != nil {
			return fmt.Errorf("%d MB: %w", size, err)
		}
		c.Points = append(c.Points, point)
	}
	s.addCurve(c)
	return nil
}

func (s *suite) sizePoint(size int64) (_ []float64, err error) {
	g, err := s.grow("scale-size")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	n := 5
	if size > 500 {
		n = 3
	}
	series := data.NewIndex("scale", size*data.MB, n+1, 5, uint64(size))
	if _, err := g.saves(peer.Key, series, 0, 1); err != nil {
		return nil, err
	}
	next, err := g.saves(peer.Key, series, 1, n)
	if err != nil {
		return nil, err
	}
	file, err := g.fileSize()
	return []float64{float64(size), next.ms, next.written, file}, err
}

// scaleVersions is the cost of the next save over the number of versions.
func (s *suite) scaleVersions() (err error) {
	c := report.Curve{
		ID:      "scale-versions",
		Title:   "next save of a 0.1 MB state, 5 files changed, over the number of versions",
		Columns: []string{"versions", "next save, ms", "written, MB", "log, ms", "open, ms", "file, MB"},
	}
	g, err := s.grow("scale-versions")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	most := 10_000
	if s.c.short {
		most = 1000
	}
	const sampled = 7
	series := data.NewIndex("scale", data.MB/10, most+sampled+1, 5, 1)
	saved := 0
	start := time.Now()
	for n := 1; n <= most; n *= 10 {
		for ; saved < n && time.Since(start) < patience; saved++ {
			v, err := series.Version(saved)
			if err != nil {
				return err
			}
			p := peer.Idxdb{Store: g.store}
			if err := errors.Join(s.ctx.Err(), p.Prepare(data.Version{State: v.State}), p.Save()); err != nil {
				return err
			}
		}
		reached := saved
		next, err := g.saves(peer.Key, series, saved, sampled)
		if err != nil {
			return err
		}
		saved += sampled
		log, err := timed(3, func() error {
			for _, err := range g.store.Log(s.ctx, peer.Key) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		open, err := g.openTime(3)
		if err != nil {
			return err
		}
		file, err := g.fileSize()
		if err != nil {
			return err
		}
		c.Points = append(c.Points, []float64{float64(reached), next.ms, next.written, log, open, file})
		if reached < n {
			c.Notes = append(c.Notes, fmt.Sprintf("it would have taken too long to go on to %d versions", n))
			break
		}
	}
	s.addCurve(c)
	return nil
}

// patience is after how long a curve ends early. A whole run is to take less than
// ten minutes on a quiet machine.
const patience = time.Minute

// timed returns the median time of n calls, in ms.
func timed(n int, f func() error) (float64, error) {
	var times []float64
	for range n {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, ms(time.Since(start)))
	}
	return measure.Median(times), nil
}

// addCurve keeps a curve, and shows it at once.
func (s *suite) addCurve(c report.Curve) {
	first, last := c.Points[0], c.Points[len(c.Points)-1]
	name, _, _ := strings.Cut(c.Columns[0], ",")
	c.Notes = append(c.Notes, fmt.Sprintf("%s times the %s cost %s times the next save",
		report.Number(last[0]/first[0]), name, report.Number(last[1]/first[1])))
	s.report.Curves = append(s.report.Curves, c)
	c.WriteText(s.log)
}
