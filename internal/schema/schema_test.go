package schema_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb/internal/schema"
)

// TestStatementsAreFrozen compares the schema with a file that is only ever
// appended to: files with the old statements exist.
func TestStatementsAreFrozen(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "schema.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(schema.Known().Statements(schema.Format), ";\n\n") + ";\n"; got != string(want) {
		t.Errorf("the schema of format %d changed; add a migration instead:\n%s", schema.Format, got)
	}
}

func TestMigrations(t *testing.T) {
	known := schema.Known()
	if known.Newest() != schema.Format {
		t.Fatalf("there are %d migrations for format %d", known.Newest(), schema.Format)
	}
	for i, m := range known {
		if m.To != i+1 || m.ReadFormat < 1 || m.ReadFormat > m.WriteFormat || m.WriteFormat > m.To {
			t.Errorf("migration %d goes to %d, with read format %d and write format %d", i, m.To, m.ReadFormat, m.WriteFormat)
		}
		after := known.Statements(int64(m.To))
		if !slices.IsSorted(after) || !slices.Contains(after, known.MetaStatement()) {
			t.Errorf("format %d: its statements are not sorted, or table meta is another", m.To)
		}
		// Programs that are promised that they can go on must be able to.
		for old := m.ReadFormat; old < m.To; old++ {
			if err := known[:old].CheckTables(int64(m.To), after); err != nil {
				t.Errorf("format %d for a program that knows format %d: %v", m.To, old, err)
			}
		}
	}
}

// The vectors were computed by hand from FORMAT.md with Python's hashlib.
func TestChecksumVectors(t *testing.T) {
	meta := schema.Meta{Format: 1, ReadFormat: 1, WriteFormat: 1, Lineage: bytes.Repeat([]byte{7}, 16),
		CreatedAt: 1_700_000_000_000_000, Epoch: 3, Keys: 2, KeySet: -5}
	key := schema.Key{ID: 4, Name: "ключ", First: 2, Last: 9, Versions: 3, Fence: 5}
	lease := schema.Lease{KeyID: 4, Fence: 5, Held: true, Token: bytes.Repeat([]byte{6}, 16), User: "u", Host: "h", PID: 77,
		Command: "idxdb lease", TakenAt: 1_700_000_000_000_000, TTL: 600_000_000}
	version := schema.Version{ID: 99, KeyID: 4, Number: 9, SaveID: bytes.Repeat([]byte{1}, 16), SavedAt: 5,
		User: "u", Host: "h", Program: "p", Message: "m", SourceType: "github", SourceIdentifier: "o/r",
		StateSize: 7, StateDigest: bytes.Repeat([]byte{2}, 32)}
	full := version
	full.SourceSyncedAt = sql.NullInt64{Int64: -1, Valid: true}
	full.SearchSize = sql.NullInt64{Int64: 3, Valid: true}
	full.SearchDigest = bytes.Repeat([]byte{3}, 32)
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"meta":    {meta.Checksum(), "b599d4382bb004a1"},
		"key":     {key.Checksum(), "fb5a11c0b27690ac"},
		"lease":   {lease.Checksum(), "65b2a8d4ab6cb6ca"},
		"version": {version.Checksum(), "ecc9bb1b602adadf"},
		"full":    {full.Checksum(), "93b2f055c75a0154"},
	} {
		if got := hex.EncodeToString(test.got); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if got := schema.NameHash("ключ"); got != 2153681812738117024 {
		t.Errorf("name hash %d", got)
	}
}

func TestChecksumSeesEveryField(t *testing.T) {
	base := schema.Version{SaveID: []byte{1}, StateDigest: []byte{2}}
	seen := map[string]string{hex.EncodeToString(base.Checksum()): "base"}
	for name, change := range map[string]func(v *schema.Version){
		"key":        func(v *schema.Version) { v.KeyID++ },
		"number":     func(v *schema.Version) { v.Number++ },
		"id":         func(v *schema.Version) { v.SaveID = []byte{9} },
		"time":       func(v *schema.Version) { v.SavedAt++ },
		"user":       func(v *schema.Version) { v.User = "x" },
		"host":       func(v *schema.Version) { v.Host = "x" },
		"program":    func(v *schema.Version) { v.Program = "x" },
		"message":    func(v *schema.Version) { v.Message = "x" },
		"type":       func(v *schema.Version) { v.SourceType = "x" },
		"identifier": func(v *schema.Version) { v.SourceIdentifier = "x" },
		"ref":        func(v *schema.Version) { v.SourceRef = "x" },
		"synced":     func(v *schema.Version) { v.SourceSyncedAt.Valid = true },
		"size":       func(v *schema.Version) { v.StateSize++ },
		"digest":     func(v *schema.Version) { v.StateDigest = []byte{9} },
		"search":     func(v *schema.Version) { v.SearchSize.Valid = true },
		"searchSum":  func(v *schema.Version) { v.SearchDigest = []byte{} },
	} {
		v := base
		change(&v)
		sum := hex.EncodeToString(v.Checksum())
		if other, ok := seen[sum]; ok {
			t.Errorf("%s has the checksum of %s", name, other)
		}
		seen[sum] = name
	}
}
