package idxdb_test

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

func TestParseLocation(t *testing.T) {
	for raw, want := range map[string]idxdb.Location{
		"sqlite:team.idx":           {Scheme: "sqlite", Path: "team.idx"},
		"SQLite:team.idx":           {Scheme: "sqlite", Path: "team.idx"},
		"sqlite:/a/b.idx":           {Scheme: "sqlite", Path: "/a/b.idx"},
		"sqlite:///a/b.idx":         {Scheme: "sqlite", Path: "/a/b.idx"},
		"sqlite:a%20b%3F%25.idx":    {Scheme: "sqlite", Path: "a b?%.idx"},
		"sqlite:a+b.idx":            {Scheme: "sqlite", Path: "a+b.idx"},
		"file:":                     {Scheme: "file"},
		"file:a:b":                  {Scheme: "file", Path: "a:b"},
		"s3://user@host:9000/b/c":   {Scheme: "s3", Host: "user@host:9000", Path: "/b/c"},
		"s3://bucket":               {Scheme: "s3", Host: "bucket"},
		"x+y-z.1:p":                 {Scheme: "x+y-z.1", Path: "p"},
		"sqlite:t?timeout=5s&a=%26": {Scheme: "sqlite", Path: "t", Params: url.Values{"timeout": {"5s"}, "a": {"&"}}},
		"sqlite:t?":                 {Scheme: "sqlite", Path: "t"},
	} {
		if want.Params == nil {
			want.Params = url.Values{}
		}
		if got, err := idxdb.ParseLocation(raw); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseLocation(%q) = %+v, %v; want %+v", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "team.idx", "./a:b", "C:team.idx", `C:\team.idx`, ":x", "1a:x", "a b:x",
		"sqlite:%zz", "sqlite:50%", "sqlite:t?a=%zz", "sqlite:t?a;b"} {
		if got, err := idxdb.ParseLocation(raw); !errors.Is(err, idxdb.ErrUsage) {
			t.Errorf("ParseLocation(%q) = %+v, %v; want ErrUsage", raw, got, err)
		}
	}
	for _, raw := range []string{"s3://ann:secret@host/%zz", "s3://ann:secret@host/x?k=%zz"} {
		if _, err := idxdb.ParseLocation(raw); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseLocation(%q) = %v, want an error without the secret", raw, err)
		}
	}
}

func TestHasScheme(t *testing.T) {
	for s, want := range map[string]bool{
		"sqlite:x": true, "s3://b": true, "file:": true, "x": false, "": false, ":": false,
		"C:x": false, "./s:x": false, "a/b:c": false, "9p:x": false, "a_b:c": false,
	} {
		if got := idxdb.HasScheme(s); got != want {
			t.Errorf("HasScheme(%q) = %v", s, got)
		}
	}
}

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"team.idx":                            "team.idx",
		"sqlite:team.idx":                     "sqlite:team.idx",
		"sqlite:team.idx?timeout=5s":          "sqlite:team.idx?…",
		"sqlite:team.idx?":                    "sqlite:team.idx",
		"pg://ann:secret@host:5432/db?x=y":    "pg://host:5432/db?…",
		"pg://secret@host":                    "pg://host",
		"pg://ann:p@ss@host/a@b":              "pg://host/a@b",
		"s3://bucket/prefix?secret=abc&k=def": "s3://bucket/prefix?…",
	} {
		if got := idxdb.Redact(raw); got != want {
			t.Errorf("Redact(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestMux(t *testing.T) {
	var got idxdb.Location
	var gotOpts idxdb.OpenOptions
	inner := newFake()
	var m idxdb.Mux
	m.Register(idxdb.Scheme{Name: "two", Summary: "second", Open: func(context.Context, idxdb.Location, idxdb.OpenOptions) (idxdb.Store, error) {
		return nil, idxdb.ErrNotStore
	}})
	m.Register(idxdb.Scheme{
		Name: "one", Params: []idxdb.Param{{Name: "timeout"}, {Name: "size"}},
		Open: func(_ context.Context, loc idxdb.Location, o idxdb.OpenOptions) (idxdb.Store, error) {
			got, gotOpts = loc, o
			return inner, nil
		},
	})
	if s := m.Schemes(); len(s) != 2 || s[0].Name != "one" || s[1].Name != "two" {
		t.Errorf("Schemes = %v, want one, two", s)
	}
	waited := false
	opts := idxdb.OpenOptions{ReadOnly: true, Create: true, OnWait: func(idxdb.Holder) { waited = true }}
	s, err := m.Open(t.Context(), "one:path?timeout=5s", opts)
	if err != nil || s != idxdb.Store(inner) {
		t.Fatalf("Open = %v, %v", s, err)
	}
	if got.Path != "path" || got.Params.Get("timeout") != "5s" || !gotOpts.ReadOnly || !gotOpts.Create || gotOpts.OnWait == nil {
		t.Errorf("the scheme was given %+v, %+v", got, gotOpts)
	}
	if gotOpts.OnWait(idxdb.Holder{}); !waited {
		t.Error("the scheme was given another OnWait")
	}
	if _, err := m.Open(t.Context(), "two:x", idxdb.OpenOptions{}); !errors.Is(err, idxdb.ErrNotStore) {
		t.Errorf("the scheme's error became %v", err)
	}
	for raw, says := range map[string]string{
		"three:x":                      "one:, two:",
		"one:x?tiemout=5s":             "timeout, size",
		"two:x?a=b":                    "it has none",
		"one:x?timeout=1s&timeout=2s":  "twice",
		"nothing":                      "not a store URL",
		"three://ann:secret@h/x?a=key": "three:",
	} {
		_, err := m.Open(t.Context(), raw, idxdb.OpenOptions{})
		if !errors.Is(err, idxdb.ErrUsage) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) = %v, want ErrUsage that says %q", raw, err, says)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("registering a scheme twice does not panic")
		}
	}()
	m.Register(idxdb.Scheme{Name: "one"})
}
