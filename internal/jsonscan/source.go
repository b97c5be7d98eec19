package jsonscan

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

// maxField is the length of the longest string of a Source, in bytes.
const maxField = 1024

// Source returns what the "source" member of the document's top-level object
// says; the last one, if there are several. It is the zero Source before a
// Close without error, if there is no such member, or if it is longer than 64
// KiB. What has another shape than expected gives empty fields, never an error:
//
//   - Type is its "type".
//   - Identifier is, for the type "github", "owner/repo" of its "config"; for
//     "bitbucket", "workspace/repo"; for "gitlab", the "projectId"; for
//     "website", the host name of the "url"; for any other type, its own
//     "identifier".
//   - Ref is its "resolvedRef".
//   - SyncedAt is its "syncedAt", as RFC 3339, in UTC.
//
// Strings longer than 1024 bytes are cut. A Scanner that was resumed knows only
// of a member whose name begins after that.
func (s *Scanner) Source() idxdb.Source {
	if !s.ended || s.err != nil || s.capture.source == nil {
		return idxdb.Source{}
	}
	return parseSource(s.capture.source)
}

// members is a JSON object whose members are looked up by their exact names,
// which encoding/json does not do for a struct.
type members map[string]any

func parseSource(raw []byte) idxdb.Source {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // a project id must not become 1e+06
	var src members
	if d.Decode(&src) != nil {
		return idxdb.Source{}
	}
	// UTC, so that equal Sources are equal by ==.
	var syncedAt time.Time
	if t, err := time.Parse(time.RFC3339, src.text("syncedAt")); err == nil {
		syncedAt = t.UTC()
	}
	return idxdb.Source{
		Type:       cut(src.text("type")),
		Identifier: cut(src.identifier()),
		Ref:        cut(src.text("resolvedRef")),
		SyncedAt:   syncedAt,
	}
}

func (src members) identifier() string {
	m, _ := src["config"].(map[string]any)
	config := members(m)
	switch src.text("type") {
	case "github":
		return join(config.text("owner"), config.text("repo"))
	case "bitbucket":
		return join(config.text("workspace"), config.text("repo"))
	case "gitlab":
		if n, ok := config["projectId"].(json.Number); ok {
			return n.String()
		}
		return config.text("projectId")
	case "website":
		u, err := url.Parse(config.text("url"))
		if err != nil {
			return ""
		}
		return strings.ToLower(u.Hostname())
	}
	return src.text("identifier")
}

// text returns the member if it is a string, else "".
func (m members) text(name string) string {
	s, _ := m[name].(string)
	return s
}

// join returns "a/b", or "" if either is missing: half a name would be the name
// of something else.
func join(a, b string) string {
	if a == "" || b == "" {
		return ""
	}
	return a + "/" + b
}

// cut shortens s to maxField bytes, or a little less so that no rune is cut.
func cut(s string) string {
	if len(s) <= maxField {
		return s
	}
	n := maxField
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
