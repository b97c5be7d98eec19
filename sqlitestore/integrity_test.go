package sqlitestore

import (
	"strings"
	"testing"
)

// SQLite's own check may report many lines in a row; each is damage of its own,
// up to a limit.
func TestIntegrityLines(t *testing.T) {
	v := &verifier{}
	v.integrity("ok")
	if len(v.report.Damage) != 0 {
		t.Errorf("ok is damage: %v", v.report.Damage)
	}
	v.integrity("*** in database main ***\nPage 3: never used\n\nPage 4: never used")
	if got := v.report.Damage; len(got) != 3 || got[2].Detail != "SQLite: Page 4: never used" {
		t.Errorf("got %v", got)
	}
	v.integrity(strings.Repeat("Page 5: never used\n", 2*mostLines))
	v.integrity("Page 6: never used")
	if got := v.report.Damage; len(got) != mostLines+1 || got[mostLines].Detail != "SQLite: and more" {
		t.Errorf("got %d lines, the last is %v", len(got), got[len(got)-1])
	}
}
