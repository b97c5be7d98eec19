package stores

import (
	"errors"
	"path/filepath"
	"runtime"
)

// EnvStore is the environment variable that names the store to use where none
// is given.
const EnvStore = "IDXDB_STORE"

// DefaultPath returns the file that is the store where none is named: index.idx
// in idxdb's folder of the user's data directory. That is $XDG_DATA_HOME or
// ~/.local/share, on macOS ~/Library/Application Support, on Windows
// %LocalAppData%. The folder may not exist yet. getenv is [os.Getenv] or a
// stand-in.
//
// The error says which variable is missing.
func DefaultPath(getenv func(string) string) (string, error) {
	dir, err := dataDir(runtime.GOOS, getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "idxdb", "index.idx"), nil
}

func dataDir(goos string, getenv func(string) string) (string, error) {
	if goos == "windows" {
		if dir := getenv("LocalAppData"); dir != "" {
			return dir, nil
		}
		return "", errors.New("no store is named and %LocalAppData% is not set; name one with -s or " + EnvStore)
	}
	// The XDG specification says that a relative path is invalid and ignored.
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("no store is named and $HOME is not set; name one with -s or " + EnvStore)
	}
	if goos == "darwin" {
		return filepath.Join(home, "Library", "Application Support"), nil
	}
	return filepath.Join(home, ".local", "share"), nil
}
