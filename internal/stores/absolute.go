package stores

import (
	"path/filepath"

	"github.com/idxdb/idxdb"
)

// Absolute returns the URL of the store that arg names, so that it names the same
// store in any directory.
//
// Errors: those of [Resolve].
func Absolute(arg string) (string, error) {
	url, err := Resolve(arg)
	if err != nil {
		return "", err
	}
	loc, err := idxdb.ParseLocation(url)
	if err != nil {
		return "", err
	}
	if loc.Host != "" || loc.Path == "" || filepath.IsAbs(loc.Path) {
		return url, nil
	}
	path, err := filepath.Abs(loc.Path)
	if err != nil {
		return "", err
	}
	url = pathURL(loc.Scheme, path)
	if len(loc.Params) > 0 {
		url += "?" + loc.Params.Encode()
	}
	return url, nil
}
