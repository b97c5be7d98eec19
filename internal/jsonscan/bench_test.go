package jsonscan

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// benchDocs are documents shaped like those that are saved, a few MB each, as
// JSON.stringify(x, null, 2) and JSON.stringify(x) write them.
var benchDocs = []struct {
	name string
	make func(r *rand.Rand) string
}{
	{"blobs", func(r *rand.Rand) string { return blobs(r, 30_000) }},
	{"floats-pretty", func(r *rand.Rand) string { return floats(r, 200_000, "\n      ") }},
	{"floats-compact", func(r *rand.Rand) string { return floats(r, 200_000, "") }},
	{"code", func(r *rand.Rand) string { return texts(r, 2_000, codeLine) }},
	{"cyrillic", func(r *rand.Rand) string {
		return texts(r, 2_000, "Быстрая коричневая лиса прыгает. ")
	}},
}

const codeLine = "\tif err != nil {\n\t\treturn fmt.Errorf(\"open %q: %w\", name, err)\n\t}\n"

// blobs is an index state of a repository: pairs of a hash and a path.
func blobs(r *rand.Rand, n int) string {
	words := strings.Fields("packages src test fixtures typescript parser babel index options input output helpers plugin export")
	var b strings.Builder
	b.WriteString("{\n  \"version\": 1,\n  \"contextState\": {\n    \"mode\": \"full\",\n    \"blobs\": [")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n      [\n        \"%016x%016x%016x%016x\",\n        \"", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		for range 3 + r.IntN(6) {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte('/')
		}
		fmt.Fprintf(&b, "%d.ts\"\n      ]", i)
	}
	b.WriteString("\n    ]\n  },\n  \"source\": {\n    \"type\": \"github\"\n  }\n}")
	return b.String()
}

// floats is a list of embeddings of 384 numbers.
func floats(r *rand.Rand, n int, sep string) string {
	b := []byte(`{"vectors":[[`)
	for i := range n {
		switch {
		case i > 0 && i%384 == 0:
			b = append(b, "],["...)
		case i > 0:
			b = append(b, ',')
		}
		b = append(b, sep...)
		b = strconv.AppendFloat(b, float64(float32(r.NormFloat64()*0.05)), 'g', -1, 64)
	}
	return string(append(b, "]]}"...))
}

// texts is a list of documents with their text.
func texts(r *rand.Rand, n int, line string) string {
	all := make([]map[string]string, n)
	for i := range all {
		all[i] = map[string]string{"path": fmt.Sprint(i), "text": strings.Repeat(line, 10+r.IntN(20))}
	}
	b, _ := json.Marshal(all)
	return string(b)
}

func BenchmarkScan(b *testing.B) {
	for _, doc := range benchDocs {
		text := []byte(doc.make(rand.New(rand.NewPCG(1, 2))))
		for _, size := range []int{64 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("doc=%s/write=%dKiB", doc.name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if err := scanBy(text, size); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkPeer(b *testing.B) {
	for _, doc := range benchDocs {
		text := []byte(doc.make(rand.New(rand.NewPCG(1, 2))))
		b.Run("peer=encoding-json/doc="+doc.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if !json.Valid(text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}

func scanBy(text []byte, size int) error {
	var s Scanner
	for len(text) > 0 {
		n := min(size, len(text))
		if _, err := s.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return s.Close()
}
