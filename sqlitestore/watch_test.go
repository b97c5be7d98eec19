package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// A told is what a watcher yielded, and when.
type told struct {
	text string // "KEY NUMBER", or "KEY gone"
	at   time.Time
	err  error
}

// watch starts watching and returns what is told.
func watch(t testing.TB, s *sqlitestore.Store, ctx context.Context, key string) <-chan told {
	t.Helper()
	c := make(chan told, 1000)
	changes := s.Watch(ctx, key)
	go func() {
		defer close(c)
		for change, err := range changes {
			if err != nil {
				c <- told{err: err}
				return
			}
			text := change.Key + " gone"
			if change.Version != nil {
				text = fmt.Sprintf("%s %d", change.Key, change.Version.Number)
				if change.Version.Key != change.Key {
					text = "the change of " + change.Key + " has a version of " + change.Version.Key
				}
			}
			c <- told{text, time.Now(), nil}
		}
	}()
	return c
}

// expect waits until all of want have been told, in this order, and nothing else.
func expect(t testing.TB, c <-chan told, want ...string) (last time.Time) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for len(want) > 0 {
		select {
		case got, ok := <-c:
			if !ok || got.err != nil || got.text != want[0] {
				t.Fatalf("told %q, %v; want %q", got.text, got.err, want)
			}
			want, last = want[1:], got.at
		case <-timeout:
			t.Fatalf("not told of %q", want)
		}
	}
	return last
}

func silent(t testing.TB, c <-chan told, d time.Duration) {
	t.Helper()
	select {
	case got := <-c:
		t.Fatalf("told %q, %v, where nothing had happened", got.text, got.err)
	case <-time.After(d):
	}
}

func ended(t testing.TB, c <-chan told, want error) {
	t.Helper()
	select {
	case got := <-c:
		if !errors.Is(got.err, want) {
			t.Errorf("told %q, %v; want %v", got.text, got.err, want)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("it does not end with %v", want)
	}
}

func TestWatch(t *testing.T) {
	path := newFile(t)
	s, other := open(t, path), open(t, path)
	save(t, other, "other", `1`)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all, one, missing := watch(t, s, ctx, ""), watch(t, s, ctx, "key"), watch(t, s, ctx, "missing")
	silent(t, all, 50*time.Millisecond) // what was there before is no change

	save(t, other, "key", `2`)
	expect(t, all, "key 2")
	expect(t, one, "key 2")
	save(t, s, "key", `3`) // by the store that watches
	expect(t, all, "key 3")
	expect(t, one, "key 3")
	save(t, other, "key", `3`) // unchanged
	save(t, other, "new", `1`)
	expect(t, all, "new 1")
	must(t, other.Delete(ctx, "key", idxdb.DeleteOptions{}))
	expect(t, all, "key gone")
	expect(t, one, "key gone")
	save(t, other, "key", `4`)
	expect(t, all, "key 4")
	expect(t, one, "key 4")
	must(t, other.Rename(ctx, "other", "missing"))
	expect(t, all, "missing 1", "other gone")
	expect(t, missing, "missing 1")
	_, err := other.Clone(ctx, "key", "copy", true)
	must(t, err)
	expect(t, all, "copy 4")
	_, err = other.SaveBatch(ctx, []idxdb.BatchItem{batchItem("a", `1`, idxdb.SaveOptions{}), batchItem("b", `1`, idxdb.SaveOptions{})})
	must(t, err)
	expect(t, all, "a 1", "b 1")
	// Taking a lease, vacuuming and loading are no changes.
	l := takeLease(t, other, "key", idxdb.LeaseOptions{})
	must(t, l.Release(ctx))
	_, err = other.Vacuum(ctx, nil)
	must(t, err)
	load(t, other, "key", 0)
	silent(t, all, 100*time.Millisecond)
	silent(t, one, 0)
	silent(t, missing, 0)

	cancel()
	for _, c := range []<-chan told{all, one, missing} {
		ended(t, c, context.Canceled)
	}
	waitFor(t, func() bool { return s.Watchers() == 0 })
}

func waitFor(t testing.TB, cond func() bool) {
	t.Helper()
	for start := time.Now(); !cond(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("it does not become so")
		}
	}
}

// TestWatchIsQuick demands the median, since the machine may have better things
// to do once in a while.
func TestWatchIsQuick(t *testing.T) {
	path := newFile(t)
	s, other := open(t, path), open(t, path)
	c := watch(t, s, t.Context(), "")
	var delays []time.Duration
	for i := 2; i < 22; i++ {
		time.Sleep(30 * time.Millisecond) // it has gone to sleep
		save(t, other, "key", fmt.Sprint(i))
		saved := time.Now()
		delays = append(delays, expect(t, c, fmt.Sprintf("key %d", i)).Sub(saved))
	}
	slices.Sort(delays)
	t.Logf("told after the save had returned: median %s, at most %s", delays[10], delays[19])
	if delays[10] > 100*time.Millisecond {
		t.Errorf("half of the saves are told of after %s or more", delays[10])
	}
}

// TestWatchMissesNothing has a reader that first watches, then loads: at the end
// it knows the newest version, whenever the saves happen.
func TestWatchMissesNothing(t *testing.T) {
	path := newFile(t)
	s, other := open(t, path), open(t, path)
	for round := range 10 {
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan int64)
		go func() {
			var number int64
			for i := range 10 {
				saved, err := saveWith(other, "key", fmt.Sprint(100*round+i), idxdb.SaveOptions{})
				if err != nil {
					t.Error(err)
					break
				}
				number = saved.Version.Number
			}
			done <- number
		}()
		c := watch(t, s, ctx, "key")
		var last int64
		for v, err := range s.Log(ctx, "key") {
			must(t, err)
			last = v.Number
			break
		}
		want := <-done
		deadline := time.After(20 * time.Second)
		for last < want {
			select {
			case got := <-c:
				must(t, got.err)
				var number int64
				if _, err := fmt.Sscanf(got.text, "key %d", &number); err != nil {
					t.Fatalf("told %q", got.text)
				}
				last = max(last, number)
			case <-deadline:
				t.Fatalf("version %d was never told, the last one was %d", want, last)
			}
		}
		cancel()
	}
}

// TestWatchManyKeys is for stores in which all keys cannot be compared each time.
func TestWatchManyKeys(t *testing.T) {
	path := newFile(t)
	s, other := open(t, path), open(t, path)
	save(t, other, "a", `1`)
	save(t, other, "b", `1`)
	sqlitestore.SetCompareShare(t, 1<<40) // not while this test runs
	c := watch(t, s, t.Context(), "")
	save(t, other, "a", `2`)
	expect(t, c, "a 2") // the first time all are compared
	save(t, other, "b", `2`)
	expect(t, c, "b 2")
	must(t, other.Delete(ctx, "b", idxdb.DeleteOptions{}))
	save(t, other, "b", `3`)
	save(t, other, "new", `1`)
	save(t, other, "a", `3`)
	expect(t, c, "b 3", "new 1", "a 3")
	silent(t, c, 50*time.Millisecond)

	sqlitestore.SetCompareShare(t, 3_000) // some time later
	c = watch(t, s, t.Context(), "")
	save(t, other, "a", `4`)
	expect(t, c, "a 4")
	must(t, other.Delete(ctx, "b", idxdb.DeleteOptions{}))
	must(t, other.Rename(ctx, "new", "old"))
	expect(t, c, "old 1", "b gone", "new gone")
}

func TestWatchEnds(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	c := watch(t, s, t.Context(), "")
	waitFor(t, func() bool { return s.Watchers() == 1 })
	must(t, s.Close())
	ended(t, c, idxdb.ErrClosed)
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("after Close, the watcher still has the file open")
	}
	for _, err := range s.Watch(ctx, "") {
		if !errors.Is(err, idxdb.ErrClosed) {
			t.Errorf("watch after Close: %v", err)
		}
	}

	s = open(t, path)
	for _, err := range s.Watch(ctx, "\n") {
		if !errors.Is(err, idxdb.ErrInvalidKey) {
			t.Errorf("watch a wrong key: %v", err)
		}
	}
	// The loop may end, and may close the store.
	other := open(t, path)
	go saveWith(other, "key", `2`, idxdb.SaveOptions{})
	for c, err := range s.Watch(ctx, "") {
		must(t, err)
		if c.Key != "key" {
			t.Errorf("told of %q", c.Key)
		}
		break
	}
	if n := s.Watchers(); n != 0 {
		t.Errorf("%d watchers have something open", n)
	}
	go saveWith(other, "key", `3`, idxdb.SaveOptions{})
	var last error
	for _, err := range s.Watch(ctx, "") {
		if last = err; err == nil {
			must(t, s.Close())
		}
	}
	if !errors.Is(last, idxdb.ErrClosed) {
		t.Errorf("after the loop closed the store: %v", last)
	}
}

func TestWatchReplacedFile(t *testing.T) {
	for _, replace := range map[string]func(t *testing.T, path string){
		"deleted":  func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"replaced": func(t *testing.T, path string) { must(t, os.Rename(newFile(t), path)) },
	} {
		path := newFile(t)
		s := open(t, path)
		c := watch(t, s, t.Context(), "key")
		waitFor(t, func() bool { return s.Watchers() == 1 })
		replace(t, path)
		ended(t, c, idxdb.ErrReplaced)
	}
}
