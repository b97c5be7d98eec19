package data

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

// Index is a made-up series with the shape of ctxc's states: pairs of a content
// hash and a path, as JSON with two spaces of indentation. A changed file keeps
// its place in the list, a new one goes to the end; both are noted in addedBlobs
// and deletedBlobs until there are a thousand notes, as ctxc does.
//
// Of the files changed in a version, one in five is new, and for one in ten
// another one is removed.
type Index struct {
	name     string
	versions int
	changes  int // files changed in a version
	seed     uint64
	files    int // in version 0

	at      int            // the version that the fields below describe
	total   int            // files ever
	edits   map[int]uint64 // how often a file changed
	removed map[int]bool
	added   [][32]byte // since the checkpoint
	deleted [][32]byte
	base    int // the version of the checkpoint
	random  *rand.Rand

	state bytes.Buffer
}

// NewIndex returns a series of n versions, whose states have about size bytes
// and changes files changed from one to the next.
func NewIndex(name string, size int64, n, changes int, seed uint64) *Index {
	x := &Index{name: name, versions: n, changes: changes, seed: seed}
	const sample = 4096
	var b []byte
	var p paths
	for i := range sample {
		b = x.appendFile(b, i, &p)
	}
	x.files = int(size * sample / int64(len(b)))
	x.reset()
	return x
}

func (x *Index) reset() {
	x.at, x.base, x.total = 0, 0, x.files
	x.edits, x.removed = map[int]uint64{}, map[int]bool{}
	x.added, x.deleted = nil, nil
	x.random = rand.New(rand.NewPCG(x.seed, 1))
}

// Name implements Series.
func (x *Index) Name() string { return x.name }

// Len implements Series.
func (x *Index) Len() int { return x.versions }

// Version implements Series.
func (x *Index) Version(i int) (Version, error) {
	x.state.Reset()
	if err := x.WriteState(&x.state, i); err != nil {
		return Version{}, err
	}
	var search bytes.Buffer
	x.head(&search, "search-only")
	fmt.Fprintf(&search, "\n  },\n")
	x.tail(&search)
	return Version{State: x.state.Bytes(), Search: search.Bytes()}, nil
}

// WriteState implements Streamer.
func (x *Index) WriteState(w io.Writer, i int) error {
	x.goTo(i)
	var head bytes.Buffer
	x.head(&head, "full")
	head.WriteString(",\n    \"blobs\": [\n")
	b := head.Bytes()
	var p paths
	for f := range x.total {
		if x.removed[f] {
			continue
		}
		b = x.appendFile(b, f, &p)
		if len(b) > 1<<20 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	b = append(bytes.TrimSuffix(b, []byte(",\n")), "\n    ]\n  },\n"...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	return x.tail(w)
}

// goTo replays the changes up to version i.
func (x *Index) goTo(i int) {
	if i < x.at {
		x.reset()
	}
	for x.at < i {
		x.at++
		isNew := x.changes / 5
		for range x.changes - isNew {
			f := x.random.IntN(x.total)
			if x.removed[f] {
				continue
			}
			x.deleted = append(x.deleted, x.id(f))
			x.edits[f]++
			x.added = append(x.added, x.id(f))
		}
		for range isNew {
			x.added = append(x.added, x.id(x.total))
			x.total++
		}
		for range x.changes / 10 {
			f := x.random.IntN(x.total)
			if !x.removed[f] {
				x.removed[f] = true
				x.deleted = append(x.deleted, x.id(f))
			}
		}
		if len(x.added)+len(x.deleted) > 1000 {
			x.added, x.deleted, x.base = nil, nil, x.at
		}
	}
}

func (x *Index) head(b *bytes.Buffer, mode string) {
	fmt.Fprintf(b, `{
  "version": 1,
  "contextState": {
    "mode": %q,
    "checkpointId": "%x",
    "addedBlobs": `, mode, random32(x.seed, 3, uint64(x.base)))
	hashList(b, x.added)
	b.WriteString(",\n    \"deletedBlobs\": ")
	hashList(b, x.deleted)
}

func (x *Index) tail(w io.Writer) error {
	resolved := random32(x.seed, 4, uint64(x.at))
	_, err := fmt.Fprintf(w, `  "source": {
    "type": "github",
    "config": {
      "owner": "example",
      "repo": %q,
      "ref": "HEAD"
    },
    "resolvedRef": "%x",
    "syncedAt": "2026-01-%02dT%02d:%02d:%02d+00:00"
  }
}`, x.name, resolved[:20], 1+x.at/86400%28, x.at/3600%24, x.at/60%60, x.at%60)
	return err
}

func hashList(b *bytes.Buffer, list [][32]byte) {
	if len(list) == 0 {
		b.WriteString("[]")
		return
	}
	sep := "[\n"
	for _, id := range list {
		fmt.Fprintf(b, "%s      \"%x\"", sep, id)
		sep = ",\n"
	}
	b.WriteString("\n    ]")
}

func (x *Index) id(file int) [32]byte { return random32(x.seed, uint64(file)<<8, x.edits[file]) }

func (x *Index) appendFile(b []byte, file int, p *paths) []byte {
	id := x.id(file)
	b = append(b, "      [\n        \""...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, "\",\n        \""...)
	b = p.append(b, file, x.seed)
	return append(b, "\"\n      ],\n"...)
}

// random32 returns 32 bytes that look random but depend only on the arguments.
// The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom
// number generators, 2014).
func random32(a, b, c uint64) (out [32]byte) {
	x := mix(mix(mix(a)+b) + c)
	for i := 0; i < 32; i += 8 {
		x += 0x9e3779b97f4a7c15
		y := mix(x)
		for j := range 8 {
			out[i+j] = byte(y >> (8 * j))
		}
	}
	return out
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

var (
	topNames  = []string{"packages", "internal", "website", "integration", "vendor", "scripts"}
	dirNames  = []string{"babel-plugin-transform", "helper-compilation", "parser", "generator", "runtime-corejs", "traverse", "typescript", "preset-env", "template", "register"}
	caseNames = []string{"destructuring-assignment", "class-private-properties", "async-generator", "optional-chaining-with-function-call", "imports-hoisting", "regression", "export-default-from", "duplicate-keys"}
	fileNames = []string{"input.js", "output.mjs", "options.json", "index.ts", "README.md", "exec.js", "stdout.txt", "state_test.go"}
)

// paths makes the paths of a source tree, in the order of a listing. It remembers
// the last directory.
type paths struct {
	group int // 1 + the number of the directory in dir
	dir   []byte
}

func (p *paths) append(b []byte, file int, seed uint64) []byte {
	const perDir = 4
	group := file/perDir + 1
	if group != p.group {
		name := func(list []string, level, number int) string {
			return list[mix(mix(seed+uint64(level))+uint64(number))%uint64(len(list))]
		}
		top, pkg, fixture := group/4096, group/64, group/8
		p.dir = append(p.dir[:0], name(topNames, 1, top)...)
		p.dir = appendNumbered(p.dir, name(dirNames, 2, pkg), pkg)
		p.dir = append(p.dir, "/test/fixtures"...)
		p.dir = appendNumbered(p.dir, name(caseNames, 3, fixture), fixture%8)
		p.dir = appendNumbered(p.dir, name(caseNames, 4, group), group%8)
		p.dir = append(p.dir, '/')
		p.group = group
	}
	b = append(b, p.dir...)
	first := int(mix(seed+uint64(group)) % uint64(len(fileNames)))
	return append(b, fileNames[(first+file%perDir)%len(fileNames)]...)
}

func appendNumbered(b []byte, name string, number int) []byte {
	b = append(append(append(b, '/'), name...), '-')
	return strconv.AppendInt(b, int64(number), 10)
}
