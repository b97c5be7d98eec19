package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/idxdb/idxdb"
)

// sealed returns body with the check of a manifest.
func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(slices.Clip(body), sum[:manifestCheck]...)
}

func varints(v ...uint64) (b []byte) {
	for _, x := range v {
		b = binary.AppendUvarint(b, x)
	}
	return b
}

func TestManifestComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, ids := range [][]int64{
		nil, {1}, {2}, {1, 2, 3}, {3, 2, 1}, {1, 1, 1}, {5, 5, 6, 7, 5}, {10, 11, 5, 6, 12},
		{math.MaxInt64 - 2, 1, math.MaxInt64 - 1}, {1, math.MaxInt64 - 1},
		randomIDs(r, 1000), randomIDs(r, 20_000),
	} {
		data := AppendManifest([]byte("before"), ids)
		if !bytes.HasPrefix(data, []byte("before")) {
			t.Fatal("AppendManifest changed dst")
		}
		data = data[len("before"):]
		got, err := ParseManifest(data)
		if err != nil || !slices.Equal(got, ids) {
			t.Fatalf("%.20v came back as %.20v, %v", ids, got, err)
		}
		runs, total, err := ParseRuns(data)
		if err != nil || total != int64(len(ids)) {
			t.Fatalf("%.20v: %d chunks, %v", ids, total, err)
		}
		if again := AppendRuns(nil, runs); !bytes.Equal(again, data) {
			t.Fatalf("%.20v: the runs make another manifest", ids)
		}
	}
}

// randomIDs returns n ids in runs, as after many saves.
func randomIDs(r *rand.Rand, n int) []int64 {
	var ids []int64
	for len(ids) < n {
		first := 1 + r.Int64N(1<<40)
		for i := range 1 + r.Int64N(50) {
			ids = append(ids, first+i)
		}
	}
	return ids[:n]
}

func TestManifestIsSmall(t *testing.T) {
	ids := make([]int64, 3200) // of a new document of 200 MB
	for i := range ids {
		ids[i] = 100_000 + int64(i)
	}
	if n := len(AppendManifest(nil, ids)); n > 14 {
		t.Errorf("one run takes %d bytes", n)
	}
	for i := 0; i < len(ids); i += 32 { // after 100 changes
		ids[i] = 200_000 + int64(i)
	}
	if n := len(AppendManifest(nil, ids)); n > 1200 {
		t.Errorf("a manifest with 100 changes takes %d bytes", n)
	}
}

func TestParseRunsRefuses(t *testing.T) {
	for name, body := range map[string][]byte{
		"id 0":                        varints(2, 1, 3, 1),
		"first id 0":                  varints(0, 1),
		"negative first id":           varints(1, 1),
		"negative id":                 varints(2, 1, 101, 1),
		"run of nothing":              varints(2, 0),
		"runs that are one":           varints(2, 1, 0, 1),
		"distance 0 after a run":      varints(2, 1, 2, 1, 0, 1),
		"id beyond 63 bits":           varints(math.MaxUint64-1, 1, math.MaxUint64-1, 1),
		"last id beyond 63 bits":      varints(math.MaxUint64-1, 2),
		"smallest distance":           varints(2, 1, math.MaxUint64, 1),
		"count of 2^64-1":             varints(2, math.MaxUint64),
		"count of 2^63":               varints(2, 1<<63),
		"too many chunks in a run":    varints(2, MaxManifestChunks+1),
		"too many chunks in two runs": varints(2, MaxManifestChunks, 2, 1),
		"distance without a count":    varints(2),
		"cut number":                  {0x80},
		"number of 11 bytes":          bytes.Repeat([]byte{0x80}, 11),
		"number in too many bytes":    {0x82, 0x00, 0x01},
		"count in too many bytes":     {0x02, 0x81, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			data := sealed(body)
			runs, total, err := ParseRuns(data)
			if !errors.Is(err, idxdb.ErrCorrupt) || runs != nil || total != 0 {
				t.Errorf("ParseRuns: %v, %d, %v", runs, total, err)
			}
			if ids, err := ParseManifest(data); !errors.Is(err, idxdb.ErrCorrupt) || ids != nil {
				t.Errorf("ParseManifest: %d ids, %v", len(ids), err)
			}
		})
	}
	most := varints(2, MaxManifestChunks-1, 2, 1)
	if _, total, err := ParseRuns(sealed(most)); err != nil || total != MaxManifestChunks {
		t.Errorf("the longest manifest: %d, %v", total, err)
	}
}

func TestParseRunsFindsDamage(t *testing.T) {
	data := AppendManifest(nil, []int64{1, 2, 3, 700, 701, 5})
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if _, _, err := ParseRuns(data); !errors.Is(err, idxdb.ErrCorrupt) {
				t.Fatalf("bit %d of byte %d flipped: error %v", bit, i, err)
			}
			data[i] ^= 1 << bit
		}
		if _, _, err := ParseRuns(data[:i]); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Fatalf("first %d of %d bytes: error %v", i, len(data), err)
		}
	}
	if _, _, err := ParseRuns(append(data, 0)); !errors.Is(err, idxdb.ErrCorrupt) {
		t.Fatalf("a byte more: error %v", err)
	}
}

func TestParseRunsAllocatesLittle(t *testing.T) {
	data := sealed(varints(2, MaxManifestChunks))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, total, err := ParseRuns(data)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != nil || total != MaxManifestChunks || n > 4096 {
		t.Errorf("%d chunks from %d bytes: %d bytes allocated, %v", total, len(data), n, err)
	}
}

func TestAddToRuns(t *testing.T) {
	var runs []Run
	for _, id := range []int64{4, 5, 6, 1, 1, 2} {
		runs = AddToRuns(runs, id)
	}
	if want := []Run{{4, 3}, {1, 1}, {1, 2}}; !slices.Equal(runs, want) {
		t.Errorf("runs %v, want %v", runs, want)
	}
}
