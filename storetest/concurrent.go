package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/idxdb/idxdb"
)

var concurrentSentences = []sentence{
	{name: "Concurrent/OneOfManyConditionalSavesWins", test: testRace},
	{name: "Concurrent/EverySaveIsOneVersion", test: testConcurrentSaves},
	{name: "Concurrent/AddingUpLosesNothing", test: testIncrements},
	{name: "Concurrent/SavesAndDeletesBesideVacuum", needs: []capability{vacuum}, test: testChurn},
}

// testRace lets many savers expect the same version, on two handles.
func testRace(e *env) {
	handles := []idxdb.Store{e.store, e.open(idxdb.OpenOptions{})}
	const savers = 8
	for round := range int64(8) {
		var wg sync.WaitGroup
		errs := make([]error, savers)
		saved := make([]idxdb.Saved, savers)
		for i := range savers {
			wg.Go(func() {
				saved[i], errs[i] = handles[i%2].Save(e.ctx, "key", docs(fmt.Sprintf(`[%d,%d]`, round, i), none),
					idxdb.SaveOptions{If: idxdb.IfVersion(round)})
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				e.Errorf("round %d: savers %d and %d both won", round, winner, i)
			case err == nil:
				winner = i
			case !errors.Is(err, idxdb.ErrConflict):
				e.Errorf("round %d: %v, want a conflict", round, err)
			}
		}
		if winner < 0 {
			e.Fatalf("round %d: nobody won: %v", round, errors.Join(errs...))
		}
		e.number(saved[winner], round+1)
		e.holds("key", fmt.Sprintf(`[%d,%d]`, round, winner), none)
	}
}

// testConcurrentSaves lets many save to few keys and accounts for every save.
func testConcurrentSaves(e *env) {
	handles := []idxdb.Store{e.store, e.open(idxdb.OpenOptions{})}
	const savers, each = 6, 15
	type ack struct {
		saved idxdb.Saved
		text  string
	}
	acks := make([][]ack, savers)
	var wg sync.WaitGroup
	for i := range savers {
		wg.Go(func() {
			for n := range each {
				key := fmt.Sprintf("key %d", (i+n)%3)
				text := fmt.Sprintf(`["saver %d save %d",%s]`, i, n, indexText(5000, uint64(n)))
				saved, err := handles[i%2].Save(e.ctx, key, docs(text, text), idxdb.SaveOptions{})
				if err != nil {
					e.Errorf("Save: %v", err)
					return
				}
				acks[i] = append(acks[i], ack{saved, text})
				got, v, err := readFrom(e.ctx, handles[(i+1)%2], key, idxdb.LoadOptions{})
				if err != nil || v.Number < saved.Version.Number || v.Number == saved.Version.Number && got != text {
					e.Errorf("after version %d of %q was saved version %d was loaded: %s, %v",
						saved.Version.Number, key, v.Number, brief(got), err)
				}
			}
		})
	}
	wg.Wait()
	byKey := make(map[string]map[int64]ack)
	for _, a := range slices.Concat(acks...) {
		v := a.saved.Version
		if byKey[v.Key] == nil {
			byKey[v.Key] = make(map[int64]ack)
		}
		if other, taken := byKey[v.Key][v.Number]; taken || a.saved.Unchanged {
			e.Errorf("%q version %d: %s was taken for %s", v.Key, v.Number, brief(a.text), brief(other.text))
		}
		byKey[v.Key][v.Number] = a
	}
	for key, versions := range byKey {
		newest := int64(len(versions)) // the numbers have no gap
		a, ok := versions[newest]
		if !ok {
			e.Fatalf("%q was saved %d times, but there is no version %d", key, newest, newest)
		}
		if v := e.holds(key, a.text, a.text); v.Number != newest || v.ID != a.saved.Version.ID {
			e.Errorf("%q is version %d, want %d", key, v.Number, newest)
		}
		if !e.has(history) {
			continue
		}
		log := e.log(key)
		if int64(len(log)) != newest {
			e.Errorf("Log(%q) has %d versions, want %d", key, len(log), newest)
		}
		for _, v := range log {
			a := versions[v.Number]
			if v.ID != a.saved.Version.ID {
				e.Errorf("Log(%q) has version %d with id %s, saved was %s", key, v.Number, v.ID, a.saved.Version.ID)
			}
			if got, _ := e.load(key, idxdb.LoadOptions{Version: v.Number}); got != a.text {
				e.Errorf("%q version %d: %s, want %s", key, v.Number, brief(got), brief(a.text))
			}
		}
	}
}

// testIncrements is what an indexer does: load, change, save if still the same.
func testIncrements(e *env) {
	handles := []idxdb.Store{e.store, e.open(idxdb.OpenOptions{})}
	e.save("count", `0`, none)
	const workers, each = 4, 8
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			s := handles[i%2]
			for done := 0; done < each; {
				text, v, err := readFrom(e.ctx, s, "count", idxdb.LoadOptions{})
				var n int
				if _, scanErr := fmt.Sscan(text, &n); err != nil || scanErr != nil {
					e.Errorf("Load: %q, %v, %v", text, err, scanErr)
					return
				}
				cond := idxdb.IfMatch(v.ID)
				if done%2 == 0 {
					cond = idxdb.IfVersion(v.Number)
				}
				_, err = s.Save(e.ctx, "count", docs(fmt.Sprint(n+1), none), idxdb.SaveOptions{If: cond})
				switch {
				case err == nil:
					done++
				case !errors.Is(err, idxdb.ErrConflict):
					e.Errorf("Save: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if v := e.holds("count", fmt.Sprint(workers*each), none); v.Number != workers*each+1 {
		e.Errorf("after %d saves the version is %d", workers*each, v.Number)
	}
}

// testChurn saves and deletes content that keys share while it is collected.
func testChurn(e *env) {
	handles := []idxdb.Store{e.store, e.open(idxdb.OpenOptions{})}
	shared := []string{indexText(60_000, 70), indexText(60_000, 71), indexText(60_000, 72)}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 3 {
		wg.Go(func() {
			key := fmt.Sprint("key ", i)
			s := handles[i%2]
			for n := range 20 {
				text := fmt.Sprintf("[%s,%d,%d]", shared[(i+n)%3], i, n)
				if _, err := s.Save(e.ctx, key, docs(text, text), idxdb.SaveOptions{}); err != nil {
					e.Errorf("Save beside Vacuum: %v", err)
					return
				}
				if got, _, err := readFrom(e.ctx, s, key, idxdb.LoadOptions{}); err != nil || got != text {
					e.Errorf("Load beside Vacuum: %s, %v; want %s", brief(got), err, brief(text))
				}
				if n%2 == 0 {
					if err := s.Delete(e.ctx, key, idxdb.DeleteOptions{}); err != nil {
						e.Errorf("Delete beside Vacuum: %v", err)
					}
				}
			}
		})
	}
	collected := make(chan error, 1)
	go func() {
		v, _ := idxdb.As[idxdb.Vacuumer](handles[1])
		for {
			select {
			case <-stop:
				collected <- nil
				return
			default:
			}
			if _, err := v.Vacuum(e.ctx, nil); err != nil {
				collected <- err
				return
			}
		}
	}()
	wg.Wait()
	close(stop)
	if err := <-collected; err != nil {
		e.Errorf("Vacuum beside saves and deletes: %v", err)
	}
	for i := range 3 {
		text := fmt.Sprintf("[%s,%d,%d]", shared[(i+19)%3], i, 19)
		e.holds(fmt.Sprint("key ", i), text, text)
	}
}
