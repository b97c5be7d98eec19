//go:build linux

package stress

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/idxdb/idxdb/sqlitestore"
)

const (
	groups       = 8
	walLimit     = 64 << 20 // bytes
	checkTimeout = time.Minute
)

// A run is many rounds on one store.
type run struct {
	dir       string
	path      string
	seed      uint64
	processes int
	lie       string
	killEvery time.Duration
	think     time.Duration

	states  [groups]state // at the beginning of the next round
	round   int
	ops     map[string]int
	cut     int // operations that were cut off
	slowest map[string]time.Duration
	lives   int
	kills   int
	wal     int64
}

func newRun(dir string, seed uint64, processes int) *run {
	return &run{
		dir: dir, path: filepath.Join(dir, "team.idx"), seed: seed, processes: processes,
		killEvery: 120 * time.Millisecond, think: 4 * time.Millisecond,
		ops: map[string]int{}, slowest: map[string]time.Duration{},
	}
}

// one does one round of about d, and returns what is wrong.
func (u *run) one(d time.Duration) (problems []string) {
	u.round++
	r := rand.New(rand.NewPCG(u.seed, uint64(u.round)))
	dir := filepath.Join(u.dir, fmt.Sprintf("round%05d", u.round))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return []string{err.Error()}
	}
	maxWAL := watchWAL(u.path)
	c := startCrew(u.processes, func(slot, life int) job {
		name := fmt.Sprintf("r%d.s%d.p%d", u.round, slot, life)
		j := job{
			Path: u.path, History: filepath.Join(dir, name+".jsonl"), Name: name, Groups: groups,
			Seed: u.seed ^ uint64(u.round)<<40 ^ uint64(slot)<<20 ^ uint64(life), Lie: u.lie, Think: u.think,
		}
		switch slot {
		case 1:
			j.Role = cleaner
		case 2, 3:
			j.Role = reader
		}
		return j
	})
	c.disturb(r, d, u.killEvery)
	killed := r.IntN(2) == 0
	problems = append(problems, c.close(killed)...)
	u.lives, u.kills = u.lives+c.lives, u.kills+c.kills
	if left := sidecars(u.path); !killed && len(left) > 0 && lastWasClosed(c) {
		problems = append(problems, fmt.Sprintf("all have closed the store, and %v are left", left))
	}

	final, err := u.inventory(r, filepath.Join(dir, "zz-after.jsonl"))
	if err != nil {
		problems = append(problems, err.Error())
	}
	wal := maxWAL()
	if u.wal = max(u.wal, wal); wal > walLimit {
		problems = append(problems, fmt.Sprintf("the WAL had %d MB", wal>>20))
	}
	history, err := readHistories(dir)
	if err != nil {
		return append(problems, err.Error())
	}
	problems = append(problems, u.judge(history)...)
	u.states = final
	if len(problems) == 0 && os.Getenv("IDXDB_STRESS_DIR") == "" {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		problems = append(problems, err.Error())
	}
	for i := range problems {
		problems[i] = fmt.Sprintf("round %d: %s", u.round, problems[i])
	}
	return problems
}

// lastWasClosed is false if a process was killed shortly before the others
// stopped: it may have been the last one, and then nobody was left to clean up.
func lastWasClosed(c *crew) bool {
	for _, p := range c.slots {
		if p != nil && p.killed {
			return false
		}
	}
	return true
}

// judge looks at the errors and checks the history, group by group.
func (u *run) judge(history []done) (problems []string) {
	unexpected := map[string]int{}
	for _, d := range history {
		u.ops[d.Kind]++
		if d.res == nil {
			u.cut++
			continue
		}
		if d.res.Err == errOther {
			unexpected[d.Kind+": "+d.res.Text]++
		}
		u.slowest[d.Kind] = max(u.slowest[d.Kind], time.Duration(d.ret-d.call))
	}
	for text, n := range unexpected {
		problems = append(problems, fmt.Sprintf("%d times an unexpected error: %s", n, text))
	}
	if len(unexpected) > 0 {
		return problems // what such an operation did is not known
	}
	for g, part := range perGroup(history, groups) {
		switch porcupine.CheckOperationsTimeout(model(u.states[g]), part, checkTimeout) {
		case porcupine.Illegal:
			problems = append(problems, fmt.Sprintf("the history of group %d (%d operations) is not linearizable:\n%s",
				g, len(part), explain(model(u.states[g]), part)))
		case porcupine.Unknown:
			problems = append(problems, fmt.Sprintf("the history of group %d (%d operations) could not be checked in %s", g, len(part), checkTimeout))
		}
	}
	return problems
}

// explain shows where the longest order of events that fits ends: its last
// operations, and those that had returned next and do not fit.
func explain(m porcupine.Model, part []porcupine.Operation) string {
	_, info := porcupine.CheckOperationsVerbose(m, part, checkTimeout)
	var longest []porcupine.Operation
	for _, list := range info.PartialLinearizationsOperations() {
		for _, l := range list {
			if len(l) > len(longest) {
				longest = l
			}
		}
	}
	type interval struct{ client, call int64 }
	fitted := map[interval]bool{}
	for _, o := range longest {
		fitted[interval{int64(o.ClientId), o.Call}] = true
	}
	var rest []porcupine.Operation
	for _, o := range part {
		if !fitted[interval{int64(o.ClientId), o.Call}] {
			rest = append(rest, o)
		}
	}
	sort.Slice(rest, func(i, j int) bool { return rest[i].Return < rest[j].Return })
	var b strings.Builder
	show := func(title string, list []porcupine.Operation) {
		fmt.Fprintln(&b, title)
		for _, o := range list {
			fmt.Fprintf(&b, "    %d-%d client %d: %s\n", o.Call, o.Return, o.ClientId, m.DescribeOperation(o.Input, o.Output))
		}
	}
	show("  these fit:", longest[max(0, len(longest)-12):])
	show("  and then none of these:", rest[:min(len(rest), 6)])
	return b.String()
}

// inventory verifies the store while nobody else has it open, and records what
// is in it as the last operations of the round. Every key exists afterwards, so
// that its log tells all there is to know for the next round.
func (u *run) inventory(r *rand.Rand, history string) (states [groups]state, err error) {
	rec, err := newRecorder(history)
	if err != nil {
		return states, err
	}
	defer rec.f.Close()
	w := newWorker(job{Path: u.path, Name: fmt.Sprintf("r%d.after", u.round)}, rec)
	if err := w.open(); err != nil {
		return states, fmt.Errorf("open after the round: %w", err)
	}
	defer w.store.Close()
	if err := verify(w.store); err != nil {
		return states, err
	}
	if err := w.perform(r, op{Kind: opList, Group: -1}, nil); err != nil {
		return states, err
	}
	for g := range groups {
		for key := range 2 {
			if err := u.inventoryKey(w, r, g, key, &states[g][key]); err != nil {
				return states, err
			}
		}
	}
	if err := w.store.Close(); err != nil {
		return states, fmt.Errorf("close after the round: %w", err)
	}
	if left := sidecars(u.path); len(left) > 0 {
		return states, fmt.Errorf("the last one has closed the store, and %v are left", left)
	}
	return states, nil
}

func (u *run) inventoryKey(w *worker, r *rand.Rand, group, key int, k *keyState) error {
	if w.about(group, key).number == 0 {
		sv, c := w.newSave(r, group, key)
		sv.If = nil
		if err := w.perform(r, op{Kind: opSave, Group: group, Key: key, Saves: []save{sv}}, []recipe{c}); err != nil {
			return err
		}
	}
	var list []seen
	for v, err := range w.store.Log(context.Background(), keyName(group, key)) {
		if err != nil {
			return fmt.Errorf("after the round: %w", err)
		}
		list = append(list, seenOf(v))
	}
	for i := len(list) - 1; i >= 0; i-- {
		k.newest = push(k.newest, list[i])
		k.last = list[i].Number
	}
	// The same as an operation, and some of the content.
	ops := []op{{Kind: opLog}, {Kind: opLoad}, {Kind: opLoad, Search: true}}
	for range 4 {
		ops = append(ops, op{Kind: opLoad, Version: list[r.IntN(len(list))].Number, Search: r.IntN(2) == 0})
	}
	for _, o := range ops {
		o.Group, o.Key = group, key
		if err := w.perform(r, o, nil); err != nil {
			return err
		}
	}
	return nil
}

func verify(s *sqlitestore.Store) error {
	report, err := s.Verify(context.Background(), nil)
	if err != nil {
		return err
	}
	if len(report.Damage) > 0 {
		return fmt.Errorf("the file is damaged: %v", report.Damage)
	}
	return nil
}

// summary says what was done.
func (u *run) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds, %d processes started, %d killed, %d operations cut off, WAL at most %.1f MB\n",
		u.round, u.lives, u.kills, u.cut, float64(u.wal)/1e6)
	var kinds []string
	for kind := range u.ops {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	for _, kind := range kinds {
		fmt.Fprintf(&b, "%8d %-7s slowest %s\n", u.ops[kind], kind, u.slowest[kind].Round(time.Millisecond))
	}
	return b.String()
}
