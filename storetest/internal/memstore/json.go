package memstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

// checkJSON returns an [*idxdb.SyntaxError] if b is not one JSON text in UTF-8.
func checkJSON(b []byte, doc idxdb.Doc) error {
	if json.Valid(b) && utf8.Valid(b) {
		return nil
	}
	var syntax *json.SyntaxError
	var raw json.RawMessage
	bad := invalidUTF8(b)
	err := json.Unmarshal(b, &raw)
	if errors.As(err, &syntax) {
		offset := int(syntax.Offset) - 1 // the package counts the offending byte in
		if isTruncated(b) {
			offset = len(b)
		}
		if bad < 0 || offset < bad {
			return syntaxError(b, offset, doc, syntax.Error())
		}
	}
	if bad >= 0 {
		return syntaxError(b, bad, doc, "invalid UTF-8")
	}
	return nil
}

// isTruncated reports whether b could go on to be JSON.
func isTruncated(b []byte) bool {
	var raw json.RawMessage
	err := json.NewDecoder(bytes.NewReader(b)).Decode(&raw)
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func syntaxError(b []byte, offset int, doc idxdb.Doc, reason string) error {
	before := b[:offset]
	return &idxdb.SyntaxError{
		Doc:    doc,
		Line:   int64(bytes.Count(before, []byte("\n"))) + 1,
		Column: int64(offset - bytes.LastIndexByte(before, '\n')),
		Offset: int64(offset),
		Reason: reason,
	}
}

// sourceOf reads the "source" member of a state document, as far as it is there.
func sourceOf(text string) idxdb.Source {
	var state struct {
		Source struct {
			Type        string
			Identifier  string
			ResolvedRef string
			SyncedAt    string
			Config      struct{ Owner, Repo, Workspace, URL string }
		}
	}
	if json.Unmarshal([]byte(text), &state) != nil {
		return idxdb.Source{}
	}
	s := state.Source
	out := idxdb.Source{Type: s.Type, Identifier: s.Identifier, Ref: s.ResolvedRef}
	switch s.Type {
	case "github":
		out.Identifier = s.Config.Owner + "/" + s.Config.Repo
	case "bitbucket":
		out.Identifier = s.Config.Workspace + "/" + s.Config.Repo
	case "website":
		if u, err := url.Parse(s.Config.URL); err == nil {
			out.Identifier = u.Hostname()
		}
	}
	if at, err := time.Parse(time.RFC3339, s.SyncedAt); err == nil {
		out.SyncedAt = at
	}
	return out
}
