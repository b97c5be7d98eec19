//go:build linux

package stress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// swappingMain saves to one key without end. After an error it opens the store
// again, as a user would, but does not make a new one.
func swappingMain(j job, rec *recorder, stop <-chan struct{}) error {
	ctx := context.Background()
	var s *sqlitestore.Store
	defer func() {
		if s != nil {
			s.Close() // of a file that may be gone
		}
	}()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Millisecond):
		}
		if s == nil {
			var err error
			if s, err = sqlitestore.Open(ctx, j.Path, sqlitestore.Options{Timeout: 10 * time.Second}); err != nil {
				s = nil
				continue
			}
		}
		tag := fmt.Sprintf("%s.%d", j.Name, n)
		number, err := rec.call(op{Kind: opSave, Saves: []save{{Tag: tag}}})
		if err != nil {
			return err
		}
		docs := idxdb.Documents{State: strings.NewReader(swapState(tag))}
		_, err = s.Save(ctx, "key-"+j.Name, docs, idxdb.SaveOptions{Message: tag})
		res := &result{Saved: []saved{{}}}
		if err != nil {
			res = &result{Err: errOther, Text: err.Error()}
			if errors.Is(err, idxdb.ErrReplaced) {
				res.Err = "replaced"
			}
			s.Close() // likewise
			s = nil
		}
		if err := rec.ret(number, clock(), res); err != nil {
			return err
		}
	}
}

func swapState(tag string) string {
	return fmt.Sprintf(`{"tag":%q,"text":%q}`, tag, strings.Repeat(tag+" ", 2000))
}

// TestSwap replaces the store while processes save to it. What was saved to the
// old file before is there, and what is saved afterwards is in the file that the
// path names, or the save failed. A backup in its place is not opened before the
// log of the old file is given up, so that nothing is saved afterwards.
func TestSwap(t *testing.T) {
	for _, test := range []struct {
		name    string
		command string // $S is the store, $B a backup of it; $O is where the old file is afterwards
		keepOld bool
		inPlace bool // the same file gets other content, which nobody can rule out
		refused bool // for the log beside it
	}{
		{"Remove", "rm $S", false, false, false},
		{"RemoveAll", "rm -f $S $S-wal $S-shm", false, false, false},
		{"MoveAway", "mv $S $O", true, false, false},
		{"MoveAwayAndBackupIn", "mv $S $O; cp $B $S", true, false, true},
		{"MoveBackupOver", "mv $B $S", false, false, true},
		{"InstallOver", "cp --remove-destination $B $S", false, false, true},
		{"RemoveLog", "rm -f $S-wal $S-shm", false, false, false},
		{"MoveAwayAndBack", "mv $S $O; sleep 0.1; mv $O $S", false, false, false},
		{"CopyOut", "cp $S $O", false, false, false},
		{"CopyOverInPlace", "cp $B $S", false, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := workDir(t)
			path := filepath.Join(dir, "team.idx")
			old, backup := filepath.Join(dir, "old.idx"), filepath.Join(dir, "backup.idx")
			makeStore(t, path, "before")
			if out, err := exec.Command("cp", path, backup).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			c := startCrew(6, func(slot, life int) job {
				name := fmt.Sprintf("w%d", slot)
				return job{Role: swapping, Path: path, Name: name, History: filepath.Join(dir, name+".jsonl")}
			})
			time.Sleep(700 * time.Millisecond)
			cmd := exec.Command("sh", "-c", test.command)
			cmd.Env = append(os.Environ(), "S="+path, "B="+backup, "O="+old)
			begin := clock()
			out, err := cmd.CombinedOutput()
			end := clock()
			if err != nil {
				t.Fatalf("%s: %v: %s", test.command, err, out)
			}
			time.Sleep(700 * time.Millisecond)
			for _, p := range c.close(false) {
				t.Error(p)
			}
			if test.refused {
				giveUpLog(t, path)
			}
			history, err := readHistories(dir)
			if err != nil {
				t.Fatal(err)
			}
			judgeSwap(t, history, begin, end, path, old, test.keepOld, test.inPlace, test.name == "CopyOut")
		})
	}
}

// giveUpLog does what the message of a refused store says, for a backup.
func giveUpLog(t *testing.T, path string) {
	t.Helper()
	s, err := sqlitestore.Open(context.Background(), path, sqlitestore.Options{})
	if err == nil {
		s.Close() // which is the failure
	}
	if !errors.Is(err, idxdb.ErrReplaced) || !strings.Contains(err.Error(), "rm -f team.idx-wal team.idx-shm") {
		t.Errorf("the backup beside the log of the old file: %v, want ErrReplaced with a way out", err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

func judgeSwap(t *testing.T, history []done, begin, end int64, path, old string, keepOld, inPlace, unharmed bool) {
	inNew, newErr := messages(path)
	var inOld map[string]bool
	var oldErr error
	if keepOld {
		inOld, oldErr = messages(old)
	}
	if !inPlace && newErr != nil && !errors.Is(newErr, idxdb.ErrNotFound) {
		t.Errorf("the file in the store's place: %v", newErr)
	}
	if keepOld && oldErr != nil {
		t.Errorf("the store that was moved away: %v", oldErr)
	}
	var before, after, failed, lostBefore, lostAfter int
	for _, d := range history {
		tag := d.Saves[0].Tag
		switch {
		case d.res == nil:
			continue
		case d.res.Err != "":
			failed++
			if d.res.Err == errOther && !inPlace {
				t.Errorf("an error that does not say that the store was replaced: %s", d.res.Text)
			}
		case d.ret < begin:
			before++
			if keepOld && !inOld[tag] || unharmed && !inNew[tag] {
				lostBefore++
			}
		case d.call > end:
			after++
			if !inNew[tag] {
				lostAfter++
			}
		case (keepOld || unharmed) && !inOld[tag] && !inNew[tag]:
			lostBefore++
		}
	}
	t.Logf("%d saves before, %d after, %d failed; the file: %v", before, after, failed, newErr)
	if before == 0 {
		t.Error("nothing was saved before")
	}
	if failed == 0 && !unharmed && !inPlace {
		t.Error("nobody was told that the store was replaced")
	}
	if lostBefore > 0 {
		t.Errorf("%d saves from before are lost", lostBefore)
	}
	if lostAfter > 0 && !(inPlace && newErr != nil) {
		t.Errorf("%d saves were acknowledged after the swap and are not in the file (%v)", lostAfter, newErr)
	}
}

func makeStore(t *testing.T, path, tag string) {
	t.Helper()
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	docs := idxdb.Documents{State: strings.NewReader(swapState(tag))}
	if _, err := s.Save(ctx, "key-"+tag, docs, idxdb.SaveOptions{Message: tag}); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// messages verifies the store at path, and returns the messages of all versions
// whose content is theirs.
func messages(path string) (map[string]bool, error) {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := verify(s); err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for head, err := range s.List(ctx, idxdb.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		for v, err := range s.Log(ctx, head.Key) {
			if err != nil {
				return nil, err
			}
			doc, err := s.Load(ctx, v.Key, idxdb.LoadOptions{Version: v.Number})
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(io.LimitReader(doc.Body, math.MaxInt32))
			doc.Body.Close()
			if err != nil {
				return nil, err
			}
			all[v.Message] = string(body) == swapState(v.Message)
		}
	}
	return all, nil
}
