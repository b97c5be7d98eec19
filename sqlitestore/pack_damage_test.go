package sqlitestore_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/sqlitestore"
)

// packedFile makes a closed store with a key whose older versions are in one
// frame, and another key that has nothing to do with it.
func packedFile(t *testing.T) (path string, texts []string) {
	t.Helper()
	sqlitestore.SetPacking(t, 0, 1<<20)
	path = filepath.Join(t.TempDir(), "packed.idx")
	s := open(t, path)
	texts = saveHistory(t, s, "key", 1, 5)
	save(t, s, "other", document(9, 300))
	vacuum(t, s)
	must(t, s.Close())
	if n := number(t, path, "SELECT count(*) FROM frame"); n != 1 {
		t.Fatalf("there are %d frames", n)
	}
	return path, texts
}

// checkDamage opens a damaged file: each version loads as it was saved, or with an
// error that names it; it returns how many do not load. The newest version and
// other keys never need a frame.
func checkDamage(t *testing.T, path string, texts []string, what string) (bad int) {
	t.Helper()
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	must(t, err)
	defer s.Close()
	for v := 1; v < len(texts); v++ {
		got, err := loadText(s, "key", idxdb.LoadOptions{Version: int64(v)})
		var c *idxdb.CorruptError
		switch {
		case err == nil && got != texts[v]:
			t.Errorf("%s: version %d loads with other content", what, v)
		case err == nil:
		case !errors.As(err, &c) || c.Key != "key" || c.Version != int64(v) || c.Doc != idxdb.StateDoc:
			t.Errorf("%s: the error of version %d does not name it: %v", what, v, err)
		case v == len(texts)-1:
			t.Errorf("%s: the newest version: %v", what, err)
		default:
			bad++
		}
	}
	if got, err := loadText(s, "other", idxdb.LoadOptions{}); err != nil || got != document(9, 300) {
		t.Errorf("%s: another key: %v", what, err)
	}
	report, err := s.Verify(ctx, nil)
	must(t, err)
	named := 0
	for _, d := range report.Damage {
		if d.Key == "key" && d.Version > 0 {
			named++
		}
		if d.Key == "other" || d.Version == int64(len(texts)-1) {
			t.Errorf("%s: verify says of what is intact: %+v", what, d)
		}
	}
	if named != bad {
		t.Errorf("%s: %d versions do not load, verify names %d: %+v", what, bad, named, report.Damage)
	}
	// A vacuum neither makes it worse nor hides it.
	if _, err := s.Vacuum(ctx, nil); err != nil && !errors.Is(err, idxdb.ErrCorrupt) {
		t.Errorf("%s: vacuum: %v", what, err)
	}
	return bad
}

func TestDamagedFrames(t *testing.T) {
	path, texts := packedFile(t)
	content := snapshot(t, path)
	data, err := hex.DecodeString(query(t, path, "SELECT hex(data) FROM frame")[0][0])
	must(t, err)
	tests := map[string]string{
		"missing":     "DELETE FROM frame",
		"otherID":     "UPDATE frame SET id = 7",
		"longer":      "UPDATE frame SET size = size + 1",
		"huge":        "UPDATE frame SET size = 1 << 60",
		"negative":    "UPDATE frame SET size = -1",
		"fewer":       "UPDATE frame SET chunks = chunks - 1",
		"empty":       "UPDATE frame SET data = x''",
		"notPacked":   "DELETE FROM packed",
		"otherFrame":  "UPDATE packed SET frame_id = 12",
		"shifted":     "UPDATE packed SET first = first + 1 WHERE first = (SELECT max(first) FROM packed)",
		"hugeCount":   "UPDATE packed SET count = 1 << 62 WHERE first = (SELECT min(first) FROM packed)",
		"zeroCount":   "UPDATE packed SET count = 0",
		"overlapping": "UPDATE packed SET count = 9000 WHERE first = (SELECT min(first) FROM packed)",
		"negativeID":  "UPDATE packed SET first = -first",
		"before":      "INSERT INTO packed VALUES (-9223372036854775808, 1, 1)",
		"lastID":      "INSERT INTO packed VALUES (9223372036854775807, 2, 1)",
	}
	base := "base = x'" + hex.EncodeToString(codec.AppendManifest(nil, []int64{1 << 40})) + "'"
	tests["baseMissing"] = "UPDATE frame SET " + base
	tests["baseOutOfOrder"] = "UPDATE frame SET base = x'" + hex.EncodeToString(codec.AppendManifest(nil, []int64{7, 6, 5})) + "'"
	tests["baseHuge"] = "UPDATE frame SET base = x'" + hex.EncodeToString(codec.AppendRuns(nil, []codec.Run{{First: 1, N: codec.MaxManifestChunks}})) + "'"
	tests["baseNone"] = "UPDATE frame SET base = x'" + hex.EncodeToString(codec.AppendManifest(nil, nil)) + "'"
	tests["baseNoManifest"] = "UPDATE frame SET base = x'00'"
	for i := 0; i < len(data); i += len(data)/25 + 1 {
		flipped := append([]byte(nil), data...)
		flipped[i] ^= 0x40
		tests[fmt.Sprintf("byte%d", i)] = fmt.Sprintf("UPDATE frame SET data = x'%x'", flipped)
	}
	// The documents need not be affected: the row is of no use, or says too much, or
	// its chunks are met in the frame before they are asked for.
	harmless := map[string]bool{"shifted": true, "overlapping": true, "before": true, "lastID": true}
	for name, statement := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "damaged.idx")
			write(content)(t, path)
			execSQL(t, path, statement)
			bad := checkDamage(t, path, texts, name)
			if bad == 0 && !harmless[name] {
				t.Error("all versions load")
			}
		})
	}
}

// TestFrameOfOtherContent puts a frame that is intact in the place of another:
// only the documents' digests can tell.
func TestFrameOfOtherContent(t *testing.T) {
	path, texts := packedFile(t)
	other := filepath.Join(t.TempDir(), "other.idx")
	s := open(t, other)
	l := newLines(77, 1500) // cut at other places, so with other chunks of the same ids
	for range 5 {
		l.change(8)
		save(t, s, "key", l.String())
	}
	vacuum(t, s)
	must(t, s.Close())
	row := query(t, other, "SELECT chunks, size, hex(data) FROM frame")[0]
	execSQL(t, path, fmt.Sprintf("UPDATE frame SET chunks = %s, size = %s, data = x'%s'", row[0], row[1], row[2]))
	if bad := checkDamage(t, path, texts, "swapped"); bad != len(texts)-2 {
		t.Errorf("%d of %d old versions do not load", bad, len(texts)-2)
	}
}

// TestVerifyFindsUnusedDamage: a damaged frame that no version needs is found too.
func TestVerifyFindsUnusedDamage(t *testing.T) {
	path, _ := packedFile(t)
	execSQL(t, path, "INSERT INTO frame (chunks, size, base, data) VALUES (1, 5, (SELECT base FROM frame), x'00')")
	s := open(t, path)
	report, err := s.Verify(ctx, nil)
	must(t, err)
	if len(report.Damage) != 1 || report.Damage[0].Key != "" || !strings.Contains(report.Damage[0].Detail, "frame 2") {
		t.Errorf("verify says %+v", report.Damage)
	}
	vacuum(t, s) // nothing is in it, so it goes
	clean(t, s)
}
