package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

func TestExitCodes(t *testing.T) {
	conflict := &idxdb.ConflictError{Key: "k", Want: idxdb.IfVersion(2), Current: &idxdb.Version{Key: "k", Number: 3}}
	unknown := &idxdb.OutcomeUnknownError{Key: "k", ID: idxdb.ID{1}, Err: fs.ErrPermission}
	locked := &idxdb.LockedError{Path: "p", Holder: idxdb.Holder{User: "u", PID: 7}, Waited: time.Second}
	tests := []struct {
		err  error
		code int
		kind string
	}{
		{nil, 0, ""},
		{errors.New("some error"), 1, "error"},
		{os.ErrNotExist, 1, "error"}, // a FILE to read, not a key
		{idxdb.ErrInvalidJSON, 1, "invalidJSON"},
		{idxdb.ErrNewerFormat, 1, "newerFormat"},
		{idxdb.ErrNotStore, 1, "notStore"},
		{idxdb.ErrReadOnly, 1, "readOnly"},
		{idxdb.ErrReplaced, 1, "replaced"},
		{idxdb.ErrUnsupported, 1, "unsupported"},
		{&internalError{"oops"}, 1, "internal"},
		{idxdb.ErrUsage, 2, "usage"},
		{idxdb.CheckKey(""), 2, "invalidKey"},
		{&idxdb.NotFoundError{Key: "k"}, 3, "notFound"},
		{conflict, 4, "conflict"},
		{locked, 5, "locked"},
		{&idxdb.LockedError{Err: context.DeadlineExceeded}, 5, "locked"},
		{&idxdb.CorruptError{Key: "k"}, 6, "corrupt"},
		{&idxdb.CorruptError{Key: "k", Err: idxdb.ErrNotFound}, 6, "corrupt"},
		{unknown, 7, "outcomeUnknown"},
		{&idxdb.OutcomeUnknownError{Err: context.Canceled}, 7, "outcomeUnknown"},
		{context.Canceled, 130, "interrupted"},
		{&idxdb.LockedError{Err: context.Canceled}, 130, "interrupted"},
		{errBrokenPipe, 141, "brokenPipe"},
	}
	for _, test := range tests {
		err := test.err
		if err != nil {
			err = fmt.Errorf("save: %w", err)
		}
		if code, kind := classify(err); code != test.code || kind != test.kind {
			t.Errorf("%v: code %d, kind %q; want %d, %q", err, code, kind, test.code, test.kind)
		}
	}
}

func TestHelpListsTheExitCodes(t *testing.T) {
	for code := range 8 {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^  %d  `, code)).MatchString(exitCodeHelp()) {
			t.Errorf("exit code %d is not in the help", code)
		}
	}
}

func TestReport(t *testing.T) {
	tests := []struct {
		err  error
		want string // "" for nothing
	}{
		{nil, ""},
		{errBrokenPipe, ""},
		{errors.New("two\nlines\x1b[0m"), `idxdb: two\nlines\x1b[0m`},
		{&idxdb.NotFoundError{Key: "k"}, `idxdb: there is no key "k"; idxdb list shows the keys there are`},
		{&idxdb.CorruptError{Detail: "bad"}, `idxdb: corrupt: bad; idxdb verify shows what is affected`},
		{usage(errors.New("bad")), `idxdb: usage: bad; see idxdb save --help`},
		{&idxdb.OutcomeUnknownError{Key: "k", ID: idxdb.ID{1}, Err: errors.New("cut off")},
			`idxdb: "k": it is not known whether save 01000000000000000000000000000000 happened: cut off; ` +
				`repeat the save with --save-id 01000000000000000000000000000000 to find out`},
	}
	for _, test := range tests {
		var b bytes.Buffer
		a := &app{stderr: &b}
		a.report(t.Context(), "idxdb save", test.err, false)
		if got := strings.TrimSuffix(b.String(), "\n"); got != test.want {
			t.Errorf("%v:\ngot  %s\nwant %s", test.err, got, test.want)
		}
	}
}

// How to find out whether a change happened depends on what it was.
func TestFindOut(t *testing.T) {
	save := idxdb.ID{1}
	for _, test := range []struct {
		command string
		err     idxdb.OutcomeUnknownError
		want    string
	}{
		{"idxdb save", idxdb.OutcomeUnknownError{Key: "k", ID: save}, "--save-id " + save.String()},
		{"idxdb save", idxdb.OutcomeUnknownError{Key: "k"}, "repeat the batch"},
		{"idxdb copy", idxdb.OutcomeUnknownError{Key: "k", ID: save}, "repeat the copy"},
		{"idxdb copy", idxdb.OutcomeUnknownError{Key: "k"}, `idxdb log "k"`},
		{"idxdb delete", idxdb.OutcomeUnknownError{Key: "k"}, `idxdb log "k"`},
		{"idxdb mv", idxdb.OutcomeUnknownError{Key: "k"}, `idxdb log "k"`},
		{"idxdb upgrade", idxdb.OutcomeUnknownError{}, "can be repeated"},
	} {
		if got := nextStep(test.command, &test.err); !strings.Contains(got, test.want) {
			t.Errorf("%s %+v: %s, want %s", test.command, test.err, got, test.want)
		}
	}
	if out := particulars(&idxdb.OutcomeUnknownError{Key: "k"}, 7, "outcomeUnknown"); out.SaveID != "" {
		t.Errorf("saveId %s where there is none", out.SaveID)
	}
}

// After a signal, whatever error it led to is the interruption, but for the one
// that must not be missed.
func TestReportInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b bytes.Buffer
	a := &app{stderr: &b}
	if code := a.report(ctx, "idxdb", errors.New("use of closed file"), false); code != exitInterrupted {
		t.Errorf("code %d", code)
	}
	if got := b.String(); got != "idxdb: interrupted\n" {
		t.Errorf("printed %q", got)
	}
	b.Reset()
	a.report(ctx, "idxdb", errors.New("use of closed file"), true)
	if got, want := b.String(), `{"error":"interrupted","code":130,"kind":"interrupted"}`+"\n"; got != want {
		t.Errorf("printed %s; want %s", got, want)
	}
	b.Reset()
	a.undone = "nothing was saved"
	a.report(ctx, "idxdb save", errors.New("use of closed file"), false)
	if got := b.String(); got != "idxdb: interrupted: nothing was saved\n" {
		t.Errorf("printed %q", got)
	}
	if code := a.report(ctx, "idxdb", nil, false); code != exitOK {
		t.Errorf("done all the same: code %d", code)
	}
	if code := a.report(ctx, "idxdb", &idxdb.OutcomeUnknownError{Err: ctx.Err()}, false); code != exitOutcomeUnknown {
		t.Errorf("outcome unknown: code %d", code)
	}
}

func TestReportJSON(t *testing.T) {
	id := idxdb.NewID()
	err := fmt.Errorf("save: %w", errors.Join(
		&idxdb.OutcomeUnknownError{ID: id, Err: errors.New("cut off")},
		&idxdb.ConflictError{Current: &idxdb.Version{Key: "k", Number: 3}},
		&idxdb.LockedError{Holder: idxdb.Holder{User: "ana", PID: 7}},
	))
	var b bytes.Buffer
	a := &app{stderr: &b}
	a.report(t.Context(), "idxdb save", err, true)
	if strings.Count(b.String(), "\n") != 1 {
		t.Errorf("not one line: %q", &b)
	}
	var got struct {
		Error, Kind, SaveID string
		Code                int
		Current             struct{ Version int64 }
		Holder              struct{ User string }
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Error != err.Error() || got.Code != 7 || got.Kind != "outcomeUnknown" || got.SaveID != id.String() ||
		got.Current.Version != 3 || got.Holder.User != "ana" {
		t.Errorf("got %+v from %s", got, &b)
	}
}

func TestPanicIsAnError(t *testing.T) {
	err := protect(func() error { panic("oops") })
	if !isInternal(err) || !strings.Contains(err.Error(), "oops") {
		t.Errorf("protect: %v", err)
	}
	want := errors.New("plain")
	if err := protect(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("protect changed an error: %v", err)
	}
}

func TestWantsJSON(t *testing.T) {
	tests := []struct {
		args []string
		want bool
	}{
		{nil, false},
		{[]string{"list", "--json"}, true},
		{[]string{"list", "--json=true"}, true},
		{[]string{"save", "--", "--json"}, false},
	}
	for _, test := range tests {
		if got := wantsJSON(test.args); got != test.want {
			t.Errorf("wantsJSON(%q) = %v", test.args, got)
		}
	}
}
