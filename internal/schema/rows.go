package schema

import "database/sql"

// Meta is the one row of table meta.
type Meta struct {
	Format      int64
	ReadFormat  int64
	WriteFormat int64
	Lineage     []byte // 16 random bytes, the same as long as the history is one
	CreatedAt   int64  // Unix time in microseconds
	Epoch       int64  // of garbage collection
	Keys        int64  // live keys
	KeySet      int64  // exclusive or of NameHash of all live keys
}

// Checksum is what column checksum must hold.
func (m *Meta) Checksum() []byte {
	return NewChecksum("meta").
		Int(m.Format).Int(m.ReadFormat).Int(m.WriteFormat).Blob(m.Lineage).
		Int(m.CreatedAt).Int(m.Epoch).Int(m.Keys).Int(m.KeySet).Sum()
}

// Key is a row of table key. A deleted key keeps its row, for its numbers.
type Key struct {
	ID       int64
	Name     string
	First    int64 // versions below it are deleted
	Last     int64 // the highest number given out
	Versions int64 // number of versions from First to Last
	Fence    int64 // counts the takings and endings of leases; 0: there never was one
}

// Live reports whether the key exists for users.
func (k *Key) Live() bool { return k.Versions > 0 }

// Checksum is what column checksum must hold.
func (k *Key) Checksum() []byte {
	live := int64(0)
	if k.Live() {
		live = 1
	}
	return NewChecksum("key").Int(k.ID).Text(k.Name).Int(NameHash(k.Name)).
		Int(live).Int(k.First).Int(k.Last).Int(k.Versions).Int(k.Fence).Sum()
}

// Lease is a row of table lease: the last lease of a key that anybody took.
type Lease struct {
	KeyID   int64
	Fence   int64 // equals the key's
	Held    bool  // false: it was given back
	Token   []byte
	User    string
	Host    string
	PID     int64
	Command string
	TakenAt int64 // Unix time in microseconds, for people
	TTL     int64 // in microseconds
}

// Checksum is what column checksum must hold.
func (l *Lease) Checksum() []byte {
	held := int64(0)
	if l.Held {
		held = 1
	}
	return NewChecksum("lease").Int(l.KeyID).Int(l.Fence).Int(held).Blob(l.Token).
		Text(l.User).Text(l.Host).Int(l.PID).Text(l.Command).Int(l.TakenAt).Int(l.TTL).Sum()
}

// Version is a row of table version.
type Version struct {
	ID               int64
	KeyID            int64
	Number           int64
	SaveID           []byte
	SavedAt          int64 // Unix time in microseconds
	User             string
	Host             string
	Program          string
	Message          string
	SourceType       string
	SourceIdentifier string
	SourceRef        string
	SourceSyncedAt   sql.NullInt64 // Unix time in microseconds
	StateSize        int64         // in bytes
	StateDigest      []byte
	SearchSize       sql.NullInt64 // NULL: no search document
	SearchDigest     []byte        // nil: no search document
}

// Checksum is what column checksum must hold. It leaves the id out: what hangs
// on it, the manifest, is checked against the digests.
func (v *Version) Checksum() []byte {
	c := NewChecksum("version").
		Int(v.KeyID).Int(v.Number).Blob(v.SaveID).Int(v.SavedAt).
		Text(v.User).Text(v.Host).Text(v.Program).Text(v.Message).
		Text(v.SourceType).Text(v.SourceIdentifier).Text(v.SourceRef)
	nullable(c, v.SourceSyncedAt)
	c.Int(v.StateSize).Blob(v.StateDigest)
	nullable(c, v.SearchSize)
	if v.SearchDigest == nil {
		c.Null()
	} else {
		c.Blob(v.SearchDigest)
	}
	return c.Sum()
}

func nullable(c *Checksum, n sql.NullInt64) {
	if n.Valid {
		c.Int(n.Int64)
	} else {
		c.Null()
	}
}
