package sqlitestore_test

import (
	"database/sql"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/idxdb/idxdb/sqlitestore"
)

// query runs a query on a closed file and returns its rows as text.
func query(t testing.TB, path, text string, args ...any) [][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	must2(t, err)
	defer db.Close()
	rows, err := db.Query(text, args...)
	must2(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must2(t, err)
	var list [][]string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		must2(t, rows.Scan(targets...))
		var row []string
		for _, v := range values {
			row = append(row, v.String)
		}
		list = append(list, row)
	}
	must2(t, rows.Err())
	return list
}

func must2(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func chunkRows(t testing.TB, path string) map[int64]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	must2(t, err)
	defer db.Close()
	rows, err := db.Query("SELECT id, hash FROM chunk")
	must2(t, err)
	defer rows.Close()
	list := map[int64]string{}
	for rows.Next() {
		var id int64
		var hash []byte
		must2(t, rows.Scan(&id, &hash))
		list[id] = hex.EncodeToString(hash)
	}
	must2(t, rows.Err())
	return list
}

// TestPlans makes sure that no statement walks through a table by accident.
func TestPlans(t *testing.T) {
	path := newFile(t)
	// Statements that are meant to look at everything, and how they do.
	wholeTable := map[string]string{
		"SELECT name, live FROM key INDEXED BY key_by_name ORDER BY name": "SCAN key USING COVERING INDEX key_by_name",
		"SELECT id FROM chunk INDEXED BY chunk_by_hash":                   "SCAN chunk USING COVERING INDEX chunk_by_hash",
		"SELECT id, size, length(data) FROM chunk":                        "SCAN chunk",
		"SELECT first, count, frame_id FROM packed ORDER BY first":        "SCAN packed",
		"SELECT id, chunks, size, length(data) FROM frame":                "SCAN frame",
		"SELECT chunk_id FROM garbage":                                    "SCAN garbage",
		"SELECT chunk_id, epoch FROM garbage":                             "SCAN garbage",
		"SELECT count(*) FROM garbage":                                    "SCAN garbage",
	}
	checked := 0
	for _, text := range sqlitestore.Statements() {
		verb := strings.Fields(text)[0]
		if verb == "PRAGMA" || verb == "BEGIN" || verb == "COMMIT" || verb == "ROLLBACK" {
			continue
		}
		checked++
		var plan []string
		for _, row := range query(t, path, "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))[:params(text)]...) {
			plan = append(plan, row[3])
		}
		joined := strings.Join(plan, "; ")
		if want, ok := wholeTable[text]; ok {
			if joined != want {
				t.Errorf("%s\n\thas plan %q, want %q", text, joined, want)
			}
			continue
		}
		for _, step := range plan {
			scan := strings.HasPrefix(step, "SCAN")
			listing := strings.Contains(text, "CROSS JOIN version") && (step == "SCAN k USING INDEX key_by_name" || step == "SCAN k") ||
				strings.Contains(text, "CROSS JOIN key") && step == "SCAN l" // a row for each key that was ever leased
			counting := strings.HasPrefix(text, "SELECT (SELECT count(*)") && strings.Contains(step, "COVERING INDEX") || step == "SCAN CONSTANT ROW"
			if scan && !listing && !counting || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n\thas plan %q", text, joined)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d statements were checked", checked)
	}
}

// params returns how many parameters a statement has.
func params(text string) int {
	n := 0
	for i := 1; i < 20; i++ {
		if strings.Contains(text, "?"+string(rune('0'+i%10))) && i < 10 || i >= 10 && strings.Contains(text, "?1"+string(rune('0'+i-10))) {
			n = i
		}
	}
	return n
}
