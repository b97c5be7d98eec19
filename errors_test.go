package idxdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

var sentinels = map[string]error{
	"ErrNotFound": idxdb.ErrNotFound, "ErrConflict": idxdb.ErrConflict, "ErrLocked": idxdb.ErrLocked,
	"ErrCorrupt": idxdb.ErrCorrupt, "ErrOutcomeUnknown": idxdb.ErrOutcomeUnknown, "ErrInvalidKey": idxdb.ErrInvalidKey,
	"ErrInvalidJSON": idxdb.ErrInvalidJSON, "ErrNewerFormat": idxdb.ErrNewerFormat, "ErrReadOnly": idxdb.ErrReadOnly,
	"ErrUnsupported": idxdb.ErrUnsupported, "ErrNotStore": idxdb.ErrNotStore, "ErrReplaced": idxdb.ErrReplaced,
	"ErrUsage": idxdb.ErrUsage, "ErrClosed": idxdb.ErrClosed,
}

func TestErrorsMatch(t *testing.T) {
	at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	id := idxdb.NewID()
	holder := idxdb.Holder{User: "ann", Host: "h1", PID: 42, Command: "idxdb save", Operation: "save", Since: at}
	for _, c := range []struct {
		err  error
		is   []error // all that it matches, besides itself
		says []string
	}{
		{idxdb.ErrNotFound, []error{idxdb.ErrNotFound, fs.ErrNotExist}, nil},
		{idxdb.ErrReadOnly, []error{idxdb.ErrReadOnly, fs.ErrPermission}, nil},
		{idxdb.ErrUnsupported, []error{idxdb.ErrUnsupported, errors.ErrUnsupported}, nil},
		{idxdb.ErrClosed, []error{idxdb.ErrClosed, fs.ErrClosed}, nil},
		{idxdb.ErrUsage, []error{idxdb.ErrUsage, fs.ErrInvalid}, nil},
		{&idxdb.NotFoundError{Key: "k"}, []error{idxdb.ErrNotFound, fs.ErrNotExist}, []string{`"k"`}},
		{&idxdb.NotFoundError{Key: "k", Version: 7}, []error{idxdb.ErrNotFound}, []string{`"k"`, "7"}},
		{&idxdb.NotFoundError{Key: "k", Doc: idxdb.SearchDoc}, []error{idxdb.ErrNotFound}, []string{`"k"`, "search"}},
		{&idxdb.NotFoundError{Key: "k", Version: 7, Doc: idxdb.SearchDoc}, []error{idxdb.ErrNotFound}, []string{`"k"`, "7", "search"}},
		{&idxdb.ConflictError{Key: "k", Want: idxdb.IfVersion(2)}, []error{idxdb.ErrConflict}, []string{`"k"`, "version 2", "does not exist"}},
		{&idxdb.ConflictError{Key: "k", Want: idxdb.IfVersion(0), Current: &idxdb.Version{Number: 9, ID: id, SavedAt: at,
			SavedBy: idxdb.Author{User: "ann", Host: "h1", Program: "p"}}},
			[]error{idxdb.ErrConflict}, []string{`"k"`, "no version", "9", id.String(), "ann@h1 (p)", "2025-01-02T03:04:05Z"}},
		{&idxdb.LockedError{Path: "f", Holder: holder, Waited: 1500 * time.Millisecond},
			[]error{idxdb.ErrLocked}, []string{"f", "ann@h1", "42", "idxdb save", "1.5s", "2025"}},
		{&idxdb.LockedError{Path: "f", Err: context.Canceled}, []error{idxdb.ErrLocked, context.Canceled}, []string{"no record"}},
		{&idxdb.CorruptError{Key: "k", Version: 3, Doc: idxdb.StateDoc, Detail: "chunk 5", Err: io.ErrUnexpectedEOF},
			[]error{idxdb.ErrCorrupt, io.ErrUnexpectedEOF}, []string{`"k"`, "3", "state", "chunk 5", "unexpected EOF"}},
		{&idxdb.CorruptError{}, []error{idxdb.ErrCorrupt}, []string{"corrupt"}},
		{&idxdb.OutcomeUnknownError{Key: "k", ID: id, Err: io.ErrClosedPipe},
			[]error{idxdb.ErrOutcomeUnknown, io.ErrClosedPipe}, []string{`"k"`, id.String(), "closed pipe"}},
		{&idxdb.InvalidKeyError{Key: "k", Reason: "why"}, []error{idxdb.ErrInvalidKey, fs.ErrInvalid}, []string{`"k"`, "why"}},
		{&idxdb.OutcomeUnknownError{Key: "k", Err: io.ErrClosedPipe},
			[]error{idxdb.ErrOutcomeUnknown}, []string{`"k": it is not known whether the change`}},
		{&idxdb.OutcomeUnknownError{Err: io.ErrClosedPipe}, []error{idxdb.ErrOutcomeUnknown}, []string{"it is not known"}},
		{&idxdb.SyntaxError{Doc: idxdb.SearchDoc, Line: 3, Column: 14, Reason: "why"},
			[]error{idxdb.ErrInvalidJSON}, []string{"search", "line 3", "column 14", "why"}},
		{&idxdb.SyntaxError{Line: 1, Column: 1}, []error{idxdb.ErrInvalidJSON}, []string{"document"}},
	} {
		for _, err := range []error{c.err, fmt.Errorf("save: %w", c.err)} {
			for _, want := range c.is {
				if !errors.Is(err, want) {
					t.Errorf("%v does not match %v", err, want)
				}
			}
			for name, other := range sentinels {
				if matches := errors.Is(err, other); matches && !contains(c.is, other) {
					t.Errorf("%v matches %s", err, name)
				}
			}
		}
		for _, part := range c.says {
			if !strings.Contains(c.err.Error(), part) {
				t.Errorf("%q does not say %q", c.err, part)
			}
		}
	}
}

func contains(list []error, err error) bool {
	for _, e := range list {
		if e == err {
			return true
		}
	}
	return false
}

func TestSentinelsAreApart(t *testing.T) {
	for a, errA := range sentinels {
		for b, errB := range sentinels {
			if errors.Is(errA, errB) != (a == b) {
				t.Errorf("errors.Is(%s, %s) = %v", a, b, a != b)
			}
		}
		if errA.Error() == "" {
			t.Errorf("%s says nothing", a)
		}
	}
}

func TestAuthorString(t *testing.T) {
	for want, a := range map[string]idxdb.Author{
		"an unknown user":       {},
		"ann":                   {User: "ann"},
		"ann@h1":                {User: "ann", Host: "h1"},
		"ann@h1 (indexer)":      {User: "ann", Host: "h1", Program: "indexer"},
		"an unknown user@h1":    {Host: "h1"},
		"an unknown user (cli)": {Program: "cli"},
	} {
		if got := a.String(); got != want {
			t.Errorf("%+v is %q, want %q", a, got, want)
		}
	}
}
