package sqlitestore

import (
	"context"
	"time"

	"github.com/idxdb/idxdb"
)

const (
	// pollAwake is how long after an event the first look without one comes. The
	// log is written before the commit can be seen, so the event of a commit may
	// come too early. Each further look takes twice as long to come.
	pollAwake = 4 * time.Millisecond

	// pollAsleep is how long it takes at most: for what no event tells of, such as
	// the last commit of a process that is killed.
	pollAsleep = time.Second

	// pollBlind is the pace where there are no events at all.
	pollBlind = 50 * time.Millisecond
)

// An alarm says when it is worth looking whether anybody has committed.
type alarm struct {
	events *fileEvents // nil: there are none
	pace   time.Duration
}

// newAlarm sets an alarm on the store at path.
func newAlarm(path string) *alarm {
	a := &alarm{events: watchFiles(path), pace: pollAwake}
	if a.events == nil {
		a.pace = pollBlind
	}
	return a
}

func (a *alarm) close() {
	if a.events != nil {
		a.events.close()
	}
}

// wait returns when it is time to look again, at the latest when sooner says so.
// It fails with ctx's error if that ends, and with ErrClosed if closed does.
func (a *alarm) wait(ctx, closed context.Context, sooner <-chan time.Time) error {
	timer := time.NewTimer(a.pace)
	defer timer.Stop()
	var event <-chan struct{}
	if a.events != nil {
		event = a.events.c
	}
	select {
	case <-event:
		a.pace = pollAwake
	case <-timer.C:
		if a.events != nil {
			a.pace = min(2*a.pace, pollAsleep)
		}
	case <-sooner:
	case <-closed.Done():
		return idxdb.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
