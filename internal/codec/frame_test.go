package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/idxdb/idxdb"
)

// successive returns chunks as packing meets them: contents of one place that
// differ little, with ids from many versions.
func successive(n int) (chunks []FrameChunk, content []byte) {
	for i := range n {
		raw := indexData(900, uint64(1+i/8))
		raw = append(raw[:len(raw)-i%7], byte('0'+i%8))
		chunks = append(chunks, FrameChunk{ID: int64(1000 + 37*(n-i)%211 + i), Size: len(raw)})
		content = append(content, raw...)
	}
	return chunks, content
}

func encodeFrame(t testing.TB, chunks []FrameChunk, content []byte) (int, []byte) {
	t.Helper()
	var e FrameEncoder
	size, data, err := e.Encode(chunks, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	return size, data
}

func TestFrameRoundTrip(t *testing.T) {
	long := make([]byte, MaxChunk)
	for name, test := range map[string]struct {
		chunks  []FrameChunk
		content []byte
	}{
		"one":     {[]FrameChunk{{1, 1}}, []byte("x")},
		"hugeID":  {[]FrameChunk{{1<<63 - 1, 2}, {1, 3}}, []byte("12345")},
		"longest": {[]FrameChunk{{7, MaxChunk}, {6, MaxChunk}}, append(long, long...)},
	} {
		t.Run(name, func(t *testing.T) { frameRoundTrip(t, test.chunks, test.content) })
	}
	t.Run("successive", func(t *testing.T) {
		chunks, content := successive(200)
		size, data := frameRoundTrip(t, chunks, content)
		if len(data) > size/15 {
			t.Errorf("successive contents of %d bytes take %d", size, len(data))
		}
	})
	t.Run("most", func(t *testing.T) {
		chunks := make([]FrameChunk, MaxFrameChunks)
		for i := range chunks {
			chunks[i] = FrameChunk{ID: int64(i + 1), Size: 1}
		}
		frameRoundTrip(t, chunks, make([]byte, MaxFrameChunks))
	})
}

func frameRoundTrip(t *testing.T, chunks []FrameChunk, content []byte) (int, []byte) {
	t.Helper()
	size, data := encodeFrame(t, chunks, content)
	var d FrameDecoder
	gotChunks, gotContent, err := d.Decode(int64(size), data, nil)
	if err != nil || !slices.Equal(gotChunks, chunks) || !bytes.Equal(gotContent, content) {
		t.Fatalf("a frame of %d chunks does not come back: %v", len(chunks), err)
	}
	return size, data
}

func TestFrameEncodeRefuses(t *testing.T) {
	var e FrameEncoder
	for name, test := range map[string]struct {
		chunks  []FrameChunk
		content int
	}{
		"nothing":  {nil, 0},
		"tooMany":  {make([]FrameChunk, MaxFrameChunks+1), MaxFrameChunks + 1},
		"noID":     {[]FrameChunk{{0, 1}}, 1},
		"negative": {[]FrameChunk{{-1, 1}}, 1},
		"empty":    {[]FrameChunk{{1, 0}}, 0},
		"tooLong":  {[]FrameChunk{{1, MaxChunk + 1}}, MaxChunk + 1},
		"short":    {[]FrameChunk{{1, 5}}, 4},
		"large":    {slices.Repeat([]FrameChunk{{1, MaxChunk}}, 16), 16 * MaxChunk},
	} {
		if _, _, err := e.Encode(test.chunks, make([]byte, test.content), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestFrameDamage flips every byte of a frame and cuts it everywhere.
func TestFrameDamage(t *testing.T) {
	chunks, content := successive(9)
	size, data := encodeFrame(t, chunks, content)
	var d FrameDecoder
	refused := func(what string, at int, size int64, data []byte) {
		t.Helper()
		if _, _, err := d.Decode(size, data, nil); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Fatalf("%s %d: %v", what, at, err)
		}
	}
	for i := range data {
		for _, flip := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(data)
			damaged[i] ^= flip
			got, raw, err := d.Decode(int64(size), damaged, nil)
			if err == nil && (!slices.Equal(got, chunks) || !bytes.Equal(raw, content)) {
				t.Fatalf("byte %d ^ %#x changes the content unnoticed", i, flip)
			}
			if err != nil && !errors.Is(err, idxdb.ErrCorrupt) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
		refused("cut at", i, int64(size), data[:i])
	}
	for _, wrong := range []int64{-1, 0, 1, int64(size) - 1, int64(size) + 1, MaxFrame + 1, 1 << 62} {
		refused("size", int(wrong), wrong, data)
	}
	refused("two frames", 0, int64(size), append(bytes.Clone(data), data...))
	refused("more bytes", 0, int64(size), append(bytes.Clone(data), 0))
}

// TestFrameHostile gives the decoder valid zstd frames of tables of contents that
// nobody wrote.
func TestFrameHostile(t *testing.T) {
	plain := func(numbers ...uint64) (b []byte) {
		for _, n := range numbers {
			b = binary.AppendUvarint(b, n)
		}
		return b
	}
	zeros := make([]byte, MaxFrame)
	for name, p := range map[string][]byte{
		"noChunks":    append(plain(0), zeros[:100]...),
		"manyChunks":  append(plain(MaxFrameChunks+1), zeros[:1<<17]...),
		"moreThanFit": plain(1<<60, 2, 1),
		"zeroID":      append(plain(1, 0, 1), 'x'),
		"negativeID":  append(plain(1, 1, 1), 'x'),
		"overflow":    append(plain(2, 1<<64-2, 1, 1<<64-2, 1), 'x', 'y'),
		"emptyChunk":  plain(1, 2, 0),
		"longChunk":   append(plain(1, 2, MaxChunk+1), zeros[:MaxChunk+1]...),
		"tooLittle":   append(plain(1, 2, 3), 'x', 'y'),
		"tooMuch":     append(plain(1, 2, 1), 'x', 'y'),
		"notShortest": {0x81, 0x00, 2, 1, 'x'},
		"unfinished":  {1, 2, 0x80},
	} {
		size, data := int64(len(p)), encodeZstd(t, p)
		if _, _, err := new(FrameDecoder).Decode(size, data, nil); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is not made as frames are made is refused, even if it decodes.
	good := append(plain(1, 2, 1), 'x')
	for name, data := range map[string][]byte{
		"noChecksum": encodeZstd(t, good, zstd.WithEncoderCRC(false)),
		"dictionary": encodeZstd(t, good, zstd.WithEncoderDictRaw(5, []byte("a dictionary of some bytes"))),
		"skippable":  {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0},
	} {
		if _, _, err := new(FrameDecoder).Decode(int64(len(good)), data, nil); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := new(FrameDecoder).Decode(int64(len(good)), encodeZstd(t, good), nil); err != nil {
		t.Errorf("the test's own frame: %v", err)
	}

	// A few bytes that say they are much cost what a frame costs, not more.
	bomb := encodeZstd(t, zeros)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, size := range []int64{MaxFrame, 100, 1 << 40} {
		if _, _, err := new(FrameDecoder).Decode(size, bomb, nil); err == nil {
			t.Errorf("a frame of zeros decodes")
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4*MaxFrame {
		t.Errorf("%d bytes decode with %d bytes of memory", len(bomb), n)
	}
}

func encodeZstd(t testing.TB, p []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	opts = append([]zstd.EOption{zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true)}, opts...)
	e, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return e.EncodeAll(p, nil)
}

// FuzzFrame gives the decoder any bytes, as a frame and as a frame's plain form.
func FuzzFrame(f *testing.F) {
	chunks, content := successive(3)
	size, data := encodeFrame(f, chunks, content)
	f.Add(int64(size), data)
	f.Add(int64(4), []byte{1, 2, 1, 'x'})
	d := new(FrameDecoder) // one for all: what one input leaves must not hurt the next
	var e FrameEncoder
	z, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<16))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, size int64, data []byte) {
		check := func(size int64, data []byte) {
			chunks, content, err := d.Decode(size, data, nil)
			if err != nil {
				if !errors.Is(err, idxdb.ErrCorrupt) {
					t.Errorf("error of another kind: %v", err)
				}
				return
			}
			total := 0
			for _, c := range chunks {
				total += c.Size
			}
			if total != len(content) || len(chunks) == 0 {
				t.Fatalf("%d chunks of %d bytes, with %d", len(chunks), total, len(content))
			}
			chunks, content = slices.Clone(chunks), bytes.Clone(content)
			n, again, err := e.Encode(chunks, content, nil)
			if err != nil {
				t.Fatalf("what was decoded is refused: %v", err)
			}
			gotChunks, gotContent, err := d.Decode(int64(n), again, nil)
			if err != nil || !slices.Equal(gotChunks, chunks) || !bytes.Equal(gotContent, content) {
				t.Fatalf("it does not come back: %v", err)
			}
		}
		check(size, data)
		if len(data) > 1 && len(data) < 1<<16 {
			check(int64(len(data)), z.EncodeAll(data, nil))
		}
	})
}

// TestFrameBase: a frame that is made with what replaced its chunks is smaller,
// and does not decode to anything with another base.
func TestFrameBase(t *testing.T) {
	base := indexData(200_000, 1)
	var chunks []FrameChunk
	var content []byte
	for i := range 40 {
		raw := bytes.Clone(base[i*5000 : i*5000+4000])
		copy(raw[2000:], "0123456789abcdef0123456789abcdef")
		raw[100+i] ^= 1
		chunks = append(chunks, FrameChunk{ID: int64(i + 1), Size: len(raw)})
		content = append(content, raw...)
	}
	var e FrameEncoder
	var d FrameDecoder
	_, without, err := e.Encode(chunks, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	alone := len(without)
	size, data, err := e.Encode(chunks, content, base)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > alone/10 {
		t.Errorf("%d bytes with a base, %d without", len(data), alone)
	}
	data = bytes.Clone(data)
	for _, b := range [][]byte{nil, base[1:], base[:len(base)-1], make([]byte, MaxFrame+1), append([]byte("x"), base[1:]...)} {
		got, raw, err := d.Decode(int64(size), data, b)
		if err == nil && (!slices.Equal(got, chunks) || !bytes.Equal(raw, content)) {
			t.Errorf("with another base of %d bytes it decodes to something else", len(b))
		}
		if err != nil && !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("with another base of %d bytes: %v", len(b), err)
		}
		if err == nil && len(b) != len(base) {
			t.Errorf("it decodes with another base of %d bytes", len(b))
		}
		// And the decoder is as good as before.
		got, raw, err = d.Decode(int64(size), data, base)
		if err != nil || !slices.Equal(got, chunks) || !bytes.Equal(raw, content) {
			t.Fatalf("it does not come back: %v", err)
		}
	}
	if _, data, err = e.Encode(chunks, content, nil); err != nil || len(data) != alone {
		t.Errorf("after that, a frame without base has %d bytes instead of %d: %v", len(data), alone, err)
	}
	if _, _, err := e.Encode(chunks, content, make([]byte, MaxFrame+1)); err == nil {
		t.Error("a base that is too long is taken")
	}
	// The longest base, and matches far back in it.
	long := append(bytes.Clone(base), make([]byte, MaxFrame-len(base))...)
	size, data, err = e.Encode(chunks, content, long)
	if err != nil {
		t.Fatal(err)
	}
	if _, raw, err := d.Decode(int64(size), data, long); err != nil || !bytes.Equal(raw, content) {
		t.Errorf("with the longest base: %v", err)
	}
}
