package idxdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"time"
	"unicode/utf8"
)

// MaxKeyLen is the length of the longest key, in bytes.
const MaxKeyLen = 512

// MaxVersion is the highest number of a version. It is the largest that every
// reader of JSON knows exactly (RFC 8259, section 6).
const MaxVersion = 1<<53 - 1

// A Store keeps index states under keys. All methods may be called from many
// goroutines at once, and any number of processes may have the same store open.
//
// A key is 1 to [MaxKeyLen] bytes of UTF-8 without control characters; every
// other key is refused with [ErrInvalidKey]. Two keys are the same only if
// their bytes are.
//
// Every wait (for a lock, a server, …) ends with the context or with the
// store's own timeout (30 s unless set), and then fails with [ErrLocked], which
// says who is in the way, or with the context's error.
type Store interface {
	// Load opens one document of the newest version of key, or of the version
	// that opts asks for. The caller closes the Document's Body. What is read is
	// a snapshot: no save, delete or vacuum that happens meanwhile changes it.
	// Reading costs nothing for the other document.
	//
	// Errors: [ErrNotFound] if there is no such key, version or document;
	// [ErrCorrupt], from Load or from reading the Body, if what is stored is not
	// what was saved. Body never ends with io.EOF before all of it was verified.
	Load(ctx context.Context, key string, opts LoadOptions) (*Document, error)

	// Save stores docs as the next version of key. It first checks opts.If, and
	// fails with [ErrConflict] if it does not hold; then, if the newest version
	// has equal bytes in both documents, it gives that one back as unchanged;
	// else the new version is seen whole by everyone or by nobody. When Save
	// returns without an error, the version survives what the store's package
	// documentation says. Save reads docs to their end but does not close them, and
	// nobody reads them any more when it returns. There is one exception: a Read
	// that blocks cannot be called off, so when ctx ends, Save may leave one Read
	// of one document behind.
	//
	// Errors: [ErrInvalidJSON] with line and column if a document is not JSON,
	// [ErrConflict], [ErrLocked], [ErrReadOnly], [ErrReplaced]; [ErrOutcomeUnknown]
	// if the save may or may not have happened: repeating it with the same
	// opts.ID finds out and never saves twice. After any other error nothing
	// was saved.
	Save(ctx context.Context, key string, docs Documents, opts SaveOptions) (Saved, error)

	// Delete removes key with all its versions. Version numbers go on from where
	// they were if the key is saved again. Errors: [ErrNotFound], and those of
	// Save.
	Delete(ctx context.Context, key string, opts DeleteOptions) error

	// List yields the newest version of every key, sorted by the bytes of the
	// key. The sequence may end with one error.
	List(ctx context.Context, opts ListOptions) iter.Seq2[Version, error]

	// Close releases what the store holds. Documents still open become
	// unreadable. Close may be called more than once.
	Close() error
}

// Doc names one of the documents of a version.
type Doc string

// The documents of a version.
const (
	StateDoc  Doc = "state"  // what an incremental build needs; every version has it
	SearchDoc Doc = "search" // what a search client needs; a version may lack it
)

// LoadOptions says what to load; the zero value is the newest state document.
type LoadOptions struct {
	Version int64 // the version's number; 0 is the newest
	Doc     Doc   // "" is StateDoc
}

// DocOrDefault returns the document asked for.
func (o LoadOptions) DocOrDefault() Doc {
	if o.Doc == "" {
		return StateDoc
	}
	return o.Doc
}

// A Document is one stored document, open for reading.
type Document struct {
	Version Version // the version it belongs to
	Doc     Doc
	Size    int64         // in bytes
	Body    io.ReadCloser // the document; the caller closes it
}

// Documents are what a save stores. State is required; without Search the new
// version has no search document.
type Documents struct {
	State  io.Reader
	Search io.Reader
}

// SaveOptions says how to save; the zero value saves unconditionally as the
// current user.
type SaveOptions struct {
	If      Condition // must hold, or Save fails with ErrConflict
	Message string    // a line for people, at most MaxMessageLen bytes of UTF-8
	By      Author    // zero is this process

	// ID is that of the save, to repeat it safely; zero is a new random one. It is
	// recognised among the key's live versions only: after the key was deleted, or
	// renamed away, the save happens anew and gets the next number.
	ID ID

	// Lease must be current, or Save fails with ErrConflict; zero: the save
	// carries none, and fails with ErrLocked while somebody has a lease on the
	// key, unless IgnoreLease is set. See Leaser; stores that are none fail with
	// ErrUnsupported if there is a Lease.
	Lease       LeaseToken
	IgnoreLease bool
}

// MaxMessageLen is the length of the longest message of a save, in bytes.
const MaxMessageLen = 4096

// DeleteOptions says how to delete; the zero value deletes unconditionally.
type DeleteOptions struct {
	If Condition // must hold, or Delete fails with ErrConflict

	Lease       LeaseToken // as in SaveOptions
	IgnoreLease bool
}

// ListOptions says what to list; the zero value lists everything.
type ListOptions struct {
	Prefix    string // only keys that begin with it
	NamesOnly bool   // only Version.Key is filled in, which is faster
}

// Saved is what became of a save.
type Saved struct {
	Version   Version // the version that now holds the documents
	Unchanged bool    // true if the store held it already and nothing was written
	NewBytes  int64   // bytes of document content that the store did not have
}

// Version describes one save of a key.
type Version struct {
	Key     string
	Number  int64     // counts up from 1 to MaxVersion within the key, never reused
	ID      ID        // the same wherever the version is copied to
	SavedAt time.Time // in UTC, to the microsecond
	SavedBy Author
	Message string
	Source  Source
	State   DocInfo
	Search  *DocInfo // nil if the version has no search document
}

// Info returns what is known of one document of the version, nil if it has no
// such document.
func (v *Version) Info(doc Doc) *DocInfo {
	switch doc {
	case StateDoc:
		return &v.State
	case SearchDoc:
		return v.Search
	}
	return nil
}

// DocInfo describes a document.
type DocInfo struct {
	Size   int64  // in bytes
	Digest string // algorithm, colon, hex; comparable only within one store
}

// Author is who made a save.
type Author struct {
	User    string
	Host    string
	Program string
}

// Source is where the indexed content came from, as the state document's
// top-level "source" member says; fields it does not have are empty.
type Source struct {
	Type       string    // "github", "gitlab", "bitbucket", "website", …
	Identifier string    // "owner/repo", a project id, a host name
	Ref        string    // the resolved ref, for example a commit id
	SyncedAt   time.Time // when the index was last brought up to date
}

// ID identifies a save across all stores. It is 128 random bits.
type ID [16]byte

// NewID returns a new random ID.
func NewID() (id ID) {
	rand.Read(id[:]) // never fails
	return id
}

// ParseID reads the 32 hex digits that ID.String writes.
func ParseID(s string) (id ID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return ID{}, fmt.Errorf("%q is not a save id (32 hex digits)", s)
	}
	if id == ID(b) {
		return ID{}, fmt.Errorf("no save has the id %s", id)
	}
	return ID(b), nil
}

// String returns the ID as 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is the zero ID, which no save has.
func (id ID) IsZero() bool { return id == ID{} }

// CheckKey returns an error that matches [ErrInvalidKey] and says why key
// cannot be a key, or nil.
func CheckKey(key string) error {
	switch {
	case key == "":
		return &InvalidKeyError{Key: key, Reason: "it is empty"}
	case len(key) > MaxKeyLen:
		return &InvalidKeyError{Key: key, Reason: fmt.Sprintf("it has %d bytes, %d are allowed", len(key), MaxKeyLen)}
	case !utf8.ValidString(key):
		return &InvalidKeyError{Key: key, Reason: "it is not valid UTF-8"}
	}
	for _, r := range key {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return &InvalidKeyError{Key: key, Reason: fmt.Sprintf("it contains the control character %U", r)}
		}
	}
	return nil
}

// NextNumbers returns the highest of the next n version numbers after last, the
// highest that a key has given out. It fails with [ErrUsage] if that would be
// above [MaxVersion].
func NextNumbers(last, n int64) (int64, error) {
	if n > MaxVersion-last {
		return 0, fmt.Errorf("%w: a version cannot have a number above %d, and %d is given out: use another key", ErrUsage, int64(MaxVersion), last)
	}
	return last + n, nil
}

// CheckImport returns an error that matches [ErrUsage] if no store can have made
// v, or nil: it has no id, its number is not one from 1 to [MaxVersion], or its
// time is not in the years 1 to 9999.
func CheckImport(v Version) error {
	year := v.SavedAt.UTC().Year()
	switch {
	case v.ID.IsZero():
		return fmt.Errorf("%w: a version without an id cannot be imported", ErrUsage)
	case v.Number < 1 || v.Number > MaxVersion:
		return fmt.Errorf("%w: a version cannot have number %d, only one from 1 to %d", ErrUsage, v.Number, int64(MaxVersion))
	case year < 1 || year > 9999:
		return fmt.Errorf("%w: a version cannot be of the year %d", ErrUsage, year)
	}
	return nil
}
