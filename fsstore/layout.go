package fsstore

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/idxdb/idxdb"
)

// Names in the directory of a store. The first three are ctxc's.
const (
	indexesDir = "indexes"
	stateFile  = "state.json"
	searchFile = "search.json"

	ownDir      = ".idxdb"
	formatFile  = "format.json"  // in ownDir, and those below
	lockFile    = "lock"         //
	pendingFile = "pending.json" // a commit that is being carried out
	keysDir     = "keys"         // a record for each key, named by the key's hash
	claimsDir   = "claims"       // whose a directory is, named as the directory
	tempDir     = "tmp"          // a directory for each process that is saving
)

// rootKey is the key whose files lie directly in the store's directory, and
// rootDir what stands for that directory among the names of directories.
const (
	rootKey = "."
	rootDir = "."
)

const (
	maxPlain = 200 // bytes of a directory name that is ctxc's form of the key
	cutPlain = 190 // bytes of it that are left where a hash is put behind
)

// DefaultDir returns the directory that ctxc uses:
// $CONTEXT_CONNECTORS_STORE_PATH, else ~/.augment/context-connectors.
func DefaultDir() string {
	if dir := os.Getenv("CONTEXT_CONNECTORS_STORE_PATH"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, ".augment", "context-connectors")
}

// plainName is ctxc's mapping of keys to names of directories: characters
// outside [A-Za-z0-9_-] become "_", runs of "_" become one, those at either end
// go. It is not one to one.
func plainName(key string) string {
	name := make([]byte, 0, len(key))
	for i := range len(key) {
		c := key[i]
		if !isPlain(c) {
			c = '_'
		}
		if c != '_' || len(name) > 0 && name[len(name)-1] != '_' {
			name = append(name, c)
		}
	}
	return strings.TrimRight(string(name), "_")
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// names returns the names of directories that key may have, the best first. The
// last is as good as unique.
func names(key string) []string {
	if key == rootKey {
		return []string{rootDir}
	}
	plain := plainName(key)
	sum := keyHash(key)
	cut := plain[:min(len(plain), cutPlain)]
	list := []string{cut + "-" + sum[:8], cut[:min(len(cut), 150)] + "-" + sum[:32]}
	if plain != "" && len(plain) <= maxPlain {
		list = append([]string{plain}, list...)
	}
	return list
}

func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// canBeDir reports whether key could be the name of a directory in indexesDir
// as it is.
func canBeDir(key string) bool {
	return key != "." && key != ".." && len(key) <= 255 && !strings.ContainsAny(key, `/\`) && filepath.IsLocal(key)
}

func (s *Store) own(name ...string) string {
	return filepath.Join(append([]string{s.dir, ownDir}, name...)...)
}

// path returns where the directory of this name is.
func (s *Store) path(dir string) string {
	if dir == rootDir {
		return s.dir
	}
	return filepath.Join(s.dir, indexesDir, dir)
}

// docPath returns where a document in the directory of this name is.
func (s *Store) docPath(dir string, doc idxdb.Doc) string {
	if doc == idxdb.SearchDoc {
		return filepath.Join(s.path(dir), searchFile)
	}
	return filepath.Join(s.path(dir), stateFile)
}

func (s *Store) recordPath(key string) string { return s.own(keysDir, keyHash(key)+".json") }

// claimPath uses the directory's name where it can, so that on file systems that
// ignore the case of names, names that are one there are one here too.
func (s *Store) claimPath(dir string) string {
	if len(dir) > maxPlain {
		dir = "~" + keyHash(dir)
	}
	return s.own(claimsDir, dir+".json")
}
