package codec

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// indexData returns n bytes shaped like an index state: pairs of a hash and a
// path, as indented JSON.
func indexData(n int, seed uint64) []byte {
	dirs := []string{"packages", "src", "test", "fixtures", "internal", "typescript", "plugin", "helpers", "transform"}
	files := []string{"input.ts", "output.json", "index.js", "options.json", "README.md", "main.go", "state_test.go"}
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, 0, n+300)
	dir := ""
	for len(b) < n {
		if dir == "" || r.IntN(4) == 0 {
			dir = ""
			for range 2 + r.IntN(4) {
				dir += dirs[r.IntN(len(dirs))] + "-" + strconv.Itoa(r.IntN(40)) + "/"
			}
		}
		b = fmt.Appendf(b, "      [\n        \"%s\",\n        \"%s%s\"\n      ],\n", randomHex(r, 64), dir, files[r.IntN(len(files))])
	}
	return b[:n]
}

// vectorData returns n bytes of an embeddings file: JSON numbers.
func vectorData(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	b := make([]byte, 0, n+32)
	for len(b) < n {
		b = append(strconv.AppendFloat(b, r.NormFloat64()/20, 'g', -1, 64), ',')
	}
	return b[:n]
}

func randomHex(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[r.IntN(16)]
	}
	return b
}

func randomBytes(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b[:n]
}
