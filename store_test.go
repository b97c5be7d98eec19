package idxdb_test

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

func TestCheckKey(t *testing.T) {
	good := []string{"a", " ", ".", "owner/repo@main", "ключ/ветка", "\u00a0", "🙂", "-rf", `"'%\`,
		strings.Repeat("k", idxdb.MaxKeyLen), strings.Repeat("ж", idxdb.MaxKeyLen/2), "\ufffd", "\U0010ffff"}
	for _, k := range good {
		if err := idxdb.CheckKey(k); err != nil {
			t.Errorf("CheckKey(%q) = %v", k, err)
		}
	}
	bad := map[string]string{
		"":                                     "empty",
		strings.Repeat("k", idxdb.MaxKeyLen+1): "513 bytes",
		"a\nb":                                 "U+000A",
		"\x00":                                 "U+0000",
		"a\x7f":                                "U+007F",
		"\u0080":                               "U+0080",
		"\u009f":                               "U+009F",
		"a\xff":                                "UTF-8",
		"\xed\xa0\x80":                         "UTF-8",
	}
	for k, reason := range bad {
		err := idxdb.CheckKey(k)
		var invalid *idxdb.InvalidKeyError
		if !errors.Is(err, idxdb.ErrInvalidKey) || !errors.Is(err, fs.ErrInvalid) || !errors.As(err, &invalid) || invalid.Key != k {
			t.Errorf("CheckKey(%q) = %v, want an *InvalidKeyError", k, err)
			continue
		}
		if !strings.Contains(err.Error(), reason) {
			t.Errorf("CheckKey(%q) = %q, want it to say %q", k, err, reason)
		}
		if len(err.Error()) > 400 {
			t.Errorf("CheckKey of a long key says %d bytes", len(err.Error()))
		}
	}
}

func TestID(t *testing.T) {
	id := idxdb.NewID()
	if id.IsZero() || id == idxdb.NewID() {
		t.Fatalf("NewID gave %s, which is zero or comes twice", id)
	}
	got, err := idxdb.ParseID(id.String())
	if err != nil || got != id {
		t.Errorf("ParseID(%q) = %s, %v", id, got, err)
	}
	if got, err := idxdb.ParseID(strings.ToUpper(id.String())); err != nil || got != id {
		t.Errorf("ParseID in capitals = %s, %v", got, err)
	}
	for _, s := range []string{"", "0", strings.Repeat("0", 32), strings.Repeat("0", 31) + "g",
		strings.Repeat("1", 31), strings.Repeat("1", 34), " " + id.String()} {
		if got, err := idxdb.ParseID(s); err == nil || !got.IsZero() {
			t.Errorf("ParseID(%q) = %s, %v; want an error", s, got, err)
		}
	}
	if !(idxdb.ID{}).IsZero() {
		t.Error("the zero ID is not zero")
	}
}

func TestDefaults(t *testing.T) {
	if got := (idxdb.LoadOptions{}).DocOrDefault(); got != idxdb.StateDoc {
		t.Errorf("the document loaded by default is %q", got)
	}
	if got := (idxdb.LoadOptions{Doc: idxdb.SearchDoc}).DocOrDefault(); got != idxdb.SearchDoc {
		t.Errorf("the document asked for became %q", got)
	}
	v := idxdb.Version{State: idxdb.DocInfo{Size: 1}}
	if got := v.Info(idxdb.StateDoc); got != &v.State {
		t.Errorf("Info(state) = %v", got)
	}
	if got := v.Info(idxdb.SearchDoc); got != nil {
		t.Errorf("Info(search) = %v, want nil", got)
	}
	if got := v.Info("other"); got != nil {
		t.Errorf("Info(other) = %v, want nil", got)
	}
}

type wrapper struct{ idxdb.Store }

func (w wrapper) Unwrap() idxdb.Store { return w.Store }

func TestAs(t *testing.T) {
	inner := newFake()
	for name, s := range map[string]idxdb.Store{"itself": inner, "wrapped": wrapper{inner}, "twice": wrapper{wrapper{inner}}} {
		if got, ok := idxdb.As[idxdb.Importer](s); !ok || got != idxdb.Importer(inner) {
			t.Errorf("%s: As found %v, %v", name, got, ok)
		}
		if got, ok := idxdb.As[idxdb.Vacuumer](s); ok || got != nil {
			t.Errorf("%s: As found a Vacuumer, %v", name, got)
		}
	}
	if _, ok := idxdb.As[idxdb.Importer](nil); ok {
		t.Error("As found something in nil")
	}
	if _, ok := idxdb.As[idxdb.Importer](wrapper{nil}); ok {
		t.Error("As found something in a wrapper of nil")
	}
}

func TestNextNumbers(t *testing.T) {
	const most = idxdb.MaxVersion
	for _, c := range []struct {
		last, n, want int64 // want 0: an error
	}{
		{0, 1, 1}, {7, 3, 10}, {most - 1, 1, most}, {most - 3, 3, most}, {0, most, most},
		{most, 1, 0}, {most - 2, 3, 0}, {most, math.MaxInt64, 0}, {0, math.MaxInt64, 0},
	} {
		got, err := idxdb.NextNumbers(c.last, c.n)
		if got != c.want || (err == nil) != (c.want != 0) || err != nil && !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("NextNumbers(%d, %d) = %d, %v; want %d", c.last, c.n, got, err, c.want)
		}
	}
}

func TestCheckImport(t *testing.T) {
	good := idxdb.Version{ID: idxdb.NewID(), Number: 1, SavedAt: time.Unix(0, 0)}
	for name, c := range map[string]struct {
		change func(v *idxdb.Version)
		ok     bool
	}{
		"1970":             {func(*idxdb.Version) {}, true},
		"the zero time":    {func(v *idxdb.Version) { v.SavedAt = time.Time{} }, true},
		"the last number":  {func(v *idxdb.Version) { v.Number = idxdb.MaxVersion }, true},
		"number too high":  {func(v *idxdb.Version) { v.Number = idxdb.MaxVersion + 1 }, false},
		"number 0":         {func(v *idxdb.Version) { v.Number = 0 }, false},
		"number below 0":   {func(v *idxdb.Version) { v.Number = math.MinInt64 }, false},
		"no id":            {func(v *idxdb.Version) { v.ID = idxdb.ID{} }, false},
		"10000, elsewhere": {func(v *idxdb.Version) { v.SavedAt = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)) }, false},
		"the far future":   {func(v *idxdb.Version) { v.SavedAt = time.Unix(math.MaxInt64/2, 0) }, false},
		"before year 1":    {func(v *idxdb.Version) { v.SavedAt = time.Time{}.Add(-1) }, false},
	} {
		v := good
		c.change(&v)
		if err := idxdb.CheckImport(v); (err == nil) != c.ok || err != nil && !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("%s: CheckImport says %v", name, err)
		}
	}
}
