package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/idxdb/idxdb"
)

// The exit codes. Scripts rely on them: they never change.
const (
	exitOK             = 0
	exitError          = 1
	exitUsage          = 2
	exitNotFound       = 3
	exitConflict       = 4
	exitLocked         = 5
	exitCorrupt        = 6
	exitOutcomeUnknown = 7
	exitInterrupted    = 130 // as a shell says of a program that SIGINT ended
	exitBrokenPipe     = 141 // as a shell says of a program that SIGPIPE ended
)

func exitCodeHelp() string {
	return `Exit codes:
  0  ok
  1  error
  2  usage: a wrong command, flag, argument, key or URL
  3  not found: no such key, version, document or store
  4  conflict: the key is not at the version that was expected
  5  locked: somebody else held the store, or has a lease on the key
  6  corrupt: what is stored is not what was saved; verify found damage
  7  outcome unknown: the change may or may not have happened
  130  interrupted`
}

// classify returns the exit code for err and the name of its kind in JSON.
// Where an error is several things, the one to act on comes first.
func classify(err error) (code int, kind string) {
	switch {
	case err == nil:
		return exitOK, ""
	case isInternal(err):
		return exitError, "internal"
	case errors.Is(err, errBrokenPipe):
		return exitBrokenPipe, "brokenPipe"
	case errors.Is(err, idxdb.ErrOutcomeUnknown):
		return exitOutcomeUnknown, "outcomeUnknown"
	case errors.Is(err, context.Canceled):
		return exitInterrupted, "interrupted"
	case errors.Is(err, idxdb.ErrCorrupt):
		return exitCorrupt, "corrupt"
	case errors.Is(err, idxdb.ErrConflict):
		return exitConflict, "conflict"
	case errors.Is(err, idxdb.ErrLocked):
		return exitLocked, "locked"
	case errors.Is(err, idxdb.ErrNotFound):
		return exitNotFound, "notFound"
	case errors.Is(err, idxdb.ErrInvalidKey):
		return exitUsage, "invalidKey"
	case errors.Is(err, idxdb.ErrUsage):
		return exitUsage, "usage"
	case errors.Is(err, idxdb.ErrInvalidJSON):
		return exitError, "invalidJSON"
	case errors.Is(err, idxdb.ErrNewerFormat):
		return exitError, "newerFormat"
	case errors.Is(err, idxdb.ErrNotStore):
		return exitError, "notStore"
	case errors.Is(err, idxdb.ErrReadOnly):
		return exitError, "readOnly"
	case errors.Is(err, idxdb.ErrReplaced):
		return exitError, "replaced"
	case errors.Is(err, idxdb.ErrUnsupported):
		return exitError, "unsupported"
	}
	return exitError, "error"
}

// nextStep says what to do about err, where the command line knows more than
// the store that failed. It may be empty.
func nextStep(command string, err error) string {
	var unknown *idxdb.OutcomeUnknownError
	var notFound *idxdb.NotFoundError
	var conflict *idxdb.ConflictError
	var held *idxdb.LeaseHeldError
	var lost *idxdb.LeaseLostError
	switch {
	case errors.As(err, &unknown):
		return findOut(command, unknown)
	case errors.Is(err, context.Canceled), errors.As(err, &lost), errors.Is(err, idxdb.ErrCorrupt) && strings.HasSuffix(command, " verify"):
		return ""
	case errors.Is(err, idxdb.ErrCorrupt) && strings.HasSuffix(command, " load"):
		return "idxdb verify shows what is affected; other versions may be intact (idxdb log, load --version N)"
	case errors.Is(err, idxdb.ErrCorrupt):
		return "idxdb verify shows what is affected"
	case errors.As(err, &held) && strings.HasSuffix(command, " lease"):
		return "--wait waits for it"
	case errors.As(err, &held):
		return "--ignore-lease goes on without it"
	case errors.As(err, &conflict) && conflict.Current == nil:
		return "idxdb list shows the keys there are"
	case errors.Is(err, idxdb.ErrConflict) && strings.HasSuffix(command, " copy"):
		return "that is the version of DST; --force copies on top of it"
	case errors.Is(err, idxdb.ErrConflict):
		return "idxdb log shows who saved what"
	case errors.As(err, &notFound) && notFound.Version == 0 && notFound.Doc == "":
		return "idxdb list shows the keys there are"
	case errors.Is(err, idxdb.ErrUsage):
		return "see " + command + " --help"
	}
	return ""
}

// findOut says how to find out whether a change happened.
func findOut(command string, err *idxdb.OutcomeUnknownError) string {
	switch {
	case strings.HasSuffix(command, " copy") && !err.ID.IsZero():
		return "repeat the copy, which leaves out what is there"
	case !err.ID.IsZero():
		return fmt.Sprintf("repeat the save with --save-id %s to find out", err.ID)
	case strings.HasSuffix(command, " save"):
		return "repeat the batch as it is, with its saveIds, to find out"
	case err.Key != "":
		return fmt.Sprintf("idxdb log %q shows whether it happened", err.Key)
	}
	return "it can be repeated"
}

// jsonError is an error as JSON.
type jsonError struct {
	Error   string        `json:"error"`
	Code    int           `json:"code"`
	Kind    string        `json:"kind"`
	Current *versionView  `json:"current,omitempty"` // of a conflict: what is there instead
	SaveID  string        `json:"saveId,omitempty"`  // of an unknown outcome
	Holder  *idxdb.Holder `json:"holder,omitempty"`  // of a lock
	Deleted []string      `json:"deleted,omitempty"` // keys that were deleted before it
}

// interruptedError is the end of a context at a signal, in words for people.
type interruptedError struct {
	undone string // what became of the command; "" if there is nothing to say
}

func (e interruptedError) Error() string {
	if e.undone == "" {
		return "interrupted"
	}
	return "interrupted: " + e.undone
}

func (interruptedError) Is(target error) bool { return target == context.Canceled }

// report prints err, of the command, in one line and returns its exit code.
func (a *app) report(ctx context.Context, command string, err error, asJSON bool) int {
	if err != nil && ctx.Err() != nil && !errors.Is(err, idxdb.ErrOutcomeUnknown) && !isCommand(err) {
		err = interruptedError{a.undone} // whatever it broke on the way
	}
	code, kind := classify(err)
	var ran *commandError
	if errors.As(err, &ran) {
		if code = ran.code; ran.err == nil {
			return code // the command has said what there is to say
		}
	}
	switch {
	case code == exitOK || code == exitBrokenPipe:
	case asJSON:
		out := particulars(err, code, kind)
		out.Deleted = a.deleted
		_ = writeJSON(a.stderr, out) // nowhere left to complain
	default:
		line := err.Error()
		if step := nextStep(command, err); step != "" {
			line += "; " + step
		}
		fmt.Fprintf(a.stderr, "idxdb: %s\n", printable(line))
	}
	return code
}

// jsonWarning is a warning as JSON.
type jsonWarning struct {
	Warning string `json:"warning"`
}

// warn tells the user what is no error but worth knowing, in one line.
func (a *app) warn(text string) {
	switch {
	case a.json:
		_ = writeJSON(a.stderr, jsonWarning{text}) // nowhere left to complain
	case !a.quiet:
		fmt.Fprintf(a.stderr, "idxdb: warning: %s\n", printable(text))
	}
}

func particulars(err error, code int, kind string) jsonError {
	out := jsonError{Error: err.Error(), Code: code, Kind: kind}
	var conflict *idxdb.ConflictError
	if errors.As(err, &conflict) && conflict.Current != nil {
		v := viewVersion(*conflict.Current)
		out.Current = &v
	}
	var unknown *idxdb.OutcomeUnknownError
	if errors.As(err, &unknown) && !unknown.ID.IsZero() {
		out.SaveID = unknown.ID.String()
	}
	var locked *idxdb.LockedError
	if errors.As(err, &locked) && locked.Holder.PID != 0 {
		out.Holder = &locked.Holder
	}
	var held *idxdb.LeaseHeldError
	if errors.As(err, &held) {
		out.Holder = &held.Lease.Holder
	}
	return out
}

func isCommand(err error) bool {
	var command *commandError
	return errors.As(err, &command)
}

func isInternal(err error) bool {
	var internal *internalError
	return errors.As(err, &internal)
}

// usage makes err match ErrUsage, and says so.
func usage(err error) error {
	if errors.Is(err, idxdb.ErrUsage) || errors.Is(err, idxdb.ErrInvalidKey) {
		return err
	}
	return fmt.Errorf("%w: %w", idxdb.ErrUsage, err)
}
