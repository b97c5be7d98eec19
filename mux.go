package idxdb

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// OpenOptions says how a store is to be opened through a [Mux].
type OpenOptions struct {
	ReadOnly bool // every change fails with ErrReadOnly
	Create   bool // make the store if it does not exist

	// OnWait, if set, is called once for each wait for somebody else that has
	// lasted a second, with who is in the way. It is called from a goroutine of
	// its own.
	OnWait func(Holder)
}

// A Location is a store's URL, taken apart.
type Location struct {
	Scheme string
	Host   string     // with port and user, "" for files
	Path   string     // decoded; for files relative or absolute
	Params url.Values // each is one that the Scheme documents
}

// A Param documents one URL parameter of a scheme.
type Param struct {
	Name string
	Doc  string
}

// A Scheme is one kind of store that a [Mux] can open.
type Scheme struct {
	Name    string // as before the colon of a URL
	Summary string // one line
	Params  []Param
	Open    func(ctx context.Context, loc Location, opts OpenOptions) (Store, error)
}

// A Mux opens stores by URL. The zero Mux knows no scheme.
type Mux struct {
	schemes []Scheme
}

// Register adds a scheme. It panics if the name is taken.
func (m *Mux) Register(s Scheme) {
	for _, have := range m.schemes {
		if have.Name == s.Name {
			panic("idxdb: scheme " + s.Name + " is registered twice")
		}
	}
	m.schemes = append(m.schemes, s)
}

// Schemes returns what is registered, sorted by name.
func (m *Mux) Schemes() []Scheme {
	return slices.SortedFunc(slices.Values(m.schemes), func(a, b Scheme) int {
		return strings.Compare(a.Name, b.Name)
	})
}

// Open opens the store at rawURL, for example "sqlite:team.idx?timeout=5s".
// The caller closes it. An unknown scheme or parameter is an error that matches
// [ErrUsage] and lists those there are.
func (m *Mux) Open(ctx context.Context, rawURL string, opts OpenOptions) (Store, error) {
	loc, err := ParseLocation(rawURL)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(m.schemes, func(s Scheme) bool { return s.Name == loc.Scheme })
	if i < 0 {
		var names []string
		for _, s := range m.Schemes() {
			names = append(names, s.Name+":")
		}
		return nil, fmt.Errorf("%w: unknown store scheme %q (there are %s; a path with a colon is written ./%s…)",
			ErrUsage, loc.Scheme+":", strings.Join(names, ", "), loc.Scheme+":")
	}
	s := m.schemes[i]
	for name, values := range loc.Params {
		if !slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name }) {
			return nil, fmt.Errorf("%w: unknown parameter %q for %s: (%s)", ErrUsage, name, s.Name, paramNames(s.Params))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("%w: parameter %q is given twice", ErrUsage, name)
		}
	}
	return s.Open(ctx, loc, opts)
}

func paramNames(params []Param) string {
	if len(params) == 0 {
		return "it has none"
	}
	var names []string
	for _, p := range params {
		names = append(names, p.Name)
	}
	return "there are " + strings.Join(names, ", ")
}

// ParseLocation takes a store's URL apart. Errors match [ErrUsage] and never
// show the URL's user information.
func ParseLocation(rawURL string) (Location, error) {
	scheme, rest, ok := strings.Cut(rawURL, ":")
	if !ok || !isScheme(scheme) {
		return Location{}, fmt.Errorf("%w: %q is not a store URL (scheme:location)", ErrUsage, Redact(rawURL))
	}
	rest, query, _ := strings.Cut(rest, "?")
	params, err := url.ParseQuery(query)
	if err != nil {
		return Location{}, fmt.Errorf("%w: the parameters of %q are malformed", ErrUsage, Redact(rawURL))
	}
	loc := Location{Scheme: strings.ToLower(scheme), Params: params}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		slash := strings.IndexByte(after, '/')
		if slash < 0 {
			slash = len(after)
		}
		loc.Host, rest = after[:slash], after[slash:]
	}
	if loc.Path, err = url.PathUnescape(rest); err != nil {
		return Location{}, fmt.Errorf("%w: %q has a malformed %%-escape (a %% itself is written %%25)", ErrUsage, Redact(rawURL))
	}
	return loc, nil
}

// isScheme tells a scheme from a path. One letter is a drive on Windows.
func isScheme(s string) bool {
	if len(s) < 2 {
		return false
	}
	for i, c := range strings.ToLower(s) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", c)) {
			return false
		}
	}
	return true
}

// HasScheme reports whether s looks like a URL rather than a path.
func HasScheme(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return ok && isScheme(scheme)
}

// Redact returns a store's URL without user information and without the values
// of its parameters, fit to be printed.
func Redact(rawURL string) string {
	if !HasScheme(rawURL) {
		return rawURL
	}
	base, query, hasQuery := strings.Cut(rawURL, "?")
	scheme, rest, _ := strings.Cut(base, ":")
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		host, path, hasPath := strings.Cut(after, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = host[at+1:]
		}
		rest = "//" + host
		if hasPath {
			rest += "/" + path
		}
	}
	out := scheme + ":" + rest
	if hasQuery && query != "" {
		out += "?…"
	}
	return out
}
