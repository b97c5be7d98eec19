package codec

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// roundTrip encodes raw with both efforts and fails unless it comes back.
func roundTrip(t *testing.T, raw []byte) {
	t.Helper()
	e, d := NewEncoder(), NewDecoder()
	for _, effort := range []Effort{Fast, Small} {
		c, data := e.Encode(raw, effort)
		if len(data) > len(raw) {
			t.Fatalf("%s: %d bytes became %d", c, len(raw), len(data))
		}
		got, err := d.Decode([]byte("before"), c, len(raw), data)
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if string(got[:6]) != "before" || !bytes.Equal(got[6:], raw) {
			t.Fatalf("%s: %d bytes came back changed", c, len(raw))
		}
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 15, 16, 17, 100, 509, 510, 511, 512, 513, 4096, 65536, 300_000, MaxChunk} {
		random := make([]byte, n)
		for i := range random {
			random[i] = byte(r.Uint32())
		}
		roundTrip(t, random)
		hex := make([]byte, n)
		for i := range hex {
			hex[i] = "0123456789abcdef"[r.IntN(16)]
		}
		roundTrip(t, hex)
		roundTrip(t, []byte(strings.Repeat("\x01", n)))
		roundTrip(t, []byte(strings.Repeat("A", n)))
	}
}
