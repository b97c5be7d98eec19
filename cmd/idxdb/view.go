package main

import (
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/idxdb/idxdb"
)

// versionView is a version as JSON. docs/json.md describes it.
type versionView struct {
	Key        string     `json:"key"`
	Version    int64      `json:"version"`
	ID         string     `json:"id"`
	SavedAt    *timeView  `json:"savedAt"`
	SavedBy    authorView `json:"savedBy"`
	Message    string     `json:"message"`
	Source     sourceView `json:"source"`
	StateSize  int64      `json:"stateSize"`
	SearchSize *int64     `json:"searchSize"`
}

type authorView struct {
	User    string `json:"user"`
	Host    string `json:"host"`
	Program string `json:"program"`
}

type sourceView struct {
	Type       string    `json:"type"`
	Identifier string    `json:"identifier"`
	Ref        string    `json:"ref"`
	SyncedAt   *timeView `json:"syncedAt"`
}

// timeView is a time as JSON: RFC 3339 in UTC, to the nanosecond.
type timeView time.Time

func (t timeView) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, time.RFC3339Nano), nil
}

// viewTime returns nil, which is null, for a time that is not known.
func viewTime(t time.Time) *timeView {
	if t.IsZero() {
		return nil
	}
	return (*timeView)(&t)
}

func viewVersion(v idxdb.Version) versionView {
	view := versionView{
		Key:       v.Key,
		Version:   v.Number,
		ID:        v.ID.String(),
		SavedAt:   viewTime(v.SavedAt),
		SavedBy:   authorView(v.SavedBy),
		Message:   v.Message,
		Source:    sourceView{v.Source.Type, v.Source.Identifier, v.Source.Ref, viewTime(v.Source.SyncedAt)},
		StateSize: v.State.Size,
	}
	if v.Search != nil {
		view.SearchSize = &v.Search.Size
	}
	return view
}

// size returns a number of bytes for people.
func size(n int64) string {
	if n < 0 {
		return "?"
	}
	return humanize.Bytes(uint64(n))
}

// count returns how many there are of something, for people.
func count(n int64, singular string) string {
	return humanize.Comma(n) + " " + english.PluralWord(int(n), singular, "")
}

func searchSize(v idxdb.Version) string {
	if v.Search == nil {
		return "-"
	}
	return size(v.Search.Size)
}

// ago returns a time for people, as seen from now.
func ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return humanize.Time(t)
}

// minute returns a time for people that can be compared with others.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// who returns an author for a table.
func who(a idxdb.Author) string {
	if a.User == "" && a.Host == "" {
		return "-"
	}
	if a.Host == "" {
		return a.User
	}
	return a.User + "@" + a.Host
}
