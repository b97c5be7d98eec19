// Package stores is the one list of the kinds of store there are, and the rules
// by which a command line argument names one of them.
package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/idxdb/idxdb"
)

// Open opens the store that arg names: a URL ("sqlite:team.idx", "file:DIR") or
// a bare path, as [Resolve] reads it. The caller closes the store.
//
// Errors: those of Resolve, and those of the kind of store it leads to.
func Open(ctx context.Context, arg string, opts idxdb.OpenOptions) (idxdb.Store, error) {
	return OpenWarn(ctx, arg, opts, nil)
}

// OpenWarn is Open for somebody who wants to hear of what is no error but worth
// knowing: the store calls warn, unless it is nil, with one line of text.
func OpenWarn(ctx context.Context, arg string, opts idxdb.OpenOptions, warn func(text string)) (idxdb.Store, error) {
	url, err := Resolve(arg)
	if err != nil {
		return nil, err
	}
	return mux(warn).Open(ctx, url, opts)
}

// Schemes returns the kinds of store there are, sorted by name.
func Schemes() []idxdb.Scheme { return mux(nil).Schemes() }

func mux(warn func(text string)) *idxdb.Mux {
	var m idxdb.Mux
	for _, s := range schemes(warn) {
		m.Register(s)
	}
	return &m
}

// Resolve returns the URL of the store that arg names. A URL is itself. For a
// bare path, what is there decides: a directory is a file: store, a regular
// file a sqlite: store. Where nothing is, the name decides: one that ends in
// .idx, .sqlite, .sqlite3 or .db will be a sqlite: store, one without a suffix
// or with a slash at its end a file: store.
//
// Every other name could mean either, and is refused with an error that matches
// [idxdb.ErrUsage].
func Resolve(arg string) (string, error) {
	if arg == "" {
		return "", fmt.Errorf("%w: the name of the store is empty", idxdb.ErrUsage)
	}
	if idxdb.HasScheme(arg) {
		return arg, nil
	}
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bySuffix(arg)
	case err != nil:
		return "", fmt.Errorf("open store: %w", err)
	case info.IsDir():
		return pathURL("file", arg), nil
	case info.Mode().IsRegular():
		return pathURL("sqlite", arg), nil
	}
	return "", fmt.Errorf("%w: %q is neither a file nor a directory", idxdb.ErrUsage, arg)
}

func bySuffix(path string) (string, error) {
	if os.IsPathSeparator(path[len(path)-1]) {
		return pathURL("file", path), nil
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".idx", ".sqlite", ".sqlite3", ".db":
		return pathURL("sqlite", path), nil
	case "":
		return pathURL("file", path), nil
	}
	return "", fmt.Errorf("%w: %q does not exist, and its name does not say what kind of store it is; "+
		"write sqlite:%s for a file or file:%[3]s for a directory", idxdb.ErrUsage, path, path)
}

// pathURL writes path as a URL that ParseLocation reads back exactly.
func pathURL(scheme, path string) string {
	path = strings.NewReplacer("%", "%25", "?", "%3F").Replace(path)
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		path = "/%2F" + rest // not a host
	}
	return scheme + ":" + path
}

// Same reports whether a and b name one store. Parameters of URLs do not count.
// A store that cannot be found is the same as nothing.
//
// Errors: those of [Resolve].
func Same(a, b string) (bool, error) {
	locA, err := locate(a)
	if err != nil {
		return false, err
	}
	locB, err := locate(b)
	if err != nil {
		return false, err
	}
	if locA.Scheme != locB.Scheme || locA.Host != locB.Host {
		return false, nil
	}
	if locA.Path == locB.Path {
		return true, nil
	}
	if locA.Host != "" {
		return false, nil
	}
	infoA, errA := os.Stat(locA.Path)
	infoB, errB := os.Stat(locB.Path)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB), nil
}

func locate(arg string) (idxdb.Location, error) {
	url, err := Resolve(arg)
	if err != nil {
		return idxdb.Location{}, err
	}
	return idxdb.ParseLocation(url)
}
