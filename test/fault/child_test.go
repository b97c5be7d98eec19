//go:build linux && (amd64 || arm64)

package fault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// The test binary, started again with this variable, is the process whose
// operations fail: a page fault in a file of a FUSE filesystem that the same
// process serves would never end.
const childEnv = "IDXDB_FAULT_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		childMain(dir)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A step is what the child reports: Outcome is empty when the step begins.
type step struct {
	Name    string
	Outcome string // "ok", "unknown", "failed"
	Text    string
	Key     string // of a save or delete
	Tag     string // of a save
}

// childMain does everything once, and goes on after an error. A step that must
// not be repeated is not.
func childMain(dir string) {
	ctx := context.Background()
	say := func(s step) {
		data, _ := json.Marshal(s) // strings only
		os.Stdout.Write(append(data, '\n'))
	}
	do := func(s step, fn func() error) bool {
		say(s)
		s.Outcome = "ok"
		err := fn()
		switch {
		case errors.Is(err, idxdb.ErrOutcomeUnknown):
			s.Outcome, s.Text = "unknown", err.Error()
		case err != nil:
			s.Outcome, s.Text = "failed", err.Error()
		}
		say(s)
		return err == nil
	}
	var s *sqlitestore.Store
	open := func(name string, create bool) func() error {
		return func() (err error) {
			s, err = sqlitestore.Open(ctx, filepath.Join(dir, name), sqlitestore.Options{
				Create: create, CorruptibleOnNetwork: true, Timeout: 5 * time.Second,
			})
			return err
		}
	}
	saves := func(key, state string) {
		do(step{Name: "save", Key: key, Tag: tagOf(state)}, func() error { return save(s, key, state) })
	}
	// After a failure it opens again, as whoever called it would.
	twice := func(name string, fn func() error) bool {
		for range 2 {
			if do(step{Name: name}, fn) {
				return true
			}
		}
		return false
	}
	if twice("open", open("team.idx", false)) {
		saves("a", document(10, 3))
		do(step{Name: "delete", Key: "b"}, func() error { return s.Delete(ctx, "b", idxdb.DeleteOptions{}) })
		saves("c", document(11, 40))
		do(step{Name: "load"}, func() error { return load(s, "a", 1) })
		do(step{Name: "vacuum"}, func() error { _, err := s.Vacuum(ctx, nil); return err })
		saves("a", document(12, 5))
		do(step{Name: "list"}, func() error {
			for _, err := range s.List(ctx, idxdb.ListOptions{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		do(step{Name: "close"}, func() error { return s.Close() })
	}
	if twice("create", open("new.idx", true)) {
		saves("new", document(13, 2))
		do(step{Name: "close"}, func() error { return s.Close() })
	}
}

func save(s *sqlitestore.Store, key, state string) error {
	docs := idxdb.Documents{State: strings.NewReader(state), Search: strings.NewReader(`{}`)}
	_, err := s.Save(context.Background(), key, docs, idxdb.SaveOptions{Message: tagOf(state)})
	return err
}

// load loads a version and compares it with its message.
func load(s *sqlitestore.Store, key string, number int64) error {
	doc, err := s.Load(context.Background(), key, idxdb.LoadOptions{Version: number})
	if err != nil {
		return err
	}
	defer doc.Body.Close()
	body, err := io.ReadAll(doc.Body)
	if err != nil {
		return err
	}
	if tagOf(string(body)) != doc.Version.Message {
		return fmt.Errorf("%q version %d has other content", key, doc.Version.Number)
	}
	return nil
}

// document returns JSON of n blocks of 2 KB; documents of near seeds share some.
func document(seed uint64, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"seed":%d,"blocks":[0`, seed)
	for i := range n {
		src := rand.New(rand.NewPCG(seed/2, uint64(i)))
		for range 100 {
			fmt.Fprintf(&b, ",%d", src.Uint64())
		}
	}
	b.WriteString("]}")
	return b.String()
}

func tagOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:8])
}
