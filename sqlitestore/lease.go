package sqlitestore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/idxdb/idxdb/internal/schema"
)

var _ idxdb.Leaser = (*Store)(nil)

// minTTL is the shortest TTL of a lease: below it, an ordinary pause of a process
// would look like its end.
const minTTL = 100 * time.Millisecond

// Lease implements idxdb.Leaser.
//
// A lease protects by its number: saves are checked against the row of the key
// in the transaction that saves. All else (renewals, the locks that end with a
// process, watching for a TTL) only decides when others may try.
func (s *Store) Lease(ctx context.Context, key string, opts idxdb.LeaseOptions) (idxdb.Lease, error) {
	l, err := s.waitForLease(ctx, key, opts)
	if err != nil {
		return nil, fmt.Errorf("lease %q: %w", key, err)
	}
	return l, nil
}

func (s *Store) waitForLease(ctx context.Context, key string, opts idxdb.LeaseOptions) (*lease, error) {
	if err := idxdb.CheckKey(key); err != nil {
		return nil, err
	}
	if opts.TTL == 0 {
		opts.TTL = idxdb.DefaultLeaseTTL
	}
	if opts.TTL < minTTL {
		return nil, fmt.Errorf("%w: a lease with a TTL of %s: at least %s are needed", idxdb.ErrUsage, opts.TTL, minTTL)
	}
	if err := s.checkWritable(); err != nil {
		return nil, err
	}
	start := time.Now()
	o := observer{files: s.leaseFiles(), key: key}
	for {
		held, err := s.lookAtLease(ctx, &o)
		if err != nil {
			return nil, err
		}
		if held == nil {
			l, err := s.takeLease(ctx, &o, opts)
			if err != nil || l != nil {
				return l, err
			}
			continue // somebody was faster
		}
		waited := time.Since(start)
		wait := o.pause()
		switch {
		case opts.Wait == 0:
			return nil, &idxdb.LeaseHeldError{Lease: leaseInfo(key, held)}
		case opts.Wait > 0 && waited >= opts.Wait:
			return nil, &idxdb.LeaseHeldError{Lease: leaseInfo(key, held), Waited: waited}
		case opts.Wait > 0:
			wait = min(wait, opts.Wait-waited)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, &idxdb.LeaseHeldError{Lease: leaseInfo(key, held), Waited: time.Since(start), Err: ctx.Err()}
		case <-s.ctx.Done():
			return nil, idxdb.ErrClosed
		}
	}
}

// lookAtLease returns the lease that stands in the way of one on o.key, nil if
// there is none.
func (s *Store) lookAtLease(ctx context.Context, o *observer) (*schema.Lease, error) {
	var l *schema.Lease
	err := s.view(ctx, func(cn *conn) error {
		k, err := cn.key(o.key)
		if err != nil {
			return err
		}
		l, err = cn.lease(k)
		return err
	})
	if err != nil || l == nil || !l.Held || !o.alive(l) {
		return nil, err
	}
	return l, nil
}

// takeLease takes the lease unless somebody has done so since o looked; then it
// returns nil.
func (s *Store) takeLease(ctx context.Context, o *observer, opts idxdb.LeaseOptions) (*lease, error) {
	l := &lease{
		s:     s,
		files: o.files,
		token: idxdb.LeaseToken{Key: o.key, ID: idxdb.NewID()},
		lost:  make(chan struct{}),
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	taken := false
	err := s.update(ctx, "lease", func(cn *conn) (bool, error) {
		k, err := cn.key(o.key)
		if err != nil {
			return false, err
		}
		old, err := cn.lease(k)
		if err != nil {
			return false, err
		}
		if old != nil && old.Held && o.alive(old) {
			return false, nil
		}
		var current *idxdb.Version
		if k != nil && k.Live() {
			newest, err := cn.newest(k)
			if err != nil {
				return false, err
			}
			v := publicVersion(k.Name, newest)
			current = &v
		}
		if err := opts.If.Check(o.key, current); err != nil {
			return false, err
		}
		if k, err = cn.keyForSaving(k, o.key); err != nil {
			return false, err
		}
		row := newLeaseRow(l.token.ID, opts.TTL)
		if row.Fence, l.unlock, err = l.files.take(o.key, k.Fence+1); err != nil {
			return false, err
		}
		if err := l.files.renew(o.key, row.Fence, 0); err != nil {
			return false, err
		}
		l.token.Fence = row.Fence
		l.info = leaseInfo(o.key, row)
		taken = true
		return true, cn.setLease(k, row)
	})
	if err != nil || !taken {
		l.forget()
		return nil, err
	}
	l.start()
	return l, nil
}

func newLeaseRow(id idxdb.ID, ttl time.Duration) *schema.Lease {
	self := filelock.Self("lease")
	return &schema.Lease{
		Held:    true,
		Token:   id[:],
		User:    cut(self.User),
		Host:    cut(self.Host),
		PID:     int64(self.PID),
		Command: self.Command,
		TakenAt: unixMicro(self.Since),
		TTL:     ttl.Microseconds(),
	}
}

// Leases implements idxdb.Leaser.
func (s *Store) Leases(ctx context.Context) ([]idxdb.LeaseInfo, error) {
	var list []idxdb.LeaseInfo
	err := s.view(ctx, func(cn *conn) (err error) {
		list, err = cn.heldLeases()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("leases: %w", err)
	}
	slices.SortFunc(list, func(a, b idxdb.LeaseInfo) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}

// An observer watches the holder of a lease for signs of life. It knows only what
// it has seen itself, on its own clock.
type observer struct {
	files leaseFiles
	key   string

	fence   int64 // of the lease that was seen last
	ttl     time.Duration
	counter int64
	since   time.Time // when counter had been read for the first time
}

// alive reports whether l's holder has to be taken for alive.
func (o *observer) alive(l *schema.Lease) bool {
	if o.files.holderIsDead(o.key, l.Fence) {
		return false
	}
	// Only time that lies between two looks counts: this process may itself be
	// stopped at any point between these lines.
	before := time.Now()
	fence, counter := o.files.read(o.key)
	if fence != l.Fence {
		counter = o.counter // somebody else's sign is not one of the holder
	}
	if o.fence != l.Fence || o.counter != counter {
		o.fence, o.counter, o.since = l.Fence, counter, time.Now()
		o.ttl = time.Duration(l.TTL) * time.Microsecond
		return true
	}
	return before.Sub(o.since) < o.ttl
}

// pause is how long to wait before the next look.
func (o *observer) pause() time.Duration {
	left := o.ttl - time.Since(o.since) + time.Millisecond
	return max(time.Millisecond, min(100*time.Millisecond, left))
}
