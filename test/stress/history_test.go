//go:build linux

package stress

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/anishathalye/porcupine"
	"golang.org/x/sys/unix"
)

// A line is what a process appends to its history: at the call of an operation,
// and at its return. A process that is killed has written all lines before.
type line struct {
	N   int64   `json:"n"`
	At  int64   `json:"at"` // ns, of a clock that all processes share
	Op  *op     `json:"op,omitempty"`
	Res *result `json:"res,omitempty"`
}

// clock is monotonic and the same in all processes.
func clock() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // it cannot be missing on Linux
	}
	return ts.Nano()
}

// A recorder writes the history of one process.
type recorder struct {
	mu sync.Mutex
	f  *os.File
	n  int64
}

func newRecorder(path string) (*recorder, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	return &recorder{f: f}, err
}

// call records that o begins; it returns o's number. The time is taken before
// the line is written, and at a return after the operation, so the recorded
// interval contains the real one.
func (r *recorder) call(o op) (int64, error) {
	at := clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	return r.n, r.write(line{N: r.n, At: at, Op: &o})
}

func (r *recorder) ret(n, at int64, res *result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.write(line{N: n, At: at, Res: res})
}

func (r *recorder) write(l line) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = r.f.Write(append(data, '\n')) // one write, so that a kill leaves whole lines
	return err
}

// A done is an operation of a merged history.
type done struct {
	op
	res       *result // nil: cut off
	call, ret int64
	client    int
}

// readHistories merges the files in dir.
func readHistories(dir string) ([]done, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []done
	for client, name := range names {
		list, err := readHistory(name, client)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func readHistory(name string, client int) ([]done, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []done
	at := map[int64]int{}
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		text, err := r.ReadBytes('\n')
		if err != nil {
			return list, nil // a line that a kill cut short says nothing
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		if l.Op != nil {
			at[l.N] = len(list)
			list = append(list, done{op: *l.Op, call: l.At, ret: math.MaxInt64, client: client})
			continue
		}
		i, ok := at[l.N]
		if !ok || l.Res == nil {
			return nil, fmt.Errorf("operation %d returned without a call", l.N)
		}
		list[i].res, list[i].ret = l.Res, l.At
	}
}

// perGroup divides a history by group. An operation that only looked and was cut
// off says nothing, and is left out.
func perGroup(all []done, groups int) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, groups)
	add := func(g int, d done, res *result) {
		parts[g] = append(parts[g], porcupine.Operation{
			ClientId: d.client, Input: d.op, Output: res, Call: d.call, Return: d.ret,
		})
	}
	for _, d := range all {
		looks := d.Kind == opLoad || d.Kind == opLog || d.Kind == opList
		switch {
		case d.Kind == opVacuum || d.Kind == opReopen, looks && d.res == nil:
		case d.Kind == opList:
			for g := range parts {
				part := &result{Err: d.res.Err, Heads: map[int]*seen{}}
				for _, l := range d.res.Listed {
					if l.Group == g {
						part.Heads[l.Key] = &l.seen
					}
				}
				add(g, d, part)
			}
		default:
			add(d.Group, d, d.res)
		}
	}
	return parts
}
