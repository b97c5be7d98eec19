package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

func takeLease(t testing.TB, s *sqlitestore.Store, key string, opts idxdb.LeaseOptions) idxdb.Lease {
	t.Helper()
	l, err := s.Lease(ctx, key, opts)
	must2(t, err)
	return l
}

func saveWith(s idxdb.Store, key, state string, opts idxdb.SaveOptions) (idxdb.Saved, error) {
	return s.Save(ctx, key, idxdb.Documents{State: strings.NewReader(state)}, opts)
}

func isLost(l idxdb.Lease) bool {
	select {
	case <-l.Lost():
		return true
	default:
		return false
	}
}

func TestLease(t *testing.T) {
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	save(t, a, "other", `1`)
	l := takeLease(t, a, "key", idxdb.LeaseOptions{})
	info := l.Info()
	if info.Key != "key" || info.Fence != 1 || info.TTL != idxdb.DefaultLeaseTTL || info.Holder.PID != os.Getpid() || l.Token().Key != "key" {
		t.Errorf("the lease is %+v", info)
	}
	list, err := b.Leases(ctx)
	must(t, err)
	if len(list) != 1 || list[0].Key != "key" || list[0].Fence != 1 || list[0].Holder.PID != os.Getpid() || list[0].TTL != info.TTL {
		t.Errorf("held are %+v", list)
	}

	// Whoever does not have it can do nothing to the key, and is told why.
	for _, s := range []*sqlitestore.Store{a, b} {
		_, saveErr := saveWith(s, "key", `2`, idxdb.SaveOptions{})
		_, sameErr := saveWith(s, "key", `{"a":1}`, idxdb.SaveOptions{}) // not even nothing
		_, leaseErr := s.Lease(ctx, "key", idxdb.LeaseOptions{})
		_, cloneErr := s.Clone(ctx, "other", "key", true)
		_, batchErr := s.SaveBatch(ctx, []idxdb.BatchItem{batchItem("new", `1`, idxdb.SaveOptions{}), batchItem("key", `3`, idxdb.SaveOptions{})})
		_, importErr := s.Import(ctx, idxdb.Version{Key: "key", ID: idxdb.NewID(), Number: 9, SavedAt: time.Now()},
			idxdb.Documents{State: strings.NewReader(`4`)}, idxdb.Condition{})
		for what, err := range map[string]error{
			"save": saveErr, "save what is there": sameErr, "lease": leaseErr, "clone": cloneErr, "batch": batchErr, "import": importErr,
			"delete":         s.Delete(ctx, "key", idxdb.DeleteOptions{}),
			"rename from it": s.Rename(ctx, "key", "free"),
			"rename to it":   s.Rename(ctx, "other", "key"),
		} {
			var held *idxdb.LeaseHeldError
			if !errors.As(err, &held) || !errors.Is(err, idxdb.ErrLocked) || held.Lease.Holder.PID != os.Getpid() {
				t.Errorf("%s: %v, want a LeaseHeldError", what, err)
			}
		}
	}
	if got := load(t, b, "key", 0); got != `{"a":1}` {
		t.Errorf("the key has %s", got)
	}
	// Other keys go on, and the key can be read.
	save(t, b, "other", `2`)

	// With the lease, or ignoring it, all works.
	saved, err := saveWith(b, "key", `"with"`, idxdb.SaveOptions{Lease: l.Token()})
	must(t, err)
	if saved.Version.Number != 2 {
		t.Errorf("version %d", saved.Version.Number)
	}
	_, err = saveWith(b, "key", `"ignored"`, idxdb.SaveOptions{IgnoreLease: true})
	must(t, err)
	must(t, b.Delete(ctx, "key", idxdb.DeleteOptions{Lease: l.Token()}))
	_, err = saveWith(b, "key", `"again"`, idxdb.SaveOptions{Lease: l.Token()})
	must(t, err)
	must(t, b.Delete(ctx, "key", idxdb.DeleteOptions{IgnoreLease: true}))

	if _, err := saveWith(b, "other", `3`, idxdb.SaveOptions{Lease: l.Token()}); !errors.Is(err, idxdb.ErrUsage) {
		t.Errorf("a lease on another key: %v, want ErrUsage", err)
	}

	must(t, l.Release(ctx))
	must(t, l.Release(ctx)) // again: nothing
	if isLost(l) {
		t.Error("a lease that was given back counts as lost")
	}
	for what, err := range map[string]error{
		"save":   second(saveWith(b, "key", `5`, idxdb.SaveOptions{Lease: l.Token()})),
		"delete": b.Delete(ctx, "key", idxdb.DeleteOptions{Lease: l.Token()}),
	} {
		var lost *idxdb.LeaseLostError
		if !errors.As(err, &lost) || !errors.Is(err, idxdb.ErrConflict) || lost.Current != nil {
			t.Errorf("%s with a lease that has ended: %v, want a LeaseLostError", what, err)
		}
	}
	save(t, b, "key", `6`)
	l = takeLease(t, b, "key", idxdb.LeaseOptions{})
	if l.Info().Fence != 3 {
		t.Errorf("after taking, ending and taking, the number is %d", l.Info().Fence)
	}
	must(t, l.Release(ctx))
	clean(t, a)
}

func second[T any](_ T, err error) error { return err }

func batchItem(key, state string, opts idxdb.SaveOptions) idxdb.BatchItem {
	return idxdb.BatchItem{Key: key, Opts: opts, Open: func() (idxdb.Documents, func(), error) {
		return idxdb.Documents{State: strings.NewReader(state)}, func() {}, nil
	}}
}

func TestLeaseOfAKeyThatDoesNotExist(t *testing.T) {
	s := open(t, newFile(t))
	l := takeLease(t, s, "new", idxdb.LeaseOptions{If: idxdb.IfVersion(0)})
	if n := keys(t, s); n != 1 {
		t.Errorf("a lease made a key: there are %d", n)
	}
	if _, err := s.Load(ctx, "new", idxdb.LoadOptions{}); !errors.Is(err, idxdb.ErrNotFound) {
		t.Errorf("load: %v, want ErrNotFound", err)
	}
	if _, err := saveWith(s, "new", `1`, idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrLocked) {
		t.Errorf("save: %v, want ErrLocked", err)
	}
	saved, err := saveWith(s, "new", `1`, idxdb.SaveOptions{Lease: l.Token()})
	must(t, err)
	if saved.Version.Number != 1 || keys(t, s) != 2 {
		t.Errorf("the first version has number %d, and there are %d keys", saved.Version.Number, keys(t, s))
	}
	// A retry recognises its own success, also when the lease has ended since.
	id := idxdb.NewID()
	saved, err = saveWith(s, "new", `2`, idxdb.SaveOptions{Lease: l.Token(), ID: id})
	must(t, err)
	must(t, l.Release(ctx))
	again, err := saveWith(s, "new", `2`, idxdb.SaveOptions{Lease: l.Token(), ID: id})
	must(t, err)
	if !again.Unchanged || again.Version.Number != saved.Version.Number {
		t.Errorf("the retry became %+v", again)
	}
	clean(t, s)
}

func keys(t testing.TB, s idxdb.Store) (n int) {
	t.Helper()
	for _, err := range s.List(ctx, idxdb.ListOptions{}) {
		must2(t, err)
		n++
	}
	return n
}

func TestLeaseRefuses(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	for what, test := range map[string]struct {
		key  string
		opts idxdb.LeaseOptions
		want error
	}{
		"no key":         {"", idxdb.LeaseOptions{}, idxdb.ErrInvalidKey},
		"short TTL":      {"key", idxdb.LeaseOptions{TTL: time.Millisecond}, idxdb.ErrUsage},
		"negative TTL":   {"key", idxdb.LeaseOptions{TTL: -time.Hour}, idxdb.ErrUsage},
		"wrong version":  {"key", idxdb.LeaseOptions{If: idxdb.IfVersion(7)}, idxdb.ErrConflict},
		"must not exist": {"key", idxdb.LeaseOptions{If: idxdb.IfVersion(0)}, idxdb.ErrConflict},
		"must exist":     {"new", idxdb.LeaseOptions{If: idxdb.IfVersion(1)}, idxdb.ErrConflict},
		"another's id":   {"key", idxdb.LeaseOptions{If: idxdb.IfMatch(idxdb.NewID())}, idxdb.ErrConflict},
	} {
		if l, err := s.Lease(ctx, test.key, test.opts); !errors.Is(err, test.want) || l != nil {
			t.Errorf("%s: %v, %v, want %v", what, l, err, test.want)
		}
	}
	if list, err := s.Leases(ctx); err != nil || len(list) != 0 {
		t.Errorf("held are %v, %v", list, err)
	}
	save(t, s, "key", `2`) // nothing stands in the way

	r, err := sqlitestore.Open(ctx, path, sqlitestore.Options{ReadOnly: true})
	must(t, err)
	defer r.Close()
	if _, err := r.Lease(ctx, "key", idxdb.LeaseOptions{}); !errors.Is(err, idxdb.ErrReadOnly) {
		t.Errorf("a store for reading only: %v", err)
	}
	l := takeLease(t, s, "key", idxdb.LeaseOptions{})
	must(t, s.Close())
	if err := l.Release(ctx); !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("release after close: %v", err)
	}
	if _, err := s.Lease(ctx, "key", idxdb.LeaseOptions{}); !errors.Is(err, idxdb.ErrClosed) {
		t.Errorf("lease after close: %v", err)
	}
	// The store of the holder is closed, so its lease is nobody's.
	s = open(t, path)
	save(t, s, "key", `3`)
	if list, err := s.Leases(ctx); err != nil || len(list) != 0 {
		t.Errorf("held are %v, %v", list, err)
	}
	clean(t, s)
}

func TestWaitForLease(t *testing.T) {
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	l := takeLease(t, a, "key", idxdb.LeaseOptions{TTL: time.Second})
	start := time.Now()
	_, err := b.Lease(ctx, "key", idxdb.LeaseOptions{Wait: 1500 * time.Millisecond}) // longer than the TTL: it is renewed
	var held *idxdb.LeaseHeldError
	if !errors.As(err, &held) || held.Waited < 1500*time.Millisecond || held.Err != nil || time.Since(start) > 10*time.Second {
		t.Fatalf("after %s: %v, want a LeaseHeldError", time.Since(start), err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := b.Lease(short, "key", idxdb.LeaseOptions{Wait: -1}); !errors.Is(err, idxdb.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context ended: %v", err)
	}
	got := make(chan idxdb.Lease)
	go func() {
		next, err := b.Lease(ctx, "key", idxdb.LeaseOptions{Wait: -1})
		if err != nil {
			t.Error(err)
		}
		got <- next
	}()
	time.Sleep(20 * time.Millisecond)
	must(t, l.Release(ctx))
	next := <-got
	must(t, next.Release(ctx))

	// Whoever waits with a condition learns that the work was done meanwhile.
	l = takeLease(t, a, "key", idxdb.LeaseOptions{})
	failed := make(chan error)
	go func() {
		_, err := b.Lease(ctx, "key", idxdb.LeaseOptions{Wait: -1, If: idxdb.IfVersion(1)})
		failed <- err
	}()
	_, err = saveWith(a, "key", `2`, idxdb.SaveOptions{Lease: l.Token()})
	must(t, err)
	must(t, l.Release(ctx))
	var conflict *idxdb.ConflictError
	if err := <-failed; !errors.As(err, &conflict) || conflict.Current == nil || conflict.Current.Number != 2 {
		t.Errorf("the one who waited was told %v", err)
	}
}

func TestLeaseGoesToOneAtATime(t *testing.T) {
	path := newFile(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	fences := map[int64]bool{}
	var holding bool
	for range 4 {
		s := open(t, path)
		wg.Go(func() {
			for range 5 {
				l, err := s.Lease(ctx, "key", idxdb.LeaseOptions{Wait: -1, TTL: time.Minute})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if holding || fences[l.Info().Fence] {
					t.Errorf("lease %d was given to two", l.Info().Fence)
				}
				holding, fences[l.Info().Fence] = true, true
				mu.Unlock()
				if _, err := saveWith(s, "key", fmt.Sprint(l.Info().Fence), idxdb.SaveOptions{Lease: l.Token()}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				holding = false
				mu.Unlock()
				if err := l.Release(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(fences) != 20 {
		t.Errorf("there were %d leases", len(fences))
	}
}

// TestLeaseAndClocks turns every clock that is on disk: nothing is decided by one.
func TestLeaseAndClocks(t *testing.T) {
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	l := takeLease(t, a, "key", idxdb.LeaseOptions{TTL: time.Minute})
	files, err := filepath.Glob(path + ".leases/*")
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("files of leases: %v", files)
	}
	for _, when := range []time.Time{time.Unix(0, 0), time.Now().Add(-time.Hour), time.Now().Add(100 * 365 * 24 * time.Hour)} {
		must(t, os.Chtimes(files[0], when, when))
		for range 2 {
			if _, err := b.Lease(ctx, "key", idxdb.LeaseOptions{Wait: 20 * time.Millisecond}); !errors.Is(err, idxdb.ErrLocked) {
				t.Errorf("with times of %s: %v", when, err)
			}
		}
	}
	must(t, l.Release(ctx))
	must(t, os.Chtimes(files[0], time.Now().Add(time.Hour), time.Now().Add(time.Hour)))
	must(t, takeLease(t, b, "key", idxdb.LeaseOptions{}).Release(ctx))
}
