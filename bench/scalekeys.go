package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/peer"
	"github.com/idxdb/idxdb/bench/internal/report"
)

// scaleKeys is the cost of the next save and of listing over the number of keys.
func (s *suite) scaleKeys() (err error) {
	c := report.Curve{
		ID:      "scale-keys",
		Title:   "next save of a 1 MB state, 5 files changed, and list over the number of keys",
		Columns: []string{"keys", "next save, ms", "written, MB", "names, ms", "list, ms", "open, ms", "file, MB"},
	}
	g, err := s.grow("scale-keys")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	most := 100_000
	if s.c.short {
		most = 10_000
	}
	const sampled = 5
	series := data.NewIndex("scale", data.MB, 100, 5, 1)
	if _, err := g.saves(peer.Key, series, 0, 1); err != nil {
		return err
	}
	version := 1
	keys := 1
	for n := 1; n <= most; n *= 10 {
		if err := g.addKeys(&keys, n); err != nil {
			return err
		}
		next, err := g.saves(peer.Key, series, version, sampled)
		if err != nil {
			return err
		}
		version += sampled
		names, err := timed(5, func() error { return g.list(idxdb.ListOptions{NamesOnly: true}, n) })
		if err != nil {
			return err
		}
		list, err := timed(5, func() error { return g.list(idxdb.ListOptions{}, n) })
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
		c.Points = append(c.Points, []float64{float64(n), next.ms, next.written, names, list, open, file})
	}
	s.addCurve(c)
	s.judgeList(c.Points[len(c.Points)-1])
	return nil
}

func (s *suite) judgeList(p []float64) {
	row := &report.Row{ID: "list", Title: fmt.Sprintf("list of %.0f keys", p[0]), Unit: "ms"}
	row.Entries = []report.Entry{report.NewEntry("idxdb, names", p[3:4]), report.NewEntry("idxdb, all columns", p[4:5])}
	s.judge(row, report.Verdict{What: "names of 100,000 keys", Unit: " ms", Measured: p[3], Limit: 50, Aim: 25})
	s.judge(row, report.Verdict{What: "all columns of 100,000 keys", Unit: " ms", Measured: p[4], Limit: 250, Aim: 175})
	s.add(row)
}

// addKeys saves small states, many in a commit, until there are n keys.
func (g *growing) addKeys(have *int, n int) error {
	for *have < n {
		var batch []idxdb.BatchItem
		for ; *have < n && len(batch) < 5000; *have++ {
			key := fmt.Sprintf("owner-%02d/repository-%05d@main", *have%100, *have)
			state := fmt.Sprintf(`{"version":1,"contextState":{"mode":"full","blobs":[]},"source":{"type":"github","config":{"owner":"owner","repo":%q},"resolvedRef":"%040x"}}`, key, *have)
			batch = append(batch, idxdb.BatchItem{Key: key, Open: func() (idxdb.Documents, func(), error) {
				return idxdb.Documents{State: bytes.NewReader([]byte(state))}, func() {}, nil
			}})
		}
		if _, err := g.store.SaveBatch(g.s.ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (g *growing) list(opts idxdb.ListOptions, want int) error {
	n := 0
	for _, err := range g.store.List(g.s.ctx, opts) {
		if err != nil {
			return err
		}
		n++
	}
	if n != want {
		return fmt.Errorf("%d keys are listed, want %d", n, want)
	}
	return nil
}

// scaleFile is the cost of the next save and of opening over the size of the
// file.
func (s *suite) scaleFile() (err error) {
	c := report.Curve{
		ID:      "scale-file",
		Title:   "next save of a 5 MB state, 5 files changed, and open over the size of the file",
		Columns: []string{"file, MB", "next save, ms", "written, MB", "open, ms", "load, ms"},
	}
	g, err := s.grow("scale-file")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	targets := []float64{0, 100, 500, 2000}
	if s.c.huge {
		targets = append(targets, 6000, 20_000)
	}
	if s.c.short {
		targets = targets[:2]
	}
	const sampled = 5
	series := data.NewIndex("scale", 5*data.MB, 100, 5, 1)
	if _, err := g.saves(peer.Key, series, 0, 1); err != nil {
		return err
	}
	version, ballast := 1, 0
	for _, target := range targets {
		size, err := g.fileSize()
		for ; err == nil && size < target; size, err = g.fileSize() {
			ballast++
			err = errors.Join(s.ctx.Err(), g.addBallast(ballast))
			if err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		next, err := g.saves(peer.Key, series, version, sampled)
		if err != nil {
			return err
		}
		version += sampled
		open, err := g.openTime(5)
		if err != nil {
			return err
		}
		p := peer.Idxdb{Store: g.store}
		load, err := timed(5, func() error { return p.Load(newTally()) })
		if err != nil {
			return err
		}
		if size, err = g.fileSize(); err != nil {
			return err
		}
		c.Points = append(c.Points, []float64{size, next.ms, next.written, open, load})
	}
	s.addCurve(c)
	return nil
}

// addBallast saves 50 MB that can hardly be compressed under a new key.
func (g *growing) addBallast(n int) error {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	raw := make([]byte, 37_500_000)
	for i := 0; i+8 <= len(raw); i += 8 {
		x := r.Uint64()
		for j := range 8 {
			raw[i+j] = byte(x >> (8 * j))
		}
	}
	state := append([]byte(`{"version":1,"blobs":["`), base64.StdEncoding.EncodeToString(raw)...)
	// A string of many megabytes is no index state: break it into paths.
	for i := 80; i+4 < len(state); i += 80 {
		copy(state[i:], `","`)
	}
	state = append(state, `"]}`...)
	_, err := g.store.Save(g.s.ctx, fmt.Sprintf("ballast/%d", n), idxdb.Documents{State: bytes.NewReader(state)}, idxdb.SaveOptions{})
	return err
}
