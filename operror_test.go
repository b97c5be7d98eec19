package idxdb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// An error names its key once, whether the cause names it or not.
func TestOpError(t *testing.T) {
	plain := errors.New("no luck")
	tests := []struct {
		op   string
		err  error
		want string
	}{
		{"save", plain, `save "k": no luck`},
		{"", plain, `"k": no luck`},
		{"load", &idxdb.NotFoundError{Key: "k", Version: 3}, `load: "k" has no version 3`},
		{"", &idxdb.NotFoundError{Key: "k"}, `there is no key "k"`},
		{"copy", &idxdb.NotFoundError{Key: "other"}, `copy "k": there is no key "other"`},
		{"load", &idxdb.CorruptError{Detail: "bad"}, `load "k": corrupt: bad`},
		{"load", &idxdb.CorruptError{Key: "k", Detail: "bad"}, `load: corrupt: "k": bad`},
	}
	for _, test := range tests {
		err := idxdb.OpError(test.op, "k", test.err)
		if err.Error() != test.want || !errors.Is(err, test.err) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	for _, err := range []error{
		&idxdb.ConflictError{Key: "k"},
		&idxdb.OutcomeUnknownError{Key: "k", Err: plain},
		&idxdb.InvalidKeyError{Key: "k"},
		&idxdb.LeaseHeldError{Lease: idxdb.LeaseInfo{Key: "k"}},
		&idxdb.LeaseLostError{Lease: idxdb.LeaseToken{Key: "k"}},
	} {
		if got := idxdb.OpError("save", "k", err).Error(); strings.Count(got, `"k"`) != 1 || !strings.HasPrefix(got, "save: ") {
			t.Errorf("%T: %s", err, got)
		}
	}
}

func TestParseIDOfNoSave(t *testing.T) {
	_, err := idxdb.ParseID(strings.Repeat("0", 32))
	if err == nil || !strings.HasPrefix(err.Error(), "no save has the id ") {
		t.Errorf("got %v", err)
	}
}
