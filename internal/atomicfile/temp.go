package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var errNotDir = errors.New("it is not a directory")

const (
	tempPrefix = ".idxdb-"
	tempSuffix = ".tmp"
)

// tempName returns a new name for the temporary file of name. It does not
// contain all of name, which may be as long as names may be.
func tempName(name string) string {
	var b [randomLen]byte
	rand.Read(b[:])
	return tempPrefix + cut(name) + "-" + hex.EncodeToString(b[:]) + tempSuffix
}

// randomLen is how many random bytes a name has, in hex.
const randomLen = 8

func cut(name string) string {
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "")
	}
	return name
}

// RemoveStale removes the temporary files that writers of path, who were killed,
// have left. It leaves alone what somebody may still be writing, and files that
// cannot be removed: there is nothing to do about those.
func RemoveStale(path string) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return // whoever writes there will be told
	}
	prefix := tempPrefix + cut(name) + "-"
	for _, e := range list {
		random, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), tempSuffix), prefix)
		if !ok || !IsTemp(e.Name()) || len(random) != 2*randomLen || !e.Type().IsRegular() {
			continue
		}
		if temp := filepath.Join(dir, e.Name()); isStale(temp) {
			_ = os.Remove(temp)
		}
	}
}

// staleAge is how long nobody has written to a temporary file that may be
// removed, where locks do not tell whether somebody will.
const staleAge = time.Hour

// youngest is the same where they do: a writer has the file for a moment before
// it has the lock.
const youngest = 10 * time.Second

func isStale(temp string) bool {
	info, err := os.Stat(temp)
	if err != nil {
		return false
	}
	age := time.Since(info.ModTime())
	if age < youngest {
		return false
	}
	held, known := isHeld(temp)
	return !held && (known || age > staleAge)
}

// IsTemp reports whether a file of this name or path is a temporary file of
// this package. One that nobody is writing was left behind by a process that
// was killed.
func IsTemp(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}
