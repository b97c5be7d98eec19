package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
)

var errNotDir = errors.New("it is not a directory")

const (
	tempPrefix = ".idxdb-"
	tempSuffix = ".tmp"
)

// tempName returns a new name for the temporary file of name. It does not
// contain all of name, which may be as long as names may be.
func tempName(name string) string {
	var b [8]byte
	rand.Read(b[:])
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "")
	}
	return tempPrefix + name + "-" + hex.EncodeToString(b[:]) + tempSuffix
}

// IsTemp reports whether a file of this name or path is a temporary file of
// this package. One that nobody is writing was left behind by a process that
// was killed.
func IsTemp(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}
