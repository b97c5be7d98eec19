package idxdb

import "fmt"

// A Condition is what must be true of a key's newest version for a save or a
// delete to happen. The zero Condition is always true. It is checked in the
// same transaction that writes.
type Condition struct {
	version    int64
	hasVersion bool
	id         ID
}

// IfVersion is true if the newest version has number n; IfVersion(0) is true if
// the key does not exist.
func IfVersion(n int64) Condition { return Condition{version: n, hasVersion: true} }

// IfMatch is true if the newest version has this id. Unlike a number, an id
// stays true across copies and restores of a store.
func IfMatch(id ID) Condition { return Condition{id: id} }

// And is true if both c and d are. It panics if both ask for a version number
// or both for an id.
func (c Condition) And(d Condition) Condition {
	if c.hasVersion && d.hasVersion || !c.id.IsZero() && !d.id.IsZero() {
		panic("idxdb: two conditions of one kind")
	}
	if d.hasVersion {
		c.version, c.hasVersion = d.version, true
	}
	if !d.id.IsZero() {
		c.id = d.id
	}
	return c
}

// IsZero reports whether c is the zero Condition.
func (c Condition) IsZero() bool { return c == Condition{} }

// String returns the condition in words.
func (c Condition) String() string {
	number := fmt.Sprintf("version %d", c.version)
	if c.version == 0 {
		number = "no version"
	}
	switch {
	case c.hasVersion && !c.id.IsZero():
		return fmt.Sprintf("%s with id %s", number, c.id)
	case c.hasVersion:
		return number
	case !c.id.IsZero():
		return fmt.Sprintf("id %s", c.id)
	}
	return "anything"
}

// Check returns nil if c is true of current, the newest version of key (nil if
// the key does not exist), else a [*ConflictError].
func (c Condition) Check(key string, current *Version) error {
	var number int64
	var id ID
	if current != nil {
		number, id = current.Number, current.ID
	}
	if c.hasVersion && c.version != number || !c.id.IsZero() && c.id != id {
		return &ConflictError{Key: key, Want: c, Current: current}
	}
	return nil
}
