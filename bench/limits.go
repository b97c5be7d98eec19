package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/idxdb/idxdb/bench/internal/measure"
	"github.com/idxdb/idxdb/bench/internal/report"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/jsonscan"
	"github.com/pierrec/lz4/v4"
)

// limits measures what the machine can do, and how close the stages of saving
// and loading come, one core each unless the name says otherwise.
func (s *suite) limits() error {
	v, err := data.NewIndex("stages", 32*data.MB, 1, 0, 1).Version(0)
	if err != nil {
		return err
	}
	text := v.State
	other := make([]byte, 256<<20) // more than any cache
	memcpy := s.speed(len(other)/2, func() { copy(other[len(other)/2:], other) })
	cached := s.speed(len(text), func() {
		const piece = 64 << 10
		for i := 0; i+piece <= len(text); i += piece {
			copy(other[:piece], text[:piece])
		}
	})
	hash := s.speed(len(text), func() { sha256.Sum256(text) })
	all := s.speed(len(text)*runtime.GOMAXPROCS(0), func() { onAllCores(func() { sha256.Sum256(text) }) })
	block := make([]byte, lz4.CompressBlockBound(len(text)))
	packed := 0
	lz4Encode := s.speed(len(text), func() { packed, _ = lz4.CompressBlock(text, block, nil) })
	lz4Decode := s.speed(len(text), func() { lz4.UncompressBlock(block[:packed], other[:len(text)]) })
	s.limit("memcpy, from memory to memory", memcpy, "", 0)
	s.limit("memcpy, in the cache", cached, "", 0)
	s.limit("sha256", hash, "", 0)
	s.limit(fmt.Sprintf("sha256, %d cores", runtime.GOMAXPROCS(0)), all, "", 0)
	s.limit("lz4 compress, one block", lz4Encode, "", 0)
	s.limit("lz4 decompress, one block", lz4Decode, "memcpy", memcpy)

	if err := s.stages(text, hash, lz4Encode, lz4Decode); err != nil {
		return err
	}
	return s.diskLimits(text)
}

func (s *suite) stages(text []byte, hash, lz4Encode, lz4Decode float64) error {
	average := codec.AverageFor(s.largeSize())
	chunker, err := codec.NewChunker(average)
	if err != nil {
		return err
	}
	var chunks [][]byte
	s.limit("validate JSON", s.speed(len(text), func() {
		var sc jsonscan.Scanner
		sc.Write(text)
		sc.Close()
	}), "sha256", hash)
	s.limit("cut", s.speed(len(text), func() {
		chunks = chunks[:0]
		for rest := text; len(rest) > 0; {
			n := chunker.Cut(rest, true)
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
	}), "sha256", hash)
	s.limit("hash chunks", s.speed(len(text), func() {
		for _, c := range chunks {
			codec.Sum(c)
		}
	}), "sha256", hash)
	type stored struct {
		codec codec.Codec
		raw   int
		data  []byte
	}
	for _, effort := range []struct {
		name string
		codec.Effort
	}{{"fast", codec.Fast}, {"small", codec.Small}} {
		var kept []stored
		enc := codec.NewEncoder()
		size := 0
		speed := s.speed(len(text), func() {
			kept, size = kept[:0], 0
			for _, c := range chunks {
				number, b := enc.Encode(c, effort.Effort)
				kept = append(kept, stored{number, len(c), append([]byte(nil), b...)})
				size += len(b)
			}
		})
		s.limit(fmt.Sprintf("compress chunks, %s (%s : 1)", effort.name, report.Number(float64(len(text))/float64(size))), speed, "lz4 compress", lz4Encode)
		dec := codec.NewDecoder()
		buf := make([]byte, 0, codec.MaxChunk)
		var failed error
		speed = s.speed(len(text), func() {
			for _, c := range kept {
				if _, err := dec.Decode(buf, c.codec, c.raw, c.data); err != nil {
					failed = err
				}
			}
		})
		if failed != nil {
			return failed
		}
		s.limit("decompress chunks, "+effort.name, speed, "lz4 decompress", lz4Decode)
	}
	return nil
}

func (s *suite) diskLimits(text []byte) error {
	dir, err := s.temp("limits")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var writes []float64
	for i := range 5 {
		measure.Settle()
		start := time.Now()
		if err := writeSynced(filepath.Join(dir, fmt.Sprint(i)), text); err != nil {
			return err
		}
		writes = append(writes, float64(len(text))/data.MB/time.Since(start).Seconds())
	}
	s.limit("write and fsync, new blocks", measure.Median(writes), "", 0)
	s.limit("read from the page cache", s.speed(len(text), func() {
		f, err := os.Open(filepath.Join(dir, "0"))
		if err != nil {
			return
		}
		defer f.Close()
		io.Copy(io.Discard, struct{ io.Reader }{f})
	}), "", 0)
	syncs, err := fsyncTimes(filepath.Join(dir, "log"), 200)
	if err != nil {
		return err
	}
	add := func(stage string, ms float64) {
		s.report.Limits = append(s.report.Limits, report.Limit{Stage: stage, Speed: ms, Unit: "ms"})
	}
	add("append 4 KiB and fsync, median", measure.Quantile(syncs, 0.5))
	add("append 4 KiB and fsync, 99 of 100", measure.Quantile(syncs, 0.99))

	program, err := s.program()
	if err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		argv []string
	}{{"start a process (true)", []string{"true"}}, {"start idxdb (idxdb version)", []string{program, "version"}}} {
		var times []float64
		for range 11 {
			start := time.Now()
			if err := exec.CommandContext(s.ctx, p.argv[0], p.argv[1:]...).Run(); err != nil {
				return err
			}
			times = append(times, float64(time.Since(start))/float64(time.Millisecond))
		}
		add(p.name, measure.Median(times))
	}
	return nil
}

// fsyncTimes appends to a file as a log does, and returns the milliseconds of
// each append.
func fsyncTimes(path string, n int) (times []float64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	page := make([]byte, 4096)
	for range n {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		times = append(times, float64(time.Since(start))/float64(time.Millisecond))
	}
	return times, f.Close()
}

func writeSynced(path string, b []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// speed returns how many MB of n bytes a second f goes through: the best of some
// runs, for a limit is what is possible.
func (s *suite) speed(n int, f func()) (best float64) {
	f()
	for range s.rounds(15, 5) {
		start := time.Now()
		f()
		best = max(best, float64(n)/data.MB/time.Since(start).Seconds())
	}
	return best
}

func (s *suite) limit(stage string, speed float64, of string, bound float64) {
	s.report.Limits = append(s.report.Limits, report.Limit{Stage: stage, Speed: speed, Unit: "MB/s", Of: of, Bound: bound})
}

func onAllCores(f func()) {
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(f)
	}
	wg.Wait()
}
