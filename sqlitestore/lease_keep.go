package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
)

// A lease is one that this process holds.
type lease struct {
	s      *Store
	files  leaseFiles
	info   idxdb.LeaseInfo
	token  idxdb.LeaseToken
	unlock func() error // gives the lock on its number back; nil if there is none

	lost  chan struct{}
	quit  chan struct{} // ends keep
	ended chan struct{} // keep has ended
	once  sync.Once
	err   error // of Release
}

// renewals is how many signs of life a holder gives in a TTL.
const renewals = 4

func (l *lease) Info() idxdb.LeaseInfo   { return l.info }
func (l *lease) Token() idxdb.LeaseToken { return l.token }
func (l *lease) Lost() <-chan struct{}   { return l.lost }

func (l *lease) start() {
	if !l.s.begin() {
		close(l.ended)
		l.forget() // as after the end of the process: others need not wait
		return
	}
	go func() {
		defer l.s.running.Done()
		defer close(l.ended)
		l.keep()
	}()
}

// keep renews the lease until it is released or lost.
func (l *lease) keep() {
	tick := time.NewTicker(l.info.TTL / renewals)
	defer tick.Stop()
	for counter := int64(1); ; counter++ {
		select {
		case <-tick.C:
		case <-l.quit:
			return
		case <-l.s.ctx.Done():
			l.forget()
			return
		}
		// First look, then renew: a process that was stopped may not speak for
		// the lease any more.
		if err := l.check(); errors.Is(err, idxdb.ErrConflict) || errors.Is(err, idxdb.ErrReplaced) {
			close(l.lost)
			l.forget()
			return
		}
		// If this fails again and again, others will take the lease over, and
		// the check above finds that out.
		_ = l.files.renew(l.token.Key, l.token.Fence, counter)
	}
}

// check fails with a LeaseLostError if the lease is not current.
func (l *lease) check() error {
	if err := l.s.checkReplaced(); err != nil {
		return err
	}
	return l.s.view(background, func(cn *conn) error {
		k, err := cn.key(l.token.Key)
		if err != nil {
			return err
		}
		row, err := cn.lease(k)
		if err == nil && !isCurrent(row, l.token) {
			err = leaseLost(l.token, row)
		}
		return err
	})
}

// forget gives up the lock that shows that this process is alive.
func (l *lease) forget() {
	if l.unlock != nil {
		// It only closes a descriptor to which nothing was written.
		_ = l.unlock()
	}
}

// Release implements idxdb.Lease.
func (l *lease) Release(ctx context.Context) error {
	l.once.Do(func() {
		close(l.quit)
		<-l.ended
		l.err = l.s.update(ctx, "end lease", func(cn *conn) (bool, error) {
			k, err := cn.key(l.token.Key)
			if err != nil {
				return false, err
			}
			row, err := cn.lease(k)
			if err != nil {
				return false, err
			}
			if !isCurrent(row, l.token) {
				return false, leaseLost(l.token, row)
			}
			return true, cn.endLease(k, row)
		})
		l.forget()
		if l.err != nil {
			l.err = fmt.Errorf("release the lease on %q: %w", l.token.Key, l.err)
		}
	})
	return l.err
}
