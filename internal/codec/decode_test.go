package codec

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

func TestDecodeRefuses(t *testing.T) {
	const hash = "0123456789abcdef"
	side := "\x01\x23\x45\x67\x89\xab\xcd\xef"
	for _, tt := range []struct {
		name   string
		c      Codec
		rawLen int
		data   string
	}{
		{"codec 0", 0, 2, "{"},
		{"codec 6", 6, 2, "{"},
		{"codec 255", 255, 2, "{"},
		{"length 0", Raw, 0, ""},
		{"length -1", LZ4, -1, ""},
		{"length above MaxChunk", Raw, MaxChunk + 1, strings.Repeat("x", MaxChunk+1)},
		{"raw too short", Raw, 2, "{"},
		{"raw too long", Raw, 2, "{}}"},
		{"raw empty", Raw, 1, ""},
		{"lz4 not smaller", LZ4, 2, "{}"},
		{"lz4 empty", LZ4, 4, ""},
		{"lz4 claims too much", LZ4, MaxChunk, "\x1fa\x01\x00\xff\xff\x50aaaaa"},
		{"lz4 gives less", LZ4, 40, "\x1fa\x01\x00\x07\x50aaaaa"},
		{"lz4 gives more", LZ4, 20, "\x1fa\x01\x00\x07\x50aaaaa"},
		{"lz4 offset before the start", LZ4, 32, "\x1fa\x02\x00\x07\x50aaaaa"},
		{"lz4 offset 0", LZ4, 32, "\x1fa\x00\x00\x07\x50aaaaa"},
		{"lz4 cut", LZ4, 32, "\x1fa\x01\x00\x07\x50aaaa"},
		{"hex empty", HexLZ4, 32, ""},
		{"hex one length", HexLZ4, 32, "\x02"},
		{"hex endless length", HexLZ4, 32, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"},
		{"hex length in too many bytes", HexLZ4, 16, "\x82\x00\x08" + side + "\x01\x08"},
		{"hex text as long as the chunk", HexLZ4, 16, "\x10\x00" + "0123456789abc"},
		{"hex text of 2^63 bytes", HexLZ4, 16, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00"},
		{"hex side longer than the data", HexLZ4, 16, "\x02\x0b" + side + "\x01\x08"},
		{"hex side of 2^63 bytes", HexLZ4, 16, "\x02\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
		{"hex text missing", HexLZ4, 16, "\x02\x08" + side},
		{"hex text empty", HexLZ4, 16, "\x00\x00"},
		{"hex text of no bytes from some", HexLZ4, 5018, "\x00\x00" + strings.Repeat("0", 18)},
		{"hex text cut", HexLZ4, 16, "\x02\x08" + side + "\x01"},
		{"hex ends in an escape", HexLZ4, 17, "\x03\x08" + side + "\x01\x08\x01"},
		{"hex count 1", HexLZ4, 17, "\x02\x08" + side + "\x01\x01"},
		{"hex count 7", HexLZ4, 16, "\x02\x08" + side + "\x01\x07"},
		{"hex count beyond the side", HexLZ4, 18, "\x02\x08" + side + "\x01\x09"},
		{"hex count beyond the chunk", HexLZ4, 15, "\x02\x08" + side + "\x01\x08"},
		{"hex escape beyond the chunk", HexLZ4, 16, "\x04\x08" + side + "\x01\x08\x01\x00"},
		{"hex text beyond the chunk", HexLZ4, 16, "\x03\x08" + side + "\x01\x08x"},
		{"hex chunk too short", HexLZ4, 17, "\x02\x08" + side + "\x01\x08"},
		{"hex side left over", HexLZ4, 17, "\x02\x09" + side + "\x00\x01\x08"},
		{"hex zstd damaged", HexZstd, 32, "\x03\x08" + side + "\x00\x00"},
		{"zstd empty", Zstd, 4, ""},
		{"zstd cut in a header", Zstd, 32, "\x03\x01"},
		{"zstd cut in a block", Zstd, 32, "\x03\x01\x00"},
		{"zstd without a last block", Zstd, 32, "\x02\x01\x00a"},
		{"zstd with more behind it", Zstd, 32, "\x03\x01\x00aa"},
		{"zstd with another frame behind it", Zstd, 64, "\x03\x01\x00a" + zstdHeader + "\x03\x01\x00a"},
		{"zstd with a skippable frame behind it", Zstd, 32, "\x03\x01\x00a\x50\x2a\x4d\x18\x00\x00\x00\x00"},
		{"zstd gives less", Zstd, 33, "\x03\x01\x00a"},
		{"zstd gives more", Zstd, 31, "\x03\x01\x00a"},
		{"zstd gives more in a second block", Zstd, 40, "\x02\x01\x00a\x03\x01\x00a"},
		{"zstd stored block gives more", Zstd, 5, "\x21\x00\x00abcd"},
		{"zstd reserved block", Zstd, 32, "\x07\x00\x00"},
		{"zstd with a header", Zstd, 32, zstdHeader + "\x03\x01\x00a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const before = "before"
			got, err := NewDecoder().Decode([]byte(before), tt.c, tt.rawLen, []byte(tt.data))
			if !errors.Is(err, idxdb.ErrCorrupt) {
				t.Fatalf("error %v, want one that matches idxdb.ErrCorrupt", err)
			}
			if string(got) != before {
				t.Errorf("dst came back as %q", got)
			}
		})
	}
	// What the cases above are made from is itself good.
	for _, good := range []struct {
		c    Codec
		raw  string
		data string
	}{
		{LZ4, strings.Repeat("a", 32), "\x1fa\x01\x00\x07\x50aaaaa"},
		{HexLZ4, hash, "\x02\x08" + side + "\x01\x08"},
		{HexZstd, hash, "\x02\x08" + side + "\x01\x08"},
		{Zstd, strings.Repeat("a", 32), "\x03\x01\x00a"},
	} {
		got, err := NewDecoder().Decode(nil, good.c, len(good.raw), []byte(good.data))
		if err != nil || string(got) != good.raw {
			t.Errorf("%s: %q, %v", good.c, got, err)
		}
	}
}

// Every flipped bit and every cut is an error or gives another chunk, which the
// hash finds; never a panic, never another length.
func TestDecodeDamaged(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	for _, raw := range [][]byte{indexData(1500, 3), []byte(strings.Repeat("abcdefg ", 60))} {
		for _, effort := range efforts {
			c, data := e.Encode(raw, effort)
			data = bytes.Clone(data)
			for i := range data {
				for bit := range 8 {
					data[i] ^= 1 << bit
					checkDecode(t, d, c, len(raw), data)
					data[i] ^= 1 << bit
				}
				if _, err := d.Decode(nil, c, len(raw), data[:i]); !errors.Is(err, idxdb.ErrCorrupt) {
					t.Fatalf("%s, first %d of %d bytes: error %v", c, i, len(data), err)
				}
				for _, n := range []int{len(raw) - 1, len(raw) + 1} {
					if _, err := d.Decode(nil, c, n, data); !errors.Is(err, idxdb.ErrCorrupt) {
						t.Fatalf("%s, length %d instead of %d: error %v", c, n, len(raw), err)
					}
				}
			}
		}
	}
}

// checkDecode fails unless Decode keeps what it promises of any data.
func checkDecode(t *testing.T, d *Decoder, c Codec, rawLen int, data []byte) {
	t.Helper()
	guard := []byte("not to be touched")
	room := 0
	if rawLen > 0 && rawLen <= MaxChunk {
		room = rawLen
	}
	buf := append(make([]byte, room, room+len(guard)), guard...)
	got, err := d.Decode(buf[:0:room], c, rawLen, data)
	switch {
	case err == nil && len(got) != rawLen:
		t.Fatalf("%s: %d bytes instead of %d", c, len(got), rawLen)
	case err == nil && &got[0] != &buf[0]:
		t.Fatalf("%s: the room in dst was not used", c)
	case err != nil && (len(got) != 0 || !errors.Is(err, idxdb.ErrCorrupt)):
		t.Fatalf("%s: %d bytes with error %v", c, len(got), err)
	case !bytes.Equal(buf[room:], guard):
		t.Fatalf("%s: wrote beyond its room", c)
	}
}

func TestDecodeAllocatesLittle(t *testing.T) {
	var m runtime.MemStats
	for _, tt := range []struct {
		c      Codec
		rawLen int
		data   string
		most   uint64
	}{
		{LZ4, MaxChunk, "\x1fa\x01\x00\xff\xff\x50aaaaa", 16 << 10},
		{HexLZ4, MaxChunk, "\xff\xff\x3f\x00\x1fa\x01\x00\xff\xff\x50aaaaa", 16 << 10},
		{HexZstd, 1000, "\xe0\x07\x00\x03\xff\xff\xff", 128 << 10},
		{Zstd, 1000, "\x03\xff\xff\xff", 128 << 10},
		{Raw, MaxChunk, "x", 16 << 10},
	} {
		d := NewDecoder()
		d.Decode(nil, Zstd, 32, []byte("\x03\x01\x00a")) // its tables, once
		runtime.ReadMemStats(&m)
		before := m.TotalAlloc
		_, err := d.Decode(nil, tt.c, tt.rawLen, []byte(tt.data))
		runtime.ReadMemStats(&m)
		if err == nil || m.TotalAlloc-before > tt.most {
			t.Errorf("%s of %d bytes: error %v, %d bytes allocated, want at most %d", tt.c, tt.rawLen, err, m.TotalAlloc-before, tt.most)
		}
	}
}
