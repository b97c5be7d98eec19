package codec

import (
	"fmt"
	"testing"
)

// Sizes of chunks that are measured: of a small document, of babel's, of a large
// one.
var benchSizes = []int{1 << 10, 4 << 10, 64 << 10}

func cutAll(b *testing.B, data []byte, avg int) (chunks [][]byte) {
	c, err := NewChunker(avg)
	if err != nil {
		b.Fatal(err)
	}
	for len(data) > 0 {
		n := c.Cut(data, true)
		chunks = append(chunks, data[:n])
		data = data[n:]
	}
	return chunks
}

func BenchmarkCut(b *testing.B) {
	data := indexData(8<<20, 1)
	for _, avg := range benchSizes {
		b.Run(fmt.Sprintf("avg=%d", avg), func(b *testing.B) {
			c, err := NewChunker(avg)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				for rest := data; len(rest) > 0; {
					rest = rest[c.Cut(rest, true):]
				}
			}
		})
	}
}

func BenchmarkSum(b *testing.B) {
	for _, avg := range benchSizes {
		data := indexData(avg, 1)
		b.Run(fmt.Sprintf("size=%d", avg), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				Sum(data)
			}
		})
	}
}

func BenchmarkHexPack(b *testing.B) {
	data := indexData(64<<10, 1)
	var p hexPacker
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		p.pack(data)
	}
}

// eachCodec runs f for each kind of data, chunk size and effort.
func eachCodec(b *testing.B, f func(b *testing.B, chunks [][]byte, effort Effort)) {
	kinds := []struct {
		name string
		data []byte
	}{{"index", indexData(2<<20, 1)}, {"vectors", vectorData(2<<20, 1)}, {"random", randomBytes(2<<20, 1)}}
	for _, kind := range kinds {
		for _, avg := range benchSizes {
			chunks := cutAll(b, kind.data, avg)
			for i, effort := range []string{"fast", "small"} {
				b.Run(fmt.Sprintf("data=%s/avg=%d/effort=%s", kind.name, avg, effort), func(b *testing.B) {
					b.SetBytes(int64(len(kind.data)))
					f(b, chunks, efforts[i])
				})
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	eachCodec(b, func(b *testing.B, chunks [][]byte, effort Effort) {
		e, raw, stored := NewEncoder(), 0, 0
		for b.Loop() {
			for _, chunk := range chunks {
				_, data := e.Encode(chunk, effort)
				raw, stored = raw+len(chunk), stored+len(data)
			}
		}
		b.ReportMetric(float64(raw)/float64(stored), "ratio")
	})
}

func BenchmarkDecode(b *testing.B) {
	type stored struct {
		c      Codec
		rawLen int
		data   []byte
	}
	eachCodec(b, func(b *testing.B, chunks [][]byte, effort Effort) {
		e, d := NewEncoder(), NewDecoder()
		var all []stored
		for _, chunk := range chunks {
			c, data := e.Encode(chunk, effort)
			all = append(all, stored{c, len(chunk), append([]byte(nil), data...)})
		}
		buf := make([]byte, 0, MaxChunk)
		for b.Loop() {
			for _, s := range all {
				if _, err := d.Decode(buf, s.c, s.rawLen, s.data); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkManifest(b *testing.B) {
	var runs []Run
	for id := range int64(2000) {
		runs = append(runs, Run{First: 1 + id*7919%100_000*100, N: 1 + id%5})
	}
	data := AppendRuns(nil, runs)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, _, err := ParseRuns(data); err != nil {
			b.Fatal(err)
		}
	}
}
