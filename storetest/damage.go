package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb"
)

var damageSentences = []sentence{
	{name: "Damage/IsAnErrorOrMakesNoDifference", hook: needsFiles, test: testDamage},
}

func needsFiles(c *Config) string {
	if c.Files == nil {
		return "Config.Files is not set: this store has no files in which every byte counts"
	}
	return ""
}

// flips is how many bytes of a store are flipped, one at a time.
const flips = 150

// answers is all that a store says: for each question an answer.
type answers map[string]string

// ask puts the questions that want has answers to; errors are left out.
func (e *env) ask(s idxdb.Store, keys []string, versions int64) answers {
	out := make(answers)
	complete := true
	list := ""
	for v, err := range s.List(e.ctx, idxdb.ListOptions{}) {
		if err != nil {
			complete = false
			break
		}
		list += describe(v)
	}
	if complete {
		out["list"] = list
	}
	for _, k := range keys {
		for n := range versions + 1 {
			for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
				text, v, err := readFrom(e.ctx, s, k, idxdb.LoadOptions{Version: n, Doc: doc})
				question := fmt.Sprintf("load %s version %d %s", k, n, doc)
				switch {
				case err == nil:
					out[question] = describe(v) + text
				case errors.Is(err, idxdb.ErrNotFound):
					out[question] = "not found"
				}
			}
		}
		if h, ok := idxdb.As[idxdb.Historian](s); ok {
			log, complete := "", true
			for v, err := range h.Log(e.ctx, k) {
				if err != nil {
					complete = false
					break
				}
				log += describe(v)
			}
			if complete {
				out["log "+k] = log
			}
		}
	}
	return out
}

func describe(v idxdb.Version) string {
	search := "none"
	if v.Search != nil {
		search = fmt.Sprint(*v.Search)
	}
	return fmt.Sprintln(v.Key, v.Number, v.ID, v.SavedAt.UTC(), v.SavedBy, v.Message, v.Source.Type, v.State, search)
}

// testDamage flips bytes of the store's files, one at a time, and puts the same
// questions again: each must get the right answer or an error.
func testDamage(e *env) {
	seed := e.cfg.seed(e)
	rng := rand.New(rand.NewPCG(seed, 3))
	keys := []string{"key 0", "key 1", "key 2"}
	for i := range 9 {
		search := none
		if i%2 == 0 {
			search = indexText(3000, uint64(i))
		}
		e.saveWith(keys[i%3], "["+indexText(9000, 1)+","+indexText(500, uint64(i))+"]", search,
			idxdb.SaveOptions{Message: fmt.Sprint("save ", i)})
	}
	want := e.ask(e.store, keys, 3)
	if err := e.store.Close(); err != nil {
		e.Fatal(err)
	}
	for _, name := range e.cfg.Files(e.TB, e.dir) {
		good, err := os.ReadFile(name)
		if err != nil {
			e.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			e.Fatal(err)
		}
		write := func(b []byte) {
			// In place and with its old time: what a disk does, not a person.
			if err := errors.Join(overwrite(name, b), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
				e.Fatal(err)
			}
		}
		for range flips {
			at, bit := rng.IntN(len(good)), byte(1)<<rng.IntN(8)
			bad := append([]byte(nil), good...)
			bad[at] ^= bit
			write(bad)
			e.compareDamaged(fmt.Sprintf("%s, byte %d of %d, bit %08b", filepath.Base(name), at, len(good), bit), keys, want)
			write(good)
		}
	}
	e.store = e.open(idxdb.OpenOptions{})
	if got := e.ask(e.store, keys, 3); fmt.Sprint(got) != fmt.Sprint(want) {
		e.Errorf("after the damage was undone the answers are different")
	}
}

func (e *env) compareDamaged(what string, keys []string, want answers) {
	s, err := e.cfg.Open(e.TB, e.dir, idxdb.OpenOptions{ReadOnly: true})
	if err != nil {
		return // noticed
	}
	defer s.Close()
	for question, got := range e.ask(s, keys, 3) {
		if got != want[question] {
			e.Errorf("%s: %s answers %s, want %s", what, question, brief(got), brief(want[question]))
		}
	}
}

func overwrite(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Truncate(int64(len(b))), f.Close())
}
