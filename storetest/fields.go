package storetest

import (
	"strings"
	"time"

	"github.com/idxdb/idxdb"
)

var fieldSentences = []sentence{
	{name: "Fields/MessageIsKept", test: testMessage},
	{name: "Fields/AuthorIsThisProcessOrGiven", test: testAuthor},
	{name: "Fields/TimeIsThatOfTheSave", test: testTime},
	{name: "Fields/SourceIsReadFromTheState", test: testSource},
	{name: "Fields/DigestsAndSizesTellDocumentsApart", test: testDigests},
}

func testMessage(e *env) {
	for _, m := range []string{"", "a line", "ключ 🙂 'quoted' \"twice\" %s", strings.Repeat("m", idxdb.MaxMessageLen)} {
		saved := e.saveWith("key", textFor(m)+strings.Repeat(" ", len(m)), none, idxdb.SaveOptions{Message: m})
		if _, v := e.load("key", idxdb.LoadOptions{}); v.Message != m || saved.Version.Message != m {
			e.Errorf("message %s became %s on save, %s on load", brief(m), brief(saved.Version.Message), brief(v.Message))
		}
	}
}

func testAuthor(e *env) {
	self := e.save("key", `[1]`, none).Version.SavedBy
	if self.Program == "" || self == (idxdb.Author{}) {
		e.Errorf("SavedBy of this process is %+v, want at least the program", self)
	}
	by := idxdb.Author{User: "Łukasz", Host: "build-7.example", Program: "indexer/3 (linux)"}
	saved := e.saveWith("key", `[2]`, none, idxdb.SaveOptions{By: by})
	e.reopen()
	if v := e.holds("key", `[2]`, none); v.SavedBy != by || saved.Version.SavedBy != by {
		e.Errorf("the author that was given, %+v, became %+v on save, %+v on load", by, saved.Version.SavedBy, v.SavedBy)
	}
	if e.has(history) {
		if log := e.log("key"); log[1].SavedBy != self {
			e.Errorf("the author of version 1 was %+v, is %+v", self, log[1].SavedBy)
		}
	}
}

func testTime(e *env) {
	var last time.Time
	for i := range 5 {
		before := time.Now()
		saved := e.save("key", indexText(100+i, uint64(i)), none).Version.SavedAt
		after := time.Now()
		// A store may keep whole milliseconds.
		if saved.Before(before.Add(-2*time.Millisecond)) || saved.After(after.Add(2*time.Millisecond)) {
			e.Errorf("SavedAt is %v, but the save took from %v to %v", saved, before, after)
		}
		if saved.Before(last) {
			e.Errorf("SavedAt went back from %v to %v", last, saved)
		}
		last = saved
		if _, v := e.load("key", idxdb.LoadOptions{}); !v.SavedAt.Equal(saved) {
			e.Errorf("SavedAt was %v on save, is %v on load", saved, v.SavedAt)
		}
	}
}

func testSource(e *env) {
	at := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, c := range map[string]struct {
		text string
		want idxdb.Source
	}{
		"github": {
			`{"version":1,"source":{"type":"github","config":{"owner":"o","repo":"r"},"resolvedRef":"abc","syncedAt":"2025-03-04T05:06:07Z"}}`,
			idxdb.Source{Type: "github", Identifier: "o/r", Ref: "abc", SyncedAt: at},
		},
		"bitbucket": {
			`{"source":{"type":"bitbucket","config":{"workspace":"w","repo":"r"},"resolvedRef":"def","syncedAt":"2025-03-04T06:06:07+01:00"}}`,
			idxdb.Source{Type: "bitbucket", Identifier: "w/r", Ref: "def", SyncedAt: at},
		},
		"website": {
			`{"source":{"type":"website","config":{"url":"https://docs.example:8443/a/b?c"}}}`,
			idxdb.Source{Type: "website", Identifier: "docs.example"},
		},
		"last member, after a lot": {
			`{"contents":` + indexText(400_000, 15) + `,"source":{"type":"other","identifier":"here","resolvedRef":"1"}}`,
			idxdb.Source{Type: "other", Identifier: "here", Ref: "1"},
		},
		"none":              {`{"sources":{"type":"github"}}`, idxdb.Source{}},
		"not at top":        {`{"a":{"source":{"type":"github"}}}`, idxdb.Source{}},
		"not an object":     {`{"source":"github"}`, idxdb.Source{}},
		"state is an array": {`[{"source":{"type":"github"}}]`, idxdb.Source{}},
	} {
		saved := e.save(name, c.text, `{"source":{"type":"of search"}}`).Version
		_, v := e.load(name, idxdb.LoadOptions{})
		for _, got := range []idxdb.Source{saved.Source, v.Source} {
			if got.SyncedAt.Equal(c.want.SyncedAt) {
				got.SyncedAt = c.want.SyncedAt
			}
			if got != c.want {
				e.Errorf("source of %s: %+v, want %+v", name, got, c.want)
			}
		}
	}
}

func testDigests(e *env) {
	a := e.save("a", indexText(100_000, 16), `{"s":1}`).Version
	b := e.save("b", indexText(100_000, 17), `{"s":1}`).Version
	same := e.save("c", indexText(100_000, 16), none).Version
	if a.State.Digest == "" || a.State.Digest == b.State.Digest || a.State.Digest != same.State.Digest {
		e.Errorf("digests of A, B and A again: %q, %q, %q", a.State.Digest, b.State.Digest, same.State.Digest)
	}
	if a.Search == nil || b.Search == nil || a.Search.Digest != b.Search.Digest || a.Search.Size != 7 {
		e.Errorf("search of equal bytes: %+v and %+v", a.Search, b.Search)
	}
	for _, digest := range []string{a.State.Digest, b.State.Digest} {
		if algorithm, hex, ok := strings.Cut(digest, ":"); !ok || algorithm == "" || strings.Trim(hex, "0123456789abcdef") != "" {
			e.Errorf("digest %q is not algorithm:hex", digest)
		}
	}
}
