package idxdb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCommand runs the first command of the README as a reader would, in
// an empty folder instead of the clone.
func TestReadmeCommand(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("NOT TESTED: there is no sh to run the README's first command with")
	}
	repo, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	command, printed := firstCommand(t)
	const build = "go build -o idxdb ./cmd/idxdb"
	if !strings.HasPrefix(command, build) {
		t.Fatalf("the README's first command does not begin with %q", build)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(repo, "testdata"), filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	command = "go build -C '" + repo + "' -o '" + dir + "/idxdb' ./cmd/idxdb" + strings.TrimPrefix(command, build)
	cmd := exec.Command(sh, "-c", command)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, want := shape(string(out)), shape(printed)
	if got != want {
		t.Errorf("the README's first command prints\n%s\nthe README says\n%s", got, want)
	}
}

// firstCommand returns the first sh block of the README, and the block of output
// behind it.
func firstCommand(t *testing.T) (command, output string) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```\n\n```\n(.*?)```").FindSubmatch(text)
	if blocks == nil {
		t.Fatal("the README has no sh block that is followed by its output")
	}
	return string(blocks[1]), string(blocks[2])
}

// shape replaces what differs from run to run: ids, times, who and where, and
// the sizes that follow from them.
func shape(s string) string {
	for _, r := range [][2]string{
		{`id [0-9a-f]{32}`, "id ID"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d`, "TIME"},
		{`(?m)^store .*$`, "store PATH"},
		{`\S+@\S+`, "WHO"},
		{`stored in \d+ kB`, "stored in SIZE"},
		{`on disk +\d+ kB`, "on disk SIZE"},
		{` +`, " "},
		{`(?m) +$`, ""},
	} {
		s = regexp.MustCompile(r[0]).ReplaceAllString(s, r[1])
	}
	return s
}

// TestReadmeLinks makes sure that every file the documentation points to is
// there.
func TestReadmeLinks(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "internal/schema/FORMAT.md")
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			target := string(m[1])
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s points to %s: %v", page, target, err)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d links were found", checked)
	}
}
