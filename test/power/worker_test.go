//go:build linux

package power

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
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// The test binary, started again with this variable, is a worker.
const workerEnv = "IDXDB_POWER_WORKER"

func TestMain(m *testing.M) {
	if text := os.Getenv(workerEnv); text != "" {
		if err := workerMain(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A job is what a worker does until it is killed. It alone changes its keys.
type job struct {
	Path    string
	Journal string // on another filesystem
	Name    string
	Seed    uint64
	Keys    []string
	Vacuum  bool // little else
}

func (l line) String() string {
	return fmt.Sprintf("%s %s %q from %s to %s: %s %d %s", l.Kind, l.Key, l.Tag, l.Began.Format(micro), l.At.Format(micro), l.Outcome, l.Number, l.Text)
}

// A line of the journal: one when an operation begins, one when it has ended.
type line struct {
	N       int
	At      time.Time
	Began   time.Time `json:"-"`
	Kind    string    // "save", "delete"; "": it ended
	Key     string
	Tag     string // of a save
	Outcome string // "done", "not done", "unknown"
	Number  int64  // of a save that is done
	Text    string // of an error
}

func workerMain(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	f, err := os.OpenFile(j.Journal, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	log := func(l line) error {
		l.At = time.Now()
		data, err := json.Marshal(l)
		if err == nil {
			_, err = f.Write(append(data, '\n'))
		}
		return err
	}
	ctx := context.Background()
	r := rand.New(rand.NewPCG(j.Seed, 1))
	fmt.Println("begun") // the creation is part of the test
	s, err := sqlitestore.Open(ctx, j.Path, sqlitestore.Options{Create: true, Timeout: 10 * time.Second})
	if err != nil {
		return log(line{Outcome: "unknown", Text: err.Error()})
	}
	failures := 0
	for n := 1; failures < 20; n++ {
		l := line{N: n, Kind: "save", Key: j.Keys[r.IntN(len(j.Keys))]}
		var state string
		switch {
		case r.IntN(12) == 0:
			l.Kind = "delete"
		case j.Vacuum && r.IntN(3) != 0 || r.IntN(20) == 0:
			if _, err := s.Vacuum(ctx, nil); err != nil {
				failures++
			}
			continue
		default:
			state = document(r, fmt.Sprintf("%s.%d", j.Name, n))
			l.Tag = tagOf(state)
		}
		if err := log(l); err != nil {
			return err
		}
		end := line{N: n, Outcome: "done"}
		var saved idxdb.Saved
		var err error
		if l.Kind == "save" {
			docs := idxdb.Documents{State: strings.NewReader(state), Search: strings.NewReader(`{"tag":"` + l.Tag + `"}`)}
			saved, err = s.Save(ctx, l.Key, docs, idxdb.SaveOptions{Message: l.Tag})
			end.Number = saved.Version.Number
		} else {
			err = s.Delete(ctx, l.Key, idxdb.DeleteOptions{})
		}
		switch {
		case errors.Is(err, idxdb.ErrOutcomeUnknown):
			end.Outcome = "unknown"
		case err != nil:
			end.Outcome = "not done"
		}
		if err != nil {
			end.Text = err.Error()
			if !errors.Is(err, idxdb.ErrNotFound) {
				failures++
			}
		}
		if err := log(end); err != nil {
			return err
		}
	}
	io.Copy(io.Discard, os.Stdin) // until it is killed
	return nil
}

// document returns JSON of 5 to 150 KB, whose parts occur in other documents too.
func document(r *rand.Rand, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"name":%q,"blocks":[0`, name)
	for range 1 + r.IntN(30) {
		src := rand.New(rand.NewPCG(uint64(r.IntN(60)), 9))
		for range 250 {
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
