package idxdb

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Leaser lends the right to save a key to one holder at a time, so that a team
// computes an index once.
//
// While a lease on a key is held, saves and deletes of the key that do not carry
// it fail with a [*LeaseHeldError], unless they say that they ignore it. A save
// that carries a lease that is not current any more fails with a
// [*LeaseLostError]: so a holder that was stopped, and taken for dead, cannot
// overwrite what came after it. Both are decided in the transaction that saves.
type Leaser interface {
	// Lease takes the lease on key, which need not exist yet. The caller releases
	// it. Until then it is renewed in the background.
	//
	// A lease whose holder is dead is taken over at once where the system can
	// tell, else after opts.TTL of the holder's has passed, on this process's own
	// monotonic clock, without a sign of life. Only a Lease that waits can watch
	// for that long.
	//
	// Errors: [ErrLocked], a [*LeaseHeldError], if somebody else has it and
	// opts.Wait is over; [ErrConflict] if opts.If does not hold; and those of
	// Save.
	Lease(ctx context.Context, key string, opts LeaseOptions) (Lease, error)

	// Leases returns the leases that are held, sorted by key. Those of dead
	// holders that nobody has ended yet are among them.
	Leases(ctx context.Context) ([]LeaseInfo, error)
}

// DefaultLeaseTTL is the TTL of a lease if LeaseOptions does not say.
const DefaultLeaseTTL = 10 * time.Minute

// LeaseOptions says how to take a lease; the zero value does not wait.
type LeaseOptions struct {
	// TTL is how long the holder may give no sign of life before others may take
	// the lease over, at least 100 ms; 0 is DefaultLeaseTTL.
	TTL time.Duration

	// Wait is how long to wait while somebody else has the lease: 0 is not at
	// all, < 0 as long as the context lasts.
	Wait time.Duration

	// If must hold when the lease is taken. Whoever waited for a lease learns from
	// it that there is a new version already.
	If Condition
}

// A Lease is a lease that this process holds.
type Lease interface {
	// Info says whose it is.
	Info() LeaseInfo

	// Token returns what saves carry, in SaveOptions.Lease. It may be handed to
	// other processes.
	Token() LeaseToken

	// Lost is closed when the lease is found to be somebody else's. Nothing that
	// was saved with it before is undone.
	Lost() <-chan struct{}

	// Release gives the lease back; saves that carry it fail from then on. It
	// fails with [ErrConflict], a [*LeaseLostError], if it was lost before, and
	// otherwise only if the store could not be changed; then others find that it
	// is not renewed. Calling it again does nothing.
	Release(ctx context.Context) error
}

// LeaseInfo describes a lease that is held.
type LeaseInfo struct {
	Key    string
	Fence  int64 // counts the takings and endings of leases on the key
	Holder Holder
	TTL    time.Duration
}

// A LeaseToken stands for one taking of a lease on one key. The zero LeaseToken
// stands for none.
type LeaseToken struct {
	Key   string
	Fence int64
	ID    ID // random, of this taking
}

// IsZero reports whether t stands for no lease.
func (t LeaseToken) IsZero() bool { return t == LeaseToken{} }

// leasePrefix begins every token's text; the number is that of its syntax.
const leasePrefix = "lease1"

// String returns the token as one word that [ParseLeaseToken] reads, "" if it is
// zero.
func (t LeaseToken) String() string {
	if t.IsZero() {
		return ""
	}
	return strings.Join([]string{leasePrefix, strconv.FormatInt(t.Fence, 10), t.ID.String(),
		base64.RawURLEncoding.EncodeToString([]byte(t.Key))}, ".")
}

// ParseLeaseToken reads what LeaseToken.String wrote. Errors match [ErrUsage].
func ParseLeaseToken(s string) (LeaseToken, error) {
	bad := func(why string) (LeaseToken, error) {
		return LeaseToken{}, fmt.Errorf("%w: %q is not a lease: %s", ErrUsage, s, why)
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 || parts[0] != leasePrefix {
		return bad("it does not look like one")
	}
	fence, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || fence < 1 {
		return bad("its number is wrong")
	}
	id, err := ParseID(parts[2])
	if err != nil {
		return bad("its id is wrong")
	}
	key, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil || CheckKey(string(key)) != nil {
		return bad("its key is wrong")
	}
	return LeaseToken{Key: string(key), Fence: fence, ID: id}, nil
}

// RefuseLease is for stores that are no Leaser: it returns an error that matches
// [ErrUnsupported], or nil if t is zero.
func RefuseLease(t LeaseToken) error {
	if t.IsZero() {
		return nil
	}
	return fmt.Errorf("%w: this kind of store has no leases, so it cannot tell whether that on %q is current", ErrUnsupported, t.Key)
}

// LeaseHeldError says who has the lease on a key. It matches [ErrLocked], and the
// context's error where that ended a wait.
type LeaseHeldError struct {
	Lease  LeaseInfo
	Waited time.Duration
	Err    error // the context's error, or nil
}

func (e *LeaseHeldError) Error() string {
	s := fmt.Sprintf("the lease on %q is held by %s", e.Lease.Key, e.Lease.Holder)
	if e.Waited > 0 {
		s += fmt.Sprintf(" (waited %s)", e.Waited.Round(time.Millisecond))
	}
	return s
}

func (e *LeaseHeldError) Unwrap() []error { return errs(ErrLocked, e.Err) }

// LeaseLostError says that a lease is not current any more. It matches
// [ErrConflict].
type LeaseLostError struct {
	Lease   LeaseToken
	Current *LeaseInfo // nil: nobody has the lease now
}

func (e *LeaseLostError) Error() string {
	s := fmt.Sprintf("lease %d on %q is not current any more", e.Lease.Fence, e.Lease.Key)
	if e.Current == nil {
		return s + ": it has ended"
	}
	return fmt.Sprintf("%s: %s has lease %d", s, e.Current.Holder, e.Current.Fence)
}

func (e *LeaseLostError) Unwrap() error { return ErrConflict }
