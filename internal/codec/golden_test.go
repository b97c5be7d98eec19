package codec

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// golden returns the lines of a file in testdata that are not empty and not
// comments.
func golden(t *testing.T, name string) (lines []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if line := s.Text(); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	if s.Err() != nil || len(lines) == 0 {
		t.Fatalf("%s: %d lines, %v", name, len(lines), s.Err())
	}
	return lines
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenChunks(t *testing.T) {
	seen := map[Codec]int{}
	for _, line := range golden(t, "chunks.txt") {
		f := strings.SplitN(line, " ", 3)
		number, err := strconv.ParseUint(f[0], 10, 8)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := strconv.Unquote(f[2])
		if err != nil {
			t.Fatalf("%s: %v", f[2], err)
		}
		c := Codec(number)
		got, err := NewDecoder().Decode(nil, c, len(raw), unhex(t, f[1]))
		if err != nil || string(got) != raw {
			t.Errorf("%s: %q, %v, want %s", c, got, err, f[2])
		}
		seen[c]++
	}
	for _, c := range []Codec{Raw, LZ4, HexLZ4, Zstd, HexZstd} {
		if seen[c] == 0 {
			t.Errorf("%s has no golden chunk", c)
		}
	}
}

func TestGoldenManifests(t *testing.T) {
	for _, line := range golden(t, "manifests.txt") {
		data, text, _ := strings.Cut(line, " :")
		var ids []int64
		for _, run := range strings.Fields(text) {
			from, to, isRun := strings.Cut(run, "-")
			if !isRun {
				to = from
			}
			first, err := strconv.ParseInt(from, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			last, err := strconv.ParseInt(to, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			for id := first; id <= last; id++ {
				ids = append(ids, id)
			}
		}
		if got := hex.EncodeToString(AppendManifest(nil, ids)); got != data {
			t.Errorf("%s: %s, want %s", text, got, data)
		}
		if got, err := ParseManifest(unhex(t, data)); err != nil || !slices.Equal(got, ids) {
			t.Errorf("%s: %.20v, %v, want%s", data, got, err, text)
		}
	}
}

func TestGoldenDigests(t *testing.T) {
	for _, line := range golden(t, "digests.txt") {
		want, chunks, _ := strings.Cut(line, " :")
		d := NewDigest()
		for _, quoted := range strings.Fields(chunks) {
			chunk, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %v", quoted, err)
			}
			d.Sum() // must not change what follows
			d.Add(len(chunk), Sum([]byte(chunk)))
		}
		if sum := d.Sum(); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s: %x, want %s", chunks, sum, want)
		}
	}
}

// A change here means that nothing a store holds is found again by the next save.
func TestGoldenBoundaries(t *testing.T) {
	var data []byte
	for i := range uint32(32 << 10) {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("idxdb chunker test"), i))
		data = append(data, sum[:]...)
	}
	want := golden(t, "boundaries.txt")
	var got []string
	for avg := minAverage; avg <= maxAverage; avg *= 2 {
		all := lengths(newChunker(t, avg), data)
		var b []byte
		for _, n := range all {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		sum := sha256.Sum256(b)
		got = append(got, fmt.Sprintf("%d %d %x %s", avg, len(all), sum[:8], strings.Trim(fmt.Sprint(all[:min(8, len(all))]), "[]")))
	}
	if !slices.Equal(got, want) {
		t.Errorf("boundaries have moved:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
