package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

var efforts = []Effort{Fast, Small}

// A tripper takes chunks there and back.
type tripper struct {
	e *Encoder
	d *Decoder
}

func newTripper() tripper { return tripper{NewEncoder(), NewDecoder()} }

// roundTrip encodes raw with both efforts, fails unless it comes back, and
// returns the codecs used.
func (tr tripper) roundTrip(t *testing.T, raw []byte) (used []Codec) {
	t.Helper()
	e, d := tr.e, tr.d
	for _, effort := range efforts {
		c, data := e.Encode(raw, effort)
		if len(data) > len(raw) || len(data) == len(raw) && c != Raw {
			t.Fatalf("%s: %d bytes became %d", c, len(raw), len(data))
		}
		const before = "before"
		got, err := d.Decode([]byte(before), c, len(raw), data)
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if string(got) != before+string(raw) {
			t.Fatalf("%s: %d bytes came back changed", c, len(raw))
		}
		used = append(used, c)
	}
	return used
}

func TestEveryLengthComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tr := newTripper()
	index := indexData(MaxChunk, 1)
	lengths := []int{4095, 4096, 65535, 65536, 65537, 128 << 10, 128<<10 + 1, 300_000, MaxChunk}
	for n := 1; n < 1200; n++ {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		tr.roundTrip(t, index[:n])
		tr.roundTrip(t, index[MaxChunk-n:])
		if n < 1200 || n == MaxChunk {
			tr.roundTrip(t, randomBytes(n, 1))
			tr.roundTrip(t, randomHex(r, n))
			tr.roundTrip(t, bytes.Repeat([]byte{escape}, n))
			tr.roundTrip(t, bytes.Repeat([]byte("A"), n))
		}
	}
}

func TestOddContentComesBack(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	hash := strings.Repeat("0123456789abcdef", 4)
	for name, raw := range map[string]string{
		"all byte values":          string(all),
		"all byte values and hex":  string(all) + hash + string(all),
		"escapes around hex":       "\x01" + hash + "\x01\x01" + hash + "\x01",
		"escape and zero":          "\x01\x00" + hash + "\x01\x00",
		"escape and count":         hash + "\x01\x08\x01\x20\x01\xff",
		"upper case":               strings.ToUpper(hash) + strings.ToUpper(hash),
		"upper case beside hex":    "ABCDEF" + hash + "ABCDEF",
		"bytes beside the digits":  "/" + hash + ":" + hash + "`" + hash + "g",
		"digits with the top bit":  strings.Repeat("\xb0\xb1\xe1\xe6", 16) + hash,
		"escapes and nothing else": strings.Repeat("\x01", 100),
	} {
		t.Run(name, func(t *testing.T) { newTripper().roundTrip(t, []byte(raw)) })
	}
}

func TestEncoderPicks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name        string
		raw         []byte
		fast, small Codec
	}{
		{"index state", indexData(65536, 1), HexLZ4, HexZstd},
		{"small piece of one", indexData(1024, 1), HexLZ4, HexZstd},
		{"text", []byte(strings.Repeat("two roads diverged in a wood, ", 40)), LZ4, Zstd},
		{"random", randomBytes(4096, 1), Raw, Raw},
		{"one byte", []byte("{"), Raw, Raw},
		{"only digits", randomHex(r, 4096), HexLZ4, HexZstd},
		{"decimal fractions", vectorData(4096, 1), HexLZ4, Zstd},
		{"one hash many times", bytes.Repeat([]byte("\"5615f2e07fabc99dcd459b4e75f0fca0\", "), 100), LZ4, Zstd},
		{"zeros", bytes.Repeat([]byte("0"), 4096), LZ4, Zstd},
		{"hex that escapes make longer", append(bytes.Repeat([]byte{escape, 0xff}, 40), "0123456789abcdef"...), LZ4, Zstd},
	} {
		t.Run(tt.name, func(t *testing.T) {
			used := newTripper().roundTrip(t, tt.raw)
			if used[0] != tt.fast || used[1] != tt.small {
				t.Errorf("picked %v, want [%s %s]", used, tt.fast, tt.small)
			}
		})
	}
}

// The figures that chunk sizes and the format were chosen by. The bounds leave
// room for other versions of the libraries, not for a lost codec.
func TestRatios(t *testing.T) {
	raw := indexData(1<<20, 7)
	for _, tt := range []struct {
		size   int
		effort Effort
		ratio  float64
	}{
		{65536, Fast, 3.2}, {65536, Small, 3.4}, {4096, Fast, 2.6}, {4096, Small, 2.9}, {1024, Fast, 2.0}, {1024, Small, 2.2},
	} {
		e, sum := NewEncoder(), 0
		for b := raw; len(b) > 0; b = b[tt.size:] {
			_, data := e.Encode(b[:tt.size], tt.effort)
			sum += len(data)
		}
		if ratio := float64(len(raw)) / float64(sum); ratio < tt.ratio {
			t.Errorf("chunks of %d, effort %d: ratio %.2f, want %.1f", tt.size, tt.effort, ratio, tt.ratio)
		}
	}
}

func TestEncoderAndDecoderAreReusable(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	var buf []byte
	for i, n := range []int{100_000, 10, 5000, 1, MaxChunk, 333} {
		for _, effort := range efforts {
			for _, raw := range [][]byte{indexData(n, uint64(i)), randomBytes(n, uint64(i))} {
				c, data := e.Encode(raw, effort)
				var err error
				if buf, err = d.Decode(buf[:0], c, n, data); err != nil || !bytes.Equal(buf, raw) {
					t.Fatalf("%d bytes, %s: changed, %v", n, c, err)
				}
				// A failure must not spoil the next call.
				if _, err := d.Decode(nil, c, n, data[:len(data)/2]); err == nil {
					t.Fatalf("%d bytes, %s: half of the data was accepted", n, c)
				}
			}
		}
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector a sync.Pool forgets at random, and the zstd decoder's buffers are in one")
	}
	raw := indexData(65536, 1)
	e, d := NewEncoder(), NewDecoder()
	for _, effort := range efforts {
		var c Codec
		var data []byte
		for range 3 {
			e.Encode(raw, effort) // the buffers grow to their size
		}
		if n := testing.AllocsPerRun(50, func() { c, data = e.Encode(raw, effort) }); n > 0 {
			t.Errorf("Encode, effort %d: %v allocations", effort, n)
		}
		buf := make([]byte, 0, len(raw))
		if n := testing.AllocsPerRun(50, func() { d.Decode(buf, c, len(raw), data) }); n > 0 {
			t.Errorf("Decode, %s: %v allocations", c, n)
		}
	}
}

func TestCodecNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []Codec{Raw, LZ4, HexLZ4, Zstd, HexZstd, 0, 6} {
		if s := c.String(); s == "" || seen[s] {
			t.Errorf("codec %d is called %q", uint8(c), s)
		} else {
			seen[s] = true
		}
	}
}

func TestDamageMatchesCorrupt(t *testing.T) {
	cause := errors.New("cause")
	err := error(&damage{text: "text", cause: cause})
	if !errors.Is(err, idxdb.ErrCorrupt) || !errors.Is(err, cause) || err.Error() != "text: cause" {
		t.Errorf("%v does not match its causes", err)
	}
	if err := damaged("n is %d", 1); !errors.Is(err, idxdb.ErrCorrupt) || err.Error() != "n is 1" {
		t.Errorf("%v does not match idxdb.ErrCorrupt", err)
	}
}
