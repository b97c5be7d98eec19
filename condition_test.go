package idxdb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

func TestCondition(t *testing.T) {
	id, other := idxdb.NewID(), idxdb.NewID()
	there := &idxdb.Version{Key: "key", Number: 3, ID: id}
	for _, c := range []struct {
		cond    idxdb.Condition
		holds   bool // of version 3
		holdsNo bool // of a key that does not exist
		text    string
	}{
		{idxdb.Condition{}, true, true, "anything"},
		{idxdb.IfVersion(3), true, false, "version 3"},
		{idxdb.IfVersion(2), false, false, "version 2"},
		{idxdb.IfVersion(0), false, true, "no version"},
		{idxdb.IfVersion(-1), false, false, "version -1"},
		{idxdb.IfMatch(id), true, false, id.String()},
		{idxdb.IfMatch(other), false, false, other.String()},
		{idxdb.IfVersion(3).And(idxdb.IfMatch(id)), true, false, "version 3 with id " + id.String()},
		{idxdb.IfMatch(id).And(idxdb.IfVersion(3)), true, false, "version 3 with id " + id.String()},
		{idxdb.IfVersion(3).And(idxdb.IfMatch(other)), false, false, other.String()},
		{idxdb.IfVersion(2).And(idxdb.IfMatch(id)), false, false, "version 2"},
		{idxdb.IfVersion(0).And(idxdb.IfMatch(id)), false, false, "no version"},
		{idxdb.IfVersion(3).And(idxdb.Condition{}), true, false, "version 3"},
	} {
		for _, current := range []*idxdb.Version{there, nil} {
			want := c.holds
			if current == nil {
				want = c.holdsNo
			}
			err := c.cond.Check("key", current)
			if (err == nil) != want {
				t.Errorf("%v of %v: %v, want that it holds: %v", c.cond, current, err, want)
			}
			var conflict *idxdb.ConflictError
			if err != nil && (!errors.Is(err, idxdb.ErrConflict) || !errors.As(err, &conflict) ||
				conflict.Key != "key" || conflict.Want != c.cond || conflict.Current != current) {
				t.Errorf("%v of %v: %#v is not the conflict", c.cond, current, err)
			}
		}
		if !strings.Contains(c.cond.String(), c.text) {
			t.Errorf("%q does not say %q", c.cond, c.text)
		}
		if c.cond.IsZero() != (c.text == "anything") {
			t.Errorf("%v: IsZero = %v", c.cond, c.cond.IsZero())
		}
	}
	if idxdb.IfVersion(0).IsZero() {
		t.Error("IfVersion(0) is the zero Condition")
	}
}

func TestConditionAndPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"numbers": func() { idxdb.IfVersion(0).And(idxdb.IfVersion(0)) },
		"ids":     func() { idxdb.IfMatch(idxdb.NewID()).And(idxdb.IfMatch(idxdb.NewID())) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("And of two %s does not panic", name)
				}
			}()
			f()
		}()
	}
}
