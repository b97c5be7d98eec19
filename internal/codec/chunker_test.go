package codec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func newChunker(t testing.TB, avg int) *Chunker {
	t.Helper()
	c, err := NewChunker(avg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lengths cuts data in one piece.
func lengths(c *Chunker, data []byte) (all []int) {
	for len(data) > 0 {
		n := c.Cut(data, true)
		all = append(all, n)
		data = data[n:]
	}
	return all
}

func TestNewChunkerRefuses(t *testing.T) {
	for _, avg := range []int{-4096, 0, 1, 256, 511, 513, 3000, 6 << 10, 512 << 10, 1 << 30} {
		if c, err := NewChunker(avg); err == nil || c != nil {
			t.Errorf("an average of %d was accepted", avg)
		}
	}
	for avg := 512; avg <= 256<<10; avg *= 2 {
		if c := newChunker(t, avg); c.Max() != 4*avg || c.Max() > MaxChunk {
			t.Errorf("average %d: the longest chunk is %d", avg, c.Max())
		}
	}
}

func TestAverageFor(t *testing.T) {
	for _, tt := range []struct {
		size int64
		avg  int
	}{
		{-1, 64 << 10}, {0, 1 << 10}, {1, 1 << 10}, {2 << 20, 1 << 10}, {2<<20 + 1, 2 << 10}, {4 << 20, 2 << 10},
		{5_500_000, 4 << 10}, {20_000_000, 16 << 10}, {64 << 20, 32 << 10}, {64<<20 + 1, 64 << 10},
		{200_000_000, 64 << 10}, {1 << 40, 64 << 10}, {1<<63 - 1, 64 << 10},
	} {
		if avg := AverageFor(tt.size); avg != tt.avg {
			t.Errorf("AverageFor(%d) = %d, want %d", tt.size, avg, tt.avg)
		}
		newChunker(t, AverageFor(tt.size))
	}
}

func TestChunkSizes(t *testing.T) {
	for name, data := range map[string][]byte{
		"random": randomBytes(4<<20, 1), "index": indexData(4<<20, 1), "vectors": vectorData(4<<20, 1),
	} {
		for avg := 512; avg <= 64<<10; avg *= 2 {
			all := lengths(newChunker(t, avg), data)
			for i, n := range all {
				if n > 4*avg || n < avg/4 && i < len(all)-1 {
					t.Fatalf("%s, average %d: chunk %d of %d has %d bytes", name, avg, i, len(all), n)
				}
			}
			if mean := len(data) / len(all); mean < avg*3/4 || mean > avg*3/2 {
				t.Errorf("%s, average %d: the mean is %d", name, avg, mean)
			}
		}
	}
	// A document of one byte value has no content to go by: its chunks are alike.
	all := lengths(newChunker(t, 1024), bytes.Repeat([]byte(" "), 64<<10))
	for i, n := range all[:len(all)-1] {
		if n != all[0] {
			t.Errorf("chunk %d of spaces has %d bytes, the first %d", i, n, all[0])
		}
	}
}

// slowCut is the definition of a boundary, one byte at a time.
func slowCut(c *Chunker, b []byte) int {
	for i := c.min; i < len(b) && i < c.max; i++ {
		var h uint64
		for _, x := range b[max(c.min-window, i+1-2*window) : i+1] {
			h = h<<1 + gear[x]
		}
		if i < c.avg && h < c.early || i >= c.avg && h < c.late {
			return i + 1
		}
	}
	return min(len(b), c.max)
}

func TestCutIsByDefinition(t *testing.T) {
	data := indexData(300<<10, 5)
	for _, avg := range []int{512, 1024, 4096} {
		c := newChunker(t, avg)
		for b := data; len(b) > 0; {
			n := c.Cut(b, true)
			if want := slowCut(c, b); n != want {
				t.Fatalf("average %d, at %d: cut after %d bytes, want %d", avg, len(data)-len(b), n, want)
			}
			b = b[n:]
		}
	}
}

func TestCutNeedsMore(t *testing.T) {
	c := newChunker(t, 512)
	data := indexData(8<<10, 1)
	want := c.Cut(data, false)
	for n := range data {
		got := c.Cut(data[:n], false)
		if n < want && got != 0 || n >= want && got != want {
			t.Fatalf("with %d bytes of more: %d, want a cut after %d", n, got, want)
		}
		if n > 0 && n < want && c.Cut(data[:n], true) != n {
			t.Fatalf("the last %d bytes are not one chunk", n)
		}
	}
	if n := c.Cut(nil, true); n != 0 {
		t.Errorf("an empty document has a chunk of %d bytes", n)
	}
	// Without a boundary, only Max bytes or the end are enough.
	flat := make([]byte, c.Max()+100)
	if c.Cut(flat, false) == 0 || c.Cut(flat[:c.Max()], false) == 0 {
		t.Error("Max bytes do not hold a chunk")
	}
}

// cutThrough cuts data as it comes out of a buffer that is refilled with what
// next says, and returns the lengths.
func cutThrough(c *Chunker, data []byte, next func() int) (all []int) {
	var buf []byte
	for len(data) > 0 || len(buf) > 0 {
		n := c.Cut(buf, len(data) == 0)
		if n == 0 {
			more := min(len(data), max(1, next()))
			buf, data = append(buf, data[:more]...), data[more:]
			continue
		}
		all, buf = append(all, n), buf[n:]
	}
	return all
}

func TestBufferingDoesNotMatter(t *testing.T) {
	data := indexData(200<<10, 9)
	r := rand.New(rand.NewPCG(1, 2))
	for _, avg := range []int{512, 4096, 65536} {
		c := newChunker(t, avg)
		want := lengths(c, data)
		for name, next := range map[string]func() int{
			"64 KiB": func() int { return 64 << 10 },
			"a page": func() int { return 4096 },
			"odd":    func() int { return 997 },
			"random": func() int { return r.IntN(3000) },
		} {
			if got := cutThrough(c, data, next); !slices.Equal(got, want) {
				t.Errorf("average %d, buffered by %s: other boundaries", avg, name)
			}
		}
	}
}

// What chunking is for: a small change costs a small number of new chunks,
// wherever it is and whatever it does to the length.
func TestChangesStayLocal(t *testing.T) {
	const avg = 1024
	c := newChunker(t, avg)
	data := indexData(1<<20, 11)
	hashes := func(b []byte) map[Hash]bool {
		seen := map[Hash]bool{}
		for len(b) > 0 {
			n := c.Cut(b, true)
			seen[Sum(b[:n])] = true
			b = b[n:]
		}
		return seen
	}
	old := hashes(data)
	r := rand.New(rand.NewPCG(5, 6))
	total := 0
	for range 100 {
		at := r.IntN(len(data) - 100)
		changed := bytes.Clone(data[:at])
		switch r.IntN(3) {
		case 0: // another byte
			changed = append(append(changed, '!'), data[at+1:]...)
		case 1: // something more
			changed = append(append(changed, indexData(1+r.IntN(200), 99)...), data[at:]...)
		case 2: // something less
			changed = append(changed, data[at+1+r.IntN(99):]...)
		}
		for h := range hashes(changed) {
			if !old[h] {
				total++
			}
		}
	}
	if total > 250 { // 100 changes, most within one chunk
		t.Errorf("100 changes made %d new chunks", total)
	}
}
