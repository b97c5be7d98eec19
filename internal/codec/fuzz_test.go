package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/idxdb/idxdb"
)

// FuzzDecode gives every decoder any data.
func FuzzDecode(f *testing.F) {
	e := NewEncoder()
	for _, raw := range [][]byte{
		[]byte("{}"), indexData(600, 1), vectorData(300, 1), bytes.Repeat([]byte("abc"), 50), bytes.Repeat([]byte{0}, 5000),
	} {
		for _, effort := range efforts {
			c, data := e.Encode(raw, effort)
			f.Add(byte(c), len(raw), data)
			f.Add(byte(c), len(raw)+1, data)
		}
	}
	f.Add(byte(6), 1, []byte{})
	d := NewDecoder() // one for all: what one input leaves must not hurt the next
	f.Fuzz(func(t *testing.T, c byte, rawLen int, data []byte) {
		checkDecode(t, d, Codec(c), rawLen, data)
		if c := Codec(c); c >= Raw && c <= HexZstd {
			return
		}
		if _, err := d.Decode(nil, Codec(c), rawLen, data); err == nil {
			t.Errorf("codec %d does not exist, and decodes", c)
		}
	})
}

// FuzzEncode encodes any chunk, and wants it back.
func FuzzEncode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, raw := range [][]byte{
		[]byte("{}"), indexData(600, 1), vectorData(300, 1), randomHex(r, 600), bytes.Repeat([]byte{escape}, 40), randomBytes(100, 1),
		append(randomHex(r, 17), "\x01\x00\x01\x08A"...),
	} {
		f.Add(raw)
	}
	tr := newTripper()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 || len(raw) > MaxChunk {
			return
		}
		tr.roundTrip(t, raw)
		checkPack(t, new(hexPacker), raw)
	})
}

// FuzzParseRuns gives the parser any manifest, with a right check and without.
func FuzzParseRuns(f *testing.F) {
	for _, ids := range [][]int64{nil, {1}, {1, 2, 3, 7, 5}, {1 << 62, 1}} {
		data := AppendManifest(nil, ids)
		f.Add(data[:len(data)-manifestCheck])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, _, err := ParseRuns(body); err != nil && !errors.Is(err, idxdb.ErrCorrupt) {
			t.Fatal(err)
		}
		data := sealed(body)
		runs, total, err := ParseRuns(data)
		if err != nil {
			if !errors.Is(err, idxdb.ErrCorrupt) || runs != nil {
				t.Fatalf("%d runs with error %v", len(runs), err)
			}
			return
		}
		sum := int64(0)
		for i, r := range runs {
			if r.First <= 0 || r.N <= 0 || r.First+r.N < 0 || i > 0 && r.First == runs[i-1].First+runs[i-1].N {
				t.Fatalf("run %d is %+v", i, r)
			}
			sum += r.N
		}
		if sum != total || total > MaxManifestChunks {
			t.Fatalf("%d chunks, the runs have %d", total, sum)
		}
		if again := AppendRuns(nil, runs); !bytes.Equal(again, data) {
			t.Fatalf("two manifests for the same runs: %x and %x", data, again)
		}
		if total > 1<<16 {
			return
		}
		ids, err := ParseManifest(data)
		if err != nil || !bytes.Equal(AppendManifest(nil, ids), data) {
			t.Fatalf("%x: %d ids, %v", data, len(ids), err)
		}
	})
}

// FuzzCut cuts any document, buffered in any way.
func FuzzCut(f *testing.F) {
	f.Add(indexData(5000, 1), byte(0), uint64(1))
	f.Add(randomBytes(20_000, 1), byte(2), uint64(2))
	f.Add(bytes.Repeat([]byte{0}, 5000), byte(0), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, log byte, seed uint64) {
		avg := minAverage << (log % 10)
		c := newChunker(t, avg)
		all := lengths(c, data)
		sum := 0
		for i, n := range all {
			if n < 1 || n > c.Max() || n < avg/4 && i < len(all)-1 {
				t.Fatalf("chunk %d of %d has %d bytes", i, len(all), n)
			}
			sum += n
		}
		if sum != len(data) {
			t.Fatalf("chunks of %d bytes make %d", len(data), sum)
		}
		r := rand.New(rand.NewPCG(seed, 0))
		if got := cutThrough(c, data, func() int { return r.IntN(avg * 2) }); !slices.Equal(got, all) {
			t.Fatalf("cut in pieces: %v, whole: %v", got, all)
		}
	})
}
