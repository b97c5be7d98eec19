package sqlitestore

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// leaseRow is where a row's leaseColumns are scanned to.
type leaseRow struct {
	schema.Lease
	held     int64
	checksum []byte
}

func (l *leaseRow) targets() []any {
	return []any{&l.KeyID, &l.Fence, &l.held, &l.Token, &l.User, &l.Host, &l.PID, &l.Command, &l.TakenAt, &l.TTL, &l.checksum}
}

func (l *leaseRow) check(k *schema.Key) error {
	l.Held = l.held != 0
	switch {
	case string(l.Checksum()) != string(l.checksum), len(l.Token) != len(idxdb.ID{}):
		return &idxdb.CorruptError{Key: k.Name, Detail: "the row of its lease is damaged"}
	case l.KeyID != k.ID, l.Fence != k.Fence:
		return &idxdb.CorruptError{Key: k.Name, Detail: "the row of its lease is that of another one"}
	}
	return nil
}

// lease returns the last lease of a key, nil if it never had one.
func (cn *conn) lease(k *schema.Key) (*schema.Lease, error) {
	if k == nil || k.Fence == 0 {
		return nil, nil
	}
	var found *schema.Lease
	err := cn.query(leaseOfKey, func(rows *sql.Rows) error {
		var l leaseRow
		if err := scan(rows, l.targets()...); err != nil {
			return err
		}
		found = &l.Lease
		return l.check(k)
	}, k.ID)
	if err == nil && found == nil {
		err = &idxdb.CorruptError{Key: k.Name, Detail: "the row of its lease is missing"}
	}
	return found, err
}

// setLease writes l, with a number above all that the key's leases had, and the
// key's row with it.
func (cn *conn) setLease(k *schema.Key, l *schema.Lease) error {
	held := 0
	if l.Held {
		held = 1
	}
	l.KeyID = k.ID
	k.Fence = l.Fence
	if err := cn.setKey(k); err != nil {
		return err
	}
	_, err := cn.exec(replaceLease, l.KeyID, l.Fence, held, l.Token, l.User, l.Host, l.PID, l.Command, l.TakenAt, l.TTL, l.Checksum())
	return err
}

// endLease makes l one that nobody holds. Its number rises, so whoever still
// carries it has lost it.
func (cn *conn) endLease(k *schema.Key, l *schema.Lease) error {
	l.Held = false
	l.Fence++
	return cn.setLease(k, l)
}

// heldLeases returns what is held, in the order of the keys' rows.
func (cn *conn) heldLeases() (list []idxdb.LeaseInfo, err error) {
	err = cn.query(leasesHeld, func(rows *sql.Rows) error {
		var k keyRow
		var l leaseRow
		if err := scan(rows, append(k.targets(), l.targets()...)...); err != nil {
			return err
		}
		if err := k.check(); err != nil {
			return err
		}
		list = append(list, leaseInfo(k.Name, &l.Lease))
		return l.check(&k.Key)
	})
	return list, err
}

func leaseInfo(key string, l *schema.Lease) idxdb.LeaseInfo {
	return idxdb.LeaseInfo{
		Key:   key,
		Fence: l.Fence,
		Holder: idxdb.Holder{User: l.User, Host: l.Host, PID: int(l.PID), Command: l.Command, Operation: "lease",
			Since: time.UnixMicro(l.TakenAt).UTC()},
		TTL: time.Duration(l.TTL) * time.Microsecond,
	}
}

// isCurrent reports whether a lease is the one that token stands for.
func isCurrent(l *schema.Lease, token idxdb.LeaseToken) bool {
	return l != nil && l.Held && l.Fence == token.Fence && string(l.Token) == string(token.ID[:])
}

func leaseLost(token idxdb.LeaseToken, l *schema.Lease) error {
	err := &idxdb.LeaseLostError{Lease: token}
	if l != nil && l.Held {
		info := leaseInfo(token.Key, l)
		err.Current = &info
	}
	return err
}

// A permit is what a change of a key says about leases.
type permit struct {
	files  leaseFiles
	token  idxdb.LeaseToken // zero: none
	ignore bool
}

// check decides whether name, whose row is k (nil: none), may be changed. In a
// write transaction it ends the lease of a dead holder.
func (p permit) check(cn *conn, name string, k *schema.Key) error {
	if !p.token.IsZero() && p.token.Key != name {
		return fmt.Errorf("%w: the lease is on %q, not on %q", idxdb.ErrUsage, p.token.Key, name)
	}
	l, err := cn.lease(k)
	switch {
	case err != nil:
		return err
	case !p.token.IsZero():
		if !isCurrent(l, p.token) {
			return leaseLost(p.token, l)
		}
		return nil
	case l == nil || !l.Held || p.ignore:
		return nil
	case !p.files.holderIsDead(name, l.Fence):
		return &idxdb.LeaseHeldError{Lease: leaseInfo(name, l)}
	case cn.writes():
		return cn.endLease(k, l)
	}
	return nil
}
