package storetest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// brief quotes s for a message, cut to a line.
func brief(s string) string {
	const limit = 80
	if len(s) <= limit {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:limit], len(s))
}

// indexText returns a JSON text of exactly size bytes, at least 2, that looks
// like an index state: lines of hex ids and paths that differ by seed.
func indexText(size int, seed uint64) string {
	if size < 4 {
		return strings.Repeat(" ", size-2) + "{}"
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	b.WriteString("[")
	for {
		line := indexLine(rng)
		if b.Len()+len(line)+len(`""]`) > size {
			break
		}
		b.WriteString(line)
	}
	b.WriteString(`"` + strings.Repeat("x", size-b.Len()-len(`""]`)) + `"]`)
	return b.String()
}

func indexLine(rng *rand.Rand) string {
	var id [32]byte
	for i := 0; i < len(id); i += 8 {
		n := rng.Uint64()
		for j := range 8 {
			id[i+j] = byte(n >> (8 * j))
		}
	}
	return fmt.Sprintf("\n  [\n    %q,\n    \"packages/part-%d/src/file-%d.ts\"\n  ],",
		hex.EncodeToString(id[:]), rng.IntN(40), rng.IntN(1000))
}

// A largeText is a JSON text of about size bytes that is made while it is read,
// so that it never is in memory as a whole.
type largeText struct {
	rng   *rand.Rand
	left  int64
	buf   bytes.Buffer
	state int // written out so far: 0 nothing, 1 the start, 2 all

	tick  func() // called about every step bytes
	step  int64
	since int64
}

func newLargeText(size int64, seed uint64) *largeText {
	return &largeText{rng: rand.New(rand.NewPCG(seed, 2)), left: size, step: size}
}

func (l *largeText) Read(p []byte) (int, error) {
	for l.buf.Len() == 0 && l.state < 2 {
		l.fill()
	}
	n, err := l.buf.Read(p)
	l.since += int64(n)
	if l.tick != nil && (l.since >= l.step || err == io.EOF) {
		l.since = 0
		l.tick()
	}
	return n, err
}

func (l *largeText) fill() {
	if l.state == 0 {
		l.buf.WriteString("[")
		l.state = 1
	}
	for l.buf.Len() < 64<<10 && l.left > 0 {
		n, _ := l.buf.WriteString(indexLine(l.rng)) // never fails
		l.left -= int64(n)
	}
	if l.left <= 0 {
		l.buf.WriteString("null]\n")
		l.state = 2
	}
}

// sameStream compares two streams without holding them.
func sameStream(got, want io.Reader) error {
	g, w := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, gotErr := io.ReadFull(got, g)
		m, wantErr := io.ReadFull(want, w)
		if gotErr != nil && gotErr != io.EOF && gotErr != io.ErrUnexpectedEOF {
			return fmt.Errorf("at about byte %d: %w", at+int64(n), gotErr)
		}
		if !bytes.Equal(g[:n], w[:m]) {
			return fmt.Errorf("different bytes between offsets %d and %d", at, at+int64(max(n, m)))
		}
		if gotErr != nil || wantErr != nil {
			return nil // both are at their end, or the lengths would differ
		}
		at += int64(n)
	}
}
