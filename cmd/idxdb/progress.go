package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"
)

const (
	meterDelay    = 500 * time.Millisecond // what is faster shows no progress
	meterInterval = 100 * time.Millisecond
)

// A meter shows on a terminal how far an operation is. A nil meter and the zero
// meter show nothing.
type meter struct {
	w     io.Writer
	width func() int    // of the terminal, in characters
	quit  chan struct{} // nil: nothing is shown
	once  sync.Once
	gone  chan struct{}

	mu    sync.Mutex
	start time.Time // of what it shows now
	what  string
	bytes bool // done and total are bytes
	done  int64
	total int64 // 0: not known
}

// startMeter shows the progress of what until stop is called, if stderr is a
// terminal and the user has not asked for quiet; else it only counts.
func (a *app) startMeter(what string, bytes bool) *meter {
	f, ok := a.stderr.(*os.File)
	if !ok || a.quiet || !term.IsTerminal(int(f.Fd())) {
		return &meter{}
	}
	return newMeter(f, what, bytes, func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
		return 80
	})
}

func newMeter(w io.Writer, what string, bytes bool, width func() int) *meter {
	m := &meter{
		w: w, width: width, what: what, bytes: bytes,
		start: time.Now(), quit: make(chan struct{}), gone: make(chan struct{}),
	}
	go m.run()
	return m
}

func (m *meter) run() {
	defer close(m.gone)
	wait := time.NewTimer(meterDelay)
	defer wait.Stop()
	shown := 0
	for {
		select {
		case <-m.quit:
			if shown > 0 {
				fmt.Fprintf(m.w, "\r%s\r", strings.Repeat(" ", shown))
			}
			return
		case <-wait.C:
			// One column stays free: a full line would wrap on some terminals.
			line := clip(m.line(time.Now()), max(m.width()-1, 1))
			n := utf8.RuneCountInString(line)
			fmt.Fprintf(m.w, "\r%s%s", line, strings.Repeat(" ", max(shown-n, 0)))
			shown = n
			wait.Reset(meterInterval)
		}
	}
}

// line says how far the operation is.
func (m *meter) line(now time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	amount := humanize.Comma
	if m.bytes {
		amount = size
	}
	line := printable(m.what) + ": " + amount(m.done)
	if m.total > 0 {
		line += fmt.Sprintf(" of %s (%.0f %%)", amount(m.total), min(100*float64(m.done)/float64(m.total), 100))
	}
	rate := float64(m.done) / max(now.Sub(m.start), time.Millisecond).Seconds()
	if m.bytes {
		line += fmt.Sprintf(", %s/s", size(int64(rate)))
	}
	if left := m.total - m.done; left > 0 && rate > 0 {
		d := time.Duration(float64(left) / rate * float64(time.Second))
		line += fmt.Sprintf(", %s left", max(d.Round(time.Second), time.Second))
	}
	return line
}

// stop takes the progress off the terminal. It may be called again.
func (m *meter) stop() {
	if m == nil || m.quit == nil {
		return
	}
	m.once.Do(func() { close(m.quit) })
	<-m.gone
}

// count returns how much of the operation is done.
func (m *meter) count() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

func (m *meter) add(n int64)      { m.update(func() { m.done += n }) }
func (m *meter) addTotal(n int64) { m.update(func() { m.total += n }) }

// stage shows that what is now done, done of total.
func (m *meter) stage(what string, done, total int64) {
	m.update(func() {
		if what != m.what {
			m.start = time.Now()
		}
		m.what, m.done, m.total = what, done, total
	})
}

func (m *meter) update(f func()) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}
