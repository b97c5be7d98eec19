//go:build linux

package stress

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A recipe makes a document: the same one each time. Blocks of one group, place
// and generation are equal wherever they occur, so documents share chunks with
// each other, with deleted ones too.
type recipe struct {
	name   string // occurs nowhere else
	group  int
	blocks []uint8 // generations
	big    bool    // needs several turns to write
}

const generations = 4

func newRecipe(r *rand.Rand, name string, group int) recipe {
	n := 4 + r.IntN(40)
	if r.IntN(10) == 0 {
		n = 1
	}
	return recipe{name: name, group: group, blocks: make([]uint8, n), big: r.IntN(400) == 0}
}

// next is the recipe of a document that differs a little.
func (c recipe) next(r *rand.Rand, name string) recipe {
	out := newRecipe(r, name, c.group)
	if r.IntN(4) != 0 {
		out.blocks = append([]uint8(nil), c.blocks...)
	}
	for range 1 + r.IntN(3) {
		out.blocks[r.IntN(len(out.blocks))] = uint8(r.IntN(generations))
	}
	return out
}

func (c recipe) state() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"name":%q,"source":{"type":"github","identifier":"team/stress","resolvedRef":%q},"blocks":[`, c.name, c.name)
	for i, generation := range c.blocks {
		if i > 0 {
			b.WriteByte(',')
		}
		writeBlock(&b, rand.NewPCG(uint64(c.group)<<32|uint64(i), uint64(generation)), 2000)
	}
	if c.big {
		sum := sha256.Sum256([]byte(c.name))
		src := rand.NewPCG(uint64(sum[0]), uint64(sum[1]))
		for range 10 {
			b.WriteByte(',')
			writeBlock(&b, src, 1_200_000)
		}
	}
	b.WriteString("]}")
	return b.String()
}

// writeBlock writes a JSON string of size characters that do not compress well.
func writeBlock(b *strings.Builder, src *rand.PCG, size int) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b.WriteByte('"')
	for i := 0; i < size; {
		for bits, n := src.Uint64(), 0; n < 10 && i < size; bits, n, i = bits>>6, n+1, i+1 {
			b.WriteByte(alphabet[bits&63])
		}
	}
	b.WriteByte('"')
}

// tagOf stands for a state document in histories and messages.
func tagOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:8])
}

// searchOf returns the search document that is saved with a state document.
func searchOf(tag string) string { return fmt.Sprintf(`{"search":%q}`, tag) }
