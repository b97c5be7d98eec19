package idxdb

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// The errors of every store, to be matched with errors.Is. Most come with a
// type that carries the particulars, to be found with errors.As.
var (
	ErrNotFound       error = &sentinel{"not found", fs.ErrNotExist}          // also fs.ErrNotExist
	ErrConflict       error = &sentinel{"conflict", nil}                      // [*ConflictError]
	ErrLocked         error = &sentinel{"locked", nil}                        // [*LockedError]
	ErrCorrupt        error = &sentinel{"corrupt", nil}                       // [*CorruptError]
	ErrOutcomeUnknown error = &sentinel{"outcome unknown", nil}               // [*OutcomeUnknownError]
	ErrInvalidKey     error = &sentinel{"invalid key", fs.ErrInvalid}         // [*InvalidKeyError]
	ErrInvalidJSON    error = &sentinel{"invalid JSON", nil}                  // [*SyntaxError]
	ErrNewerFormat    error = &sentinel{"written by a newer idxdb", nil}      // upgrade the program
	ErrReadOnly       error = &sentinel{"read-only", fs.ErrPermission}        // also fs.ErrPermission
	ErrUnsupported    error = &sentinel{"unsupported", errors.ErrUnsupported} // also errors.ErrUnsupported
	ErrNotStore       error = &sentinel{"not an idxdb store", nil}            // the path holds something else
	ErrReplaced       error = &sentinel{"store was replaced or deleted", nil} // open it again
	ErrUsage          error = &sentinel{"usage", fs.ErrInvalid}               // a wrong URL, option or argument
	ErrClosed         error = &sentinel{"store is closed", fs.ErrClosed}      // also fs.ErrClosed
)

type sentinel struct {
	text string
	also error
}

func (e *sentinel) Error() string        { return e.text }
func (e *sentinel) Is(target error) bool { return e.also != nil && target == e.also }

// NotFoundError says what was not found. It matches [ErrNotFound].
type NotFoundError struct {
	Key     string
	Version int64 // 0: the key itself
	Doc     Doc   // "": the key or version itself
}

func (e *NotFoundError) Error() string {
	switch {
	case e.Doc != "" && e.Version != 0:
		return fmt.Sprintf("%q has no %s document in version %d", e.Key, e.Doc, e.Version)
	case e.Doc != "":
		return fmt.Sprintf("%q has no %s document", e.Key, e.Doc)
	case e.Version != 0:
		return fmt.Sprintf("%q has no version %d", e.Key, e.Version)
	}
	return fmt.Sprintf("there is no key %q", e.Key)
}

func (e *NotFoundError) Unwrap() error { return ErrNotFound }

// ConflictError says which version is there instead of the one asked for. It
// matches [ErrConflict].
type ConflictError struct {
	Key     string
	Want    Condition
	Current *Version // nil: the key does not exist
}

func (e *ConflictError) Error() string {
	if e.Current == nil {
		return fmt.Sprintf("%q: %s was expected, but the key does not exist", e.Key, e.Want)
	}
	return fmt.Sprintf("%q: %s was expected, but version %d (id %s) is there, saved by %s at %s",
		e.Key, e.Want, e.Current.Number, e.Current.ID, e.Current.SavedBy, e.Current.SavedAt.Format(time.RFC3339))
}

func (e *ConflictError) Unwrap() error { return ErrConflict }

// String returns the author as user@host (program).
func (a Author) String() string {
	s := a.User
	if s == "" {
		s = "an unknown user"
	}
	if a.Host != "" {
		s += "@" + a.Host
	}
	if a.Program != "" {
		s += " (" + a.Program + ")"
	}
	return s
}

// Holder is who holds a lock, as the holder wrote it down. The kernel's lock is
// the truth; this is text for people.
type Holder struct {
	User      string    `json:"user"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Command   string    `json:"command"`
	Operation string    `json:"operation"`
	Since     time.Time `json:"since"`
}

// String returns the holder in words.
func (h Holder) String() string {
	if h.PID == 0 {
		return "a process that left no record"
	}
	return fmt.Sprintf("%s@%s, pid %d, %q, doing %s since %s",
		h.User, h.Host, h.PID, h.Command, h.Operation, h.Since.Format(time.RFC3339))
}

// LockedError says who holds the lock that was waited for. It matches
// [ErrLocked], and the context's error where that ended the wait.
type LockedError struct {
	Path   string // what is locked
	Holder Holder
	Waited time.Duration
	Err    error // the context's error, or nil if the store's timeout ended the wait
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is locked (waited %s): held by %s", e.Path, e.Waited.Round(time.Millisecond), e.Holder)
}

func (e *LockedError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrLocked}
	}
	return []error{ErrLocked, e.Err}
}

// CorruptError says what is damaged. It matches [ErrCorrupt].
type CorruptError struct {
	Key     string // "": not known, or not one key
	Version int64  // 0: not known, or not one version
	Doc     Doc    // "": not known, or not one document
	Detail  string
	Err     error // the cause, or nil
}

func (e *CorruptError) Error() string {
	var b strings.Builder
	b.WriteString("corrupt")
	if e.Key != "" {
		fmt.Fprintf(&b, ": %q", e.Key)
	}
	if e.Version != 0 {
		fmt.Fprintf(&b, " version %d", e.Version)
	}
	if e.Doc != "" {
		fmt.Fprintf(&b, " %s", e.Doc)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *CorruptError) Unwrap() []error { return errs(ErrCorrupt, e.Err) }

// OutcomeUnknownError says that it is not known whether a change happened, and
// how to find out. It matches [ErrOutcomeUnknown].
type OutcomeUnknownError struct {
	// Key is that of a save, the first one's of a batch, that of a delete, the new
	// name of a rename or a clone; "" if the change is not of one key.
	Key string
	ID  ID    // of a save that can be repeated with it; zero for a batch and all else
	Err error // what got in the way
}

func (e *OutcomeUnknownError) Error() string {
	what := "the change"
	if !e.ID.IsZero() {
		what = "save " + e.ID.String()
	}
	text := fmt.Sprintf("it is not known whether %s happened: %v", what, e.Err)
	if e.Key != "" {
		return fmt.Sprintf("%q: %s", e.Key, text)
	}
	return text
}

func (e *OutcomeUnknownError) Unwrap() []error { return errs(ErrOutcomeUnknown, e.Err) }

// InvalidKeyError says why a key is refused. It matches [ErrInvalidKey].
type InvalidKeyError struct {
	Key    string
	Reason string
}

func (e *InvalidKeyError) Error() string {
	key := e.Key
	if len(key) > 64 {
		key = key[:64] + "…"
	}
	return fmt.Sprintf("%q cannot be a key: %s", key, e.Reason)
}

func (e *InvalidKeyError) Unwrap() error { return ErrInvalidKey }

// SyntaxError says where a document stops being JSON. It matches
// [ErrInvalidJSON].
type SyntaxError struct {
	Doc    Doc    // "": not known
	Line   int64  // from 1
	Column int64  // in bytes, from 1
	Offset int64  // in bytes, from 0
	Reason string // for example "unexpected end"
}

func (e *SyntaxError) Error() string {
	doc := "document"
	if e.Doc != "" {
		doc = string(e.Doc) + " document"
	}
	return fmt.Sprintf("the %s is not JSON: line %d, column %d: %s", doc, e.Line, e.Column, e.Reason)
}

func (e *SyntaxError) Unwrap() error { return ErrInvalidJSON }

// OpError returns err, not nil, as a store's error of the operation op on key. It
// names the key, unless err does. An empty op is left out.
func OpError(op, key string, err error) error {
	switch named := namesKey(err, key); {
	case named && op == "":
		return err
	case named:
		return fmt.Errorf("%s: %w", op, err)
	case op == "":
		return fmt.Errorf("%q: %w", key, err)
	}
	return fmt.Errorf("%s %q: %w", op, key, err)
}

func namesKey(err error, key string) bool {
	if e, ok := errors.AsType[*NotFoundError](err); ok {
		return e.Key == key
	}
	if e, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		return e.Key == key
	}
	if e, ok := errors.AsType[*ConflictError](err); ok {
		return e.Key == key
	}
	if e, ok := errors.AsType[*CorruptError](err); ok {
		return e.Key == key
	}
	if e, ok := errors.AsType[*InvalidKeyError](err); ok {
		return e.Key == key
	}
	if e, ok := errors.AsType[*LeaseHeldError](err); ok {
		return e.Lease.Key == key
	}
	if e, ok := errors.AsType[*LeaseLostError](err); ok {
		return e.Lease.Key == key
	}
	return false
}

func errs(list ...error) []error {
	var out []error
	for _, err := range list {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}
