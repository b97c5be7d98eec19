package filelock

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

func TestCommandLine(t *testing.T) {
	long := strings.Repeat("é", 400)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"idxdb", "save", "api"}, "idxdb save api"},
		{[]string{"idxdb", "-s", "redis://me:secret@host/0?password=secret"}, "idxdb -s redis://host/0?…"},
		{[]string{"idxdb", "--store=redis://me:secret@host/0"}, "idxdb --store=redis://host/0"},
		{[]string{"idxdb", "a=b", "\xff"}, "idxdb a=b \uFFFD"},
	} {
		if got := CommandLine(test.args); got != test.want {
			t.Errorf("%q: got %q, want %q", test.args, got, test.want)
		}
	}
	got := CommandLine([]string{"x", long})
	if len(got) > maxCommand || len(got) < maxCommand-4 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("a long one became %d bytes: %q", len(got), got)
	}
}

func TestReadRecord(t *testing.T) {
	good, err := json.Marshal(idxdb.Holder{User: "ann", Host: "h", PID: 7, Command: "idxdb", Operation: "save"})
	if err != nil {
		t.Fatal(err)
	}
	const none = "a process that left no record"
	for name, test := range map[string]struct{ text, want string }{
		"good":             {string(good) + "\n", `ann@h, pid 7, "idxdb", doing save since 0001-01-01T00:00:00Z`},
		"end of an older":  {string(good) + "\nrest of a longer record\"}\n", `ann@h, pid 7, "idxdb", doing save since 0001-01-01T00:00:00Z`},
		"empty":            {"", none},
		"garbage":          {"\x00\x01garbage", none},
		"cut":              {string(good[:len(good)/2]), none},
		"other JSON":       {`[1,2]`, none},
		"no pid":           {`{"user":"ann"}`, none},
		"huge":             {`{"pid":7,"user":"` + strings.Repeat("a", 1<<20) + `"}`, none},
		"terminal escapes": {`{"pid":7,"user":"\u001b[2J","host":"h","since":"2026-01-02T03:04:05Z"}`, "\uFFFD[2J@h, pid 7, \"\", doing  since 2026-01-02T03:04:05Z"},
	} {
		path := filepath.Join(t.TempDir(), "lock")
		text := strings.Repeat(" ", recordOffset) + test.text
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := readRecord(path).String(); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := readRecord(filepath.Join(t.TempDir(), "none")); got != (idxdb.Holder{}) {
		t.Errorf("no file: got %v", got)
	}
}

func TestRecordReplacesAndClears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 10000)), 0o666); err != nil {
		t.Fatal(err)
	}
	h := Self("save")
	writeRecord(path, h)
	if got := readRecord(path); got.PID != h.PID || got.Operation != "save" || !got.Since.Equal(h.Since) {
		t.Errorf("got %v, want %v", got, h)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > maxRecord {
		t.Errorf("the lock file has %v bytes, %v", info.Size(), err)
	}
	clearRecord(path)
	if info, err := os.Stat(path); err != nil || info.Size() != recordOffset {
		t.Errorf("cleared, it has %v bytes, %v", info.Size(), err)
	}
}
