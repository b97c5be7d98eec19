package codec

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

var (
	runs    = regexp.MustCompile(`[0-9a-f]{16,}`)
	escapes = strings.NewReplacer("\x01", "\x01\x00")
)

// slowPack is hex packing written for the reader, not for speed.
func slowPack(raw []byte) (text, side []byte) {
	from := 0
	for _, run := range runs.FindAllIndex(raw, -1) {
		text = append(text, escapes.Replace(string(raw[from:run[0]]))...)
		i, end := run[0], run[1]
		for end-i >= 16 {
			n := min((end-i)/2, 255)
			text = append(text, 1, byte(n))
			side, _ = hex.AppendDecode(side, raw[i:i+2*n]) // they are digits
			i += 2 * n
		}
		text = append(text, raw[i:end]...)
		from = end
	}
	return append(text, escapes.Replace(string(raw[from:]))...), side
}

// checkPack fails unless pack does what slowPack does, and unpackHex undoes it.
func checkPack(t *testing.T, p *hexPacker, raw []byte) {
	t.Helper()
	text, side := slowPack(raw)
	if p.pack(raw) != (len(text)+len(side) < len(raw)) {
		t.Fatalf("%.100q: pack says that %d+%d bytes are shorter: %v", raw, len(text), len(side), p.pack(raw))
	}
	if len(side) == 0 {
		return // pack stops at once, and its buffers mean nothing
	}
	if !bytes.Equal(p.text, text) || !bytes.Equal(p.side, side) {
		t.Fatalf("%.100q: packed as %q and %x, want %q and %x", raw, p.text, p.side, text, side)
	}
	got, err := unpackHex([]byte("before"), len(raw), text, side)
	if err != nil || string(got) != "before"+string(raw) {
		t.Fatalf("%.100q: came back as %.100q, %v", raw, got, err)
	}
}

func TestRunLengths(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var p hexPacker
	for n := range 1100 {
		run := string(randomHex(r, n))
		for _, around := range []struct{ before, after string }{
			{"", ""}, {"\"", "\""}, {"\x01", "\x01"}, {"g", "G"}, {"A", "\x00"}, {strings.Repeat("xyz", 9), ""}, {"", strings.Repeat("-", 40)},
		} {
			checkPack(t, &p, []byte(around.before+run+around.after))
		}
	}
}

func TestTokens(t *testing.T) {
	var p hexPacker
	for _, tt := range []struct {
		digits int
		text   string
	}{
		{15, ""},
		{16, "\x01\x08"},
		{17, "\x01\x08a"},
		{64, "\x01\x20"},
		{509, "\x01\xfea"},
		{510, "\x01\xff"},
		{511, "\x01\xffa"},
		{512, "\x01\xffaa"},
		{525, "\x01\xff" + strings.Repeat("a", 15)},
		{526, "\x01\xff\x01\x08"},
		{1020, "\x01\xff\x01\xff"},
	} {
		packed := p.pack([]byte(strings.Repeat("a", tt.digits)))
		if packed != (tt.text != "") || packed && string(p.text) != tt.text {
			t.Errorf("%d digits: %v, %q, want %q", tt.digits, packed, p.text, tt.text)
		}
	}
}

// Every place of a run against the steps of 8 and 16 bytes that the code takes.
func TestRunPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var p hexPacker
	for range 20_000 {
		raw := make([]byte, 0, 256)
		for len(raw) < 200 {
			raw = append(raw, randomHex(r, r.IntN(40))...)
			switch r.IntN(3) {
			case 0:
				raw = append(raw, byte(r.IntN(256)))
			case 1:
				raw = append(raw, escape)
			case 2:
				raw = append(raw, "/:`g@GAF"[r.IntN(8)])
			}
		}
		checkPack(t, &p, raw[:r.IntN(len(raw))])
	}
}

func TestNotHex(t *testing.T) {
	for c := range 256 {
		want := uint64(0x80)
		if bytes.IndexByte([]byte("0123456789abcdef"), byte(c)) >= 0 {
			want = 0
		}
		for _, other := range []uint64{0, '0', 'f', 0xff} {
			for place := range 8 {
				x := other * ones &^ (0xff << (8 * place))
				got := notHex(x|uint64(c)<<(8*place)) >> (8 * place) & 0xff
				if got != want {
					t.Fatalf("byte %#x at %d among %#x: %#x, want %#x", c, place, other, got, want)
				}
			}
		}
		if isHex[c] != (want == 0) {
			t.Errorf("isHex[%#x] is %v", c, isHex[c])
		}
	}
}

func TestUnpackAnyText(t *testing.T) {
	// Texts that the encoder never writes, and a reader must still agree about:
	// digits that could have been packed, and an escaped 0x01 without need.
	side := []byte("\x01\x23\x45\x67\x89\xab\xcd\xef")
	for _, tt := range []struct{ text, raw string }{
		{"0123456789abcdef\x01\x08", "0123456789abcdef0123456789abcdef"},
		{"\x01\x08\x01\x00", "0123456789abcdef\x01"},
		{"\x01\x00\x01\x08\x01\x00x", "\x010123456789abcdef\x01x"},
	} {
		got, err := unpackHex(nil, len(tt.raw), []byte(tt.text), side)
		if err != nil || string(got) != tt.raw {
			t.Errorf("%q: %q, %v, want %q", tt.text, got, err, tt.raw)
		}
	}
}
