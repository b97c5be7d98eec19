package fsstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// The test binary, started again with this variable, saves into the store that
// it names until it is killed, and prints the number of each save.
const saveForeverEnv = "FSSTORE_TEST_SAVE_FOREVER"

func saveForever(dir string) error {
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	for {
		// Both documents say which save they are of.
		text := idxdb.NewID().String()
		saved, err := s.Save(context.Background(), "a/b",
			docs(`"`+text+`"`, `["`+text+`"]`), idxdb.SaveOptions{})
		if err != nil {
			return err
		}
		fmt.Println(saved.Version.Number)
	}
}

// A writer is killed again and again. What it acknowledged is there, and the
// documents of a version are always of one save, for a reader beside it, for the
// first one after it, and after the next writer.
func TestKilledWriter(t *testing.T) {
	dir := memDir(t)
	s := open(t, dir, Options{})
	save(t, s, "a/b", `"0"`, `["0"]`)
	last := int64(1)
	for round := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), saveForeverEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			t.Fatal("the writer wrote nothing")
		}
		for end := time.Now().Add(time.Duration(20+7*round) * time.Millisecond); time.Now().Before(end); {
			last = max(last, pairOf(t, s))
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for ok := true; ok; ok = lines.Scan() {
			if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				last = max(last, n)
			} else {
				t.Fatalf("the writer says %s", lines.Text())
			}
		}
		_ = cmd.Wait() // it was killed
		if n := pairOf(t, s); n < last {
			t.Fatalf("version %d was there, now %d is", last, n)
		}
		next := open(t, dir, Options{})
		save(t, next, "other", strconv.Itoa(round), "")
		if n := pairOf(t, next); n < last || n > last+1 {
			t.Fatalf("version %d was there, after the next writer %d is", last, n)
		}
		next.Close()
	}
	s.Close()
	checkNothingLeft(t, "after all", dir)
}

// pairOf loads both documents of the newest version and returns its number.
func pairOf(t *testing.T, s *Store) int64 {
	t.Helper()
	for {
		state, v, err := load(s, "a/b", idxdb.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		search, _, err := load(s, "a/b", idxdb.LoadOptions{Version: v.Number, Doc: idxdb.SearchDoc})
		if err != nil && strings.Contains(err.Error(), "only the newest") {
			continue // it is not the newest any more
		}
		if err != nil || search != "["+state+"]" {
			t.Fatalf("version %d: state %s with search %s, %v", v.Number, state, search, err)
		}
		return v.Number
	}
}
