package fsstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/idxdb/idxdb"
)

// The test binary, started again with this variable, saves as another user into
// the store that it names.
const otherUserEnv = "FSSTORE_TEST_OTHER_USER"

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(otherUserEnv) != "":
		err = saveAsOther(os.Getenv(otherUserEnv))
	case os.Getenv(saveForeverEnv) != "":
		err = saveForever(os.Getenv(saveForeverEnv))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func saveAsOther(dir string) error {
	syscall.Umask(0)
	if err := syscall.Setresuid(65534, 65534, 65534); err != nil {
		return err
	}
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	for key, want := range map[string]error{"theirs": idxdb.ErrReadOnly, "mine": nil} {
		_, err := s.Save(context.Background(), key, docs(`"other"`, ""), idxdb.SaveOptions{})
		if !errors.Is(err, want) || err != nil && want == nil {
			return fmt.Errorf("save %s: %w, want %v", key, err, want)
		}
	}
	if err := s.Delete(context.Background(), "theirs", idxdb.DeleteOptions{}); !errors.Is(err, idxdb.ErrReadOnly) {
		return fmt.Errorf("delete theirs: %w", err)
	}
	if err := s.Rename(context.Background(), "theirs", "new"); !errors.Is(err, idxdb.ErrReadOnly) {
		return fmt.Errorf("rename theirs: %w", err)
	}
	return nil
}

// A directory in which another user may not write is refused before the commit:
// afterwards it would be in everybody's way.
func TestDirectoryOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to be two users")
	}
	dir, err := os.MkdirTemp("", "fsstore") // the parents of t.TempDir are closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s := open(t, dir, Options{})
	save(t, s, "theirs", `"theirs"`, "")
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		mode := os.FileMode(0o666)
		if e.IsDir() {
			mode = 0o777
		}
		if path == s.path("theirs") {
			mode = 0o755
		}
		return errors.Join(err, os.Chmod(path, mode))
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), otherUserEnv+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, want := content(t, s), "mine v1 \"other\" -\ntheirs v1 \"theirs\" -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDirectoryOnAnotherFileSystem(t *testing.T) {
	other := memDir(t)
	dir := t.TempDir()
	if !strings.HasPrefix(other, "/dev/shm") || strings.HasPrefix(dir, "/dev/shm") {
		t.Skip("there is no second file system to try it on")
	}
	s := open(t, dir, Options{})
	if err := errors.Join(os.Symlink(other, s.path("key")), os.WriteFile(filepath.Join(other, stateFile), []byte(`1`), 0o666)); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, s), "key v1 1 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err := s.Save(context.Background(), "key", docs(`2`, ""), idxdb.SaveOptions{})
	if !errors.Is(err, idxdb.ErrUnsupported) {
		t.Errorf("save: %v", err)
	}
	save(t, s, "other", `3`, "") // nothing is in the way
	if got, want := content(t, s), "key v1 1 -\nother v1 3 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
