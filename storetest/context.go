package storetest

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/idxdb/idxdb"
)

// waitLimit is how long anything that must not wait may take on a slow machine.
const waitLimit = 20 * time.Second

var contextSentences = []sentence{
	{name: "Context/CancelledEndsEveryMethod", test: testCancelled},
	{name: "Context/PastDeadlineEndsEveryMethod", test: testDeadline},
	{name: "Context/CancelledSaveStoresNothing", test: testCancelSave},
	{name: "Waiting/SlowSaveDoesNotHoldUpReaders", test: testSlowSave},
	{name: "Waiting/EndsWithTheContext", hook: needsLock, test: testLockedContext},
}

func needsLock(c *Config) string {
	if c.Lock == nil {
		return "Config.Lock is not set: this store has no lock that another process can hold"
	}
	return ""
}

func testEnded(e *env, ctx context.Context, want error) {
	e.save("key", `{"v":1}`, none)
	ended := *e
	ended.ctx = ctx
	e.within(waitLimit, "a call with a context that is over", func() {
		for method, err := range reads(&ended, e.store) {
			e.wantErr(method, err, want)
		}
		for method, err := range writes(&ended, e.store) {
			e.wantErr(method, err, want)
		}
	})
	e.holds("key", `{"v":1}`, none)
	if got := e.keys(); len(got) != 1 {
		e.Errorf("after calls with a context that is over List has %q", got)
	}
}

func testCancelled(e *env) {
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	testEnded(e, ctx, context.Canceled)
}

func testDeadline(e *env) {
	ctx, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Second))
	defer cancel()
	testEnded(e, ctx, context.DeadlineExceeded)
}

// onRead calls f before the nth byte of r is given.
type onRead struct {
	io.Reader
	at int
	f  func()
}

func (o *onRead) Read(p []byte) (int, error) {
	if o.f != nil && o.at <= 0 {
		o.f()
		o.f = nil
	}
	n, err := o.Reader.Read(p)
	o.at -= n
	return n, err
}

func testCancelSave(e *env) {
	e.save("key", `{"former":true}`, `["s"]`)
	text := indexText(2<<20, 13)
	for name, at := range map[string]int{"at once": 0, "half way": len(text) / 2, "at the end": len(text)} {
		ctx, cancel := context.WithCancel(e.ctx)
		r := &onRead{Reader: strings.NewReader(text), at: at, f: cancel}
		_, err := e.store.Save(ctx, "key", idxdb.Documents{State: r}, idxdb.SaveOptions{})
		cancel()
		e.wantErr("Save cancelled "+name, err, context.Canceled)
		e.holds("key", `{"former":true}`, `["s"]`)
	}
	e.reopen()
	e.holds("key", `{"former":true}`, `["s"]`)
	e.number(e.save("key", text, none), 2)
}

// testSlowSave holds a save up in the middle of its document.
func testSlowSave(e *env) {
	e.save("key", `{"v":1}`, `["s"]`)
	text := indexText(1<<20, 14)
	started, release := make(chan struct{}), make(chan struct{})
	slow := &onRead{Reader: strings.NewReader(text), at: 1000, f: func() { close(started); <-release }}
	finished := make(chan error, 1)
	go func() {
		_, err := e.store.Save(e.ctx, "slow", idxdb.Documents{State: slow}, idxdb.SaveOptions{})
		finished <- err
	}()
	<-started
	// The reader may be blocked for ever: whatever happens here, let it go.
	defer func() {
		close(release)
		if err := <-finished; err != nil {
			e.Errorf("the save that was held up: %v", err)
			return
		}
		e.holds("slow", text, none)
	}()
	e.within(waitLimit, "a read beside a save that is held up", func() {
		got, _, err := e.read("key", idxdb.LoadOptions{})
		if err != nil || got != `{"v":1}` {
			e.Errorf("Load beside a save that is held up: %s, %v", brief(got), err)
		}
		for v, err := range e.store.List(e.ctx, idxdb.ListOptions{}) {
			if err != nil || v.Key != "key" {
				e.Errorf("List beside a save that is held up: %q, %v", v.Key, err)
			}
		}
	})
	ctx, cancel := context.WithTimeout(e.ctx, 500*time.Millisecond)
	defer cancel()
	e.within(waitLimit, "a save beside one that is held up", func() {
		_, err := e.store.Save(ctx, "key", docs(`{"v":2}`, none), idxdb.SaveOptions{})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			e.Errorf("Save beside one that is held up: %v", err)
		}
	})
}

func testLockedContext(e *env) {
	e.save("key", `{"v":1}`, none)
	unlock := e.cfg.Lock(e.TB, e.dir)
	locked := true
	defer func() {
		if locked {
			unlock()
		}
	}()
	ctx, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	var err error
	e.within(waitLimit, "Save of a locked store", func() {
		_, err = e.store.Save(ctx, "key", docs(`{"v":2}`, none), idxdb.SaveOptions{})
	})
	if took := time.Since(start); took < 250*time.Millisecond {
		e.Errorf("Save of a locked store waited %v, want the context's 300 ms", took)
	}
	e.wantErr("Save of a locked store", err, idxdb.ErrLocked)
	e.wantErr("Save of a locked store", err, context.DeadlineExceeded)
	var lockedErr *idxdb.LockedError
	if !errors.As(err, &lockedErr) || lockedErr.Holder.PID == 0 || lockedErr.Holder.Since.IsZero() {
		e.Errorf("Save of a locked store: %v does not say who holds the lock since when", err)
	}
	e.holds("key", `{"v":1}`, none) // readers take no lock
	unlock()
	locked = false
	e.number(e.save("key", `{"v":3}`, none), 2)
	e.holds("key", `{"v":3}`, none)
}
