package data

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

// dimensions is the length of an embedding.
const dimensions = 768

// Embeddings is a made-up series of states that consist of vectors of numbers
// with 17 significant digits, which is how a 64-bit float is printed, each on a
// line of its own, as JSON with two spaces of indentation is. In each version,
// some of the vectors are new.
type Embeddings struct {
	name     string
	versions int
	changes  int
	seed     uint64
	vectors  int

	at     int
	edits  map[int]uint64
	random *rand.Rand
	state  bytes.Buffer
}

// NewEmbeddings returns a series of n versions, whose states have about size
// bytes and changes vectors changed from one to the next.
func NewEmbeddings(name string, size int64, n, changes int, seed uint64) *Embeddings {
	e := &Embeddings{name: name, versions: n, changes: changes, seed: seed}
	var p paths
	e.vectors = max(1, int(size/int64(len(e.appendVector(nil, 0, &p)))))
	e.reset()
	return e
}

func (e *Embeddings) reset() {
	e.at, e.edits = 0, map[int]uint64{}
	e.random = rand.New(rand.NewPCG(e.seed, 2))
}

// Name implements Series.
func (e *Embeddings) Name() string { return e.name }

// Len implements Series.
func (e *Embeddings) Len() int { return e.versions }

// Version implements Series. There is no search document.
func (e *Embeddings) Version(i int) (Version, error) {
	e.state.Reset()
	err := e.WriteState(&e.state, i)
	return Version{State: e.state.Bytes()}, err
}

// WriteState implements Streamer.
func (e *Embeddings) WriteState(w io.Writer, i int) error {
	if i < e.at {
		e.reset()
	}
	for ; e.at < i; e.at++ {
		for range e.changes {
			e.edits[e.random.IntN(e.vectors)]++
		}
	}
	b := fmt.Appendf(nil, "{\n  \"version\": 1,\n  \"dimensions\": %d,\n  \"embeddings\": [\n", dimensions)
	var p paths
	for v := range e.vectors {
		if v > 0 {
			b = append(b, ",\n"...)
		}
		b = e.appendVector(b, v, &p)
		if len(b) > 1<<20 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	ref := random32(e.seed, 5, uint64(e.at))
	b = fmt.Appendf(b, `
  ],
  "source": {
    "type": "github",
    "config": {
      "owner": "example",
      "repo": %q,
      "ref": "HEAD"
    },
    "resolvedRef": "%x"
  }
}`, e.name, ref[:20])
	_, err := w.Write(b)
	return err
}

func (e *Embeddings) appendVector(b []byte, v int, p *paths) []byte {
	edits := e.edits[v]
	b = fmt.Appendf(b, "    {\n      \"id\": \"%x\",\n      \"path\": \"", random32(e.seed, uint64(v)<<8, edits))
	b = p.append(b, v, e.seed)
	b = append(b, "\",\n      \"vector\": [\n"...)
	x := mix(mix(e.seed+uint64(v)) + edits)
	for i := range dimensions {
		if i > 0 {
			b = append(b, ",\n"...)
		}
		b = append(b, "        "...)
		x += 0x9e3779b97f4a7c15
		y := mix(x)
		if y&1 == 1 {
			b = append(b, '-')
		}
		b = append(b, "0.0"...)
		b = strconv.AppendUint(b, 10_000_000_000_000_000+(y>>1)%90_000_000_000_000_000, 10)
	}
	return append(b, "\n      ]\n    }"...)
}
