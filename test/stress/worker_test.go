//go:build linux

package stress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// The test binary, started again with this variable, is a worker.
const workerEnv = "IDXDB_STRESS_WORKER"

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

// A job is what the parent asks of a worker.
type job struct {
	Path    string
	History string
	Name    string // occurs nowhere else
	Seed    uint64
	Groups  int
	Role    role
	Lie     string // see lies_test.go; "" is the truth
	Think   time.Duration
}

type role int

const (
	mixed    role = iota // everything
	reader               // opened for reading only
	cleaner              // vacuums most of the time
	swapping             // only saves, and goes on after an error; see swap_test.go
)

func workerMain(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin) // the parent closes it
		close(stop)
	}()
	rec, err := newRecorder(j.History)
	if err != nil {
		return err
	}
	if j.Role == swapping {
		return swappingMain(j, rec, stop)
	}
	w := newWorker(j, rec)
	if err := w.open(); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	threads := 1
	if j.Seed%4 == 0 {
		threads = 2 // two goroutines share a store
	}
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range threads {
		all.Go(func() {
			r := rand.New(rand.NewPCG(j.Seed, uint64(i)))
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(r.Int64N(int64(2*j.Think + 1)))):
				}
				if err := w.one(r); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	if err := w.store.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// A worker does random operations and remembers what it saw, to aim at it.
type worker struct {
	job
	rec   *recorder
	names atomic.Int64

	using sync.RWMutex // exclusively by who opens the store again
	store *sqlitestore.Store

	mu    sync.Mutex
	known map[[2]int]knowledge // by group and key
	first map[[2]int]seen      // what it saw of a key at first, for lies
}

// knowledge is what a worker last heard of a key.
type knowledge struct {
	number int64 // of the newest version; 0: none
	id     string
	recipe recipe // of the last document it saved
	saved  save   // likewise; Tag is empty if there is none
}

func newWorker(j job, rec *recorder) *worker {
	return &worker{job: j, rec: rec, known: map[[2]int]knowledge{}, first: map[[2]int]seen{}}
}

func (w *worker) open() (err error) {
	w.store, err = sqlitestore.Open(context.Background(), w.Path, sqlitestore.Options{
		Create:   true,
		ReadOnly: w.Role == reader,
		Timeout:  time.Minute,
		Readers:  1 + int(w.Seed%3),
	})
	if w.Role == reader && errors.Is(err, idxdb.ErrNotFound) { // nobody has made it yet
		time.Sleep(50 * time.Millisecond)
		return w.open()
	}
	return err
}

// keyName is the key of a group; the numbers make the order of a list.
func keyName(group, key int) string { return fmt.Sprintf("team/g%02d@%c", group, 'a'+rune(key)) }

func parseKey(name string) (group, key int, err error) {
	digits, letter, ok := strings.Cut(strings.TrimPrefix(name, "team/g"), "@")
	if group, err = strconv.Atoi(digits); err != nil || !ok || len(letter) != 1 || letter[0] < 'a' || letter[0] > 'b' {
		return 0, 0, fmt.Errorf("nobody saved the key %q", name)
	}
	return group, int(letter[0] - 'a'), nil
}

// chooses reports whether the ids of a group's saves are left to the store.
// There, no operation aims at an id: a save that was cut off has one that
// nobody knows.
func chooses(group int) bool { return group%4 == 3 }

// choose makes up the next operation.
func (w *worker) choose(r *rand.Rand) op {
	o := op{Group: r.IntN(w.Groups), Key: r.IntN(2)}
	n := r.IntN(1000)
	switch w.Role {
	case reader:
		n = 500 + r.IntN(450)
	case cleaner:
		if n < 600 {
			n = 990
		}
	}
	k := w.about(o.Group, o.Key)
	switch {
	case n < 330:
		o.Kind = opSave
	case n < 370:
		o.Kind = opBatch
	case n < 430:
		o.Kind = opDelete
		o.If = w.condition(r, o.Group, k)
	case n < 460:
		o.Kind = opRename
	case n < 490:
		o.Kind, o.All = opClone, r.IntN(2) == 0
	case n < 820:
		o.Kind, o.Search = opLoad, r.IntN(4) == 0
		if r.IntN(2) == 0 && k.number > 0 {
			o.Version = 1 + r.Int64N(k.number+1)
		}
	case n < 890:
		o.Kind = opLog
	case n < 950:
		o.Kind, o.Group = opList, -1
	case n < 970:
		o.Kind, o.Group = opReopen, -1
	case n < 992:
		o.Kind, o.Group = opVacuum, -1
		if w.Role == mixed && r.IntN(2) == 0 {
			o.Kind = opList
		}
	default:
		o.Kind, o.Version = opLoad, k.number
	}
	o.Expires = r.IntN(25) == 0 && o.Kind != opReopen
	return o
}

// condition is none, one that is likely to hold, or one that may not.
func (w *worker) condition(r *rand.Rand, group int, k knowledge) *cond {
	switch n := r.IntN(10); {
	case n < 4:
		return nil
	case n < 8 && k.id != "" && !chooses(group):
		return &cond{ID: k.id}
	case n < 9:
		number := k.number
		return &cond{Version: &number}
	}
	number := max(0, k.number-1)
	return &cond{Version: &number}
}

// newSave makes up a save of one key, and its document.
func (w *worker) newSave(r *rand.Rand, group, key int) (save, recipe) {
	k := w.about(group, key)
	if k.saved.Tag != "" && r.IntN(8) == 0 { // the same bytes again
		sv := k.saved
		sv.If = w.condition(r, group, k)
		if !chooses(group) && r.IntN(2) == 0 {
			sv.ID = idxdb.NewID().String() // else: the same save
		}
		return sv, k.recipe
	}
	name := fmt.Sprintf("%s.%d", w.Name, w.names.Add(1))
	c := newRecipe(r, name, group)
	if k.saved.Tag != "" {
		c = k.recipe.next(r, name)
	}
	sv := save{Key: key, Search: r.IntN(2) == 0, Tag: tagOf(c.state()), If: w.condition(r, group, k)}
	if !chooses(group) {
		sv.ID = idxdb.NewID().String()
	}
	return sv, c
}

func (w *worker) about(group, key int) knowledge {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[[2]int{group, key}]
}

func (w *worker) learn(group, key int, change func(*knowledge)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.known[[2]int{group, key}]
	change(&k)
	w.known[[2]int{group, key}] = k
}
