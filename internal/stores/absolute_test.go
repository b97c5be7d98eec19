package stores

import (
	"errors"
	"os"
	"testing"

	"github.com/idxdb/idxdb"
)

func TestAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"team.idx":                        "sqlite:" + dir + "/team.idx",
		"sqlite:a/../team.idx?timeout=5s": "sqlite:" + dir + "/team.idx?timeout=5s",
		"sqlite:50%25%3F.idx":             "sqlite:" + dir + "/50%25%3F.idx",
		"/x/team.idx":                     "sqlite:/x/team.idx",
		"sqlite:/x/team.idx?readers=2":    "sqlite:/x/team.idx?readers=2",
		"file:":                           "file:",
		"other://host/path":               "other://host/path",
	} {
		if got, err := Absolute(arg); err != nil || got != want {
			t.Errorf("Absolute(%q) = %q, %v; want %q", arg, got, err, want)
		}
	}
	if _, err := Absolute("team.unknown"); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("a name that says nothing: %v", err)
	}
}
