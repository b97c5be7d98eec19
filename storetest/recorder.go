package storetest

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
)

// subtest runs f as a subtest of t, whether t is a real test or a recorder.
func subtest(t testing.TB, name string, f func(t testing.TB)) {
	t.Helper()
	switch t := t.(type) {
	case *testing.T:
		t.Run(name, func(t *testing.T) { f(t) })
	case *recorder:
		t.add(record(t, name, f))
	default:
		f(t)
	}
}

// A recorder is a [testing.TB] that notes what fails instead of failing the
// test it is part of. The suite uses it where failing is expected: for
// documented exceptions, and to be tested itself.
type recorder struct {
	testing.TB // for what is not overridden below, TempDir and Context above all
	name       string

	mu       sync.Mutex
	failed   bool
	skipped  bool
	log      []string
	cleanups []func()
	children []*recorder
}

// record runs f with a recorder and returns it when f and its cleanups are done.
func record(parent testing.TB, name string, f func(t testing.TB)) *recorder {
	r := &recorder{TB: parent, name: name}
	r.call(func() { f(r) })
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return r
		}
		last := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		r.call(last)
	}
}

// call runs f in a goroutine of its own, which FailNow and SkipNow may end.
func (r *recorder) call(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}

// failures returns the names of the subtests that failed.
func (r *recorder) failures() []string {
	var names []string
	for _, c := range r.children {
		if c.Failed() {
			names = append(names, c.name)
		}
	}
	return names
}

// text returns all that was logged, for a person to read.
func (r *recorder) text() string {
	lines := slices.Clone(r.log)
	for _, c := range r.children {
		if c.Failed() {
			lines = append(lines, c.name+": "+c.text())
		}
	}
	return strings.Join(lines, "\n")
}

func (r *recorder) add(child *recorder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.children = append(r.children, child)
	r.failed = r.failed || child.failed
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, strings.TrimSuffix(s, "\n"))
}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return r.name }

func (r *recorder) Failed() bool  { r.mu.Lock(); defer r.mu.Unlock(); return r.failed }
func (r *recorder) Skipped() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.skipped }

func (r *recorder) Fail() { r.mu.Lock(); defer r.mu.Unlock(); r.failed = true }

func (r *recorder) FailNow() { r.Fail(); runtime.Goexit() }

func (r *recorder) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Log(args ...any)            { r.note(fmt.Sprintln(args...)) }
func (r *recorder) Logf(f string, args ...any) { r.note(fmt.Sprintf(f, args...)) }

func (r *recorder) Error(args ...any)            { r.Log(args...); r.Fail() }
func (r *recorder) Errorf(f string, args ...any) { r.Logf(f, args...); r.Fail() }
func (r *recorder) Fatal(args ...any)            { r.Log(args...); r.FailNow() }
func (r *recorder) Fatalf(f string, args ...any) { r.Logf(f, args...); r.FailNow() }
func (r *recorder) Skip(args ...any)             { r.Log(args...); r.SkipNow() }
func (r *recorder) Skipf(f string, args ...any)  { r.Logf(f, args...); r.SkipNow() }

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}
