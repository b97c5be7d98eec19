package fsstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/jsonscan"
)

// judgeForeign fills in v for files that are not as the record says. If their
// bytes are, they were only copied; else another program has saved, and that is
// the next version. It reports false if the files changed while they were read.
func (s *Store) judgeForeign(ctx context.Context, v *view, ids [2]*fileID) (bool, error) {
	var docs [2]*document
	var src idxdb.Source
	for i, id := range ids {
		if id == nil {
			continue
		}
		h, ok, err := s.hashFile(ctx, v.paths[i], *id)
		if err != nil || !ok {
			return false, err
		}
		docs[i] = &document{Digest: h.digest, File: *id}
		if i == 0 {
			src = h.source
		}
	}
	v.adopt = true
	h := head{State: *docs[0], Search: docs[1]}
	if v.rec != nil && v.rec.Head != nil && v.rec.Head.content() == h.content() {
		same := *v.rec.Head
		same.State, same.Search = h.State, h.Search
		h = same
	} else {
		v.foreign = true
		mtime := ids[0].MTime
		if ids[1] != nil {
			mtime = max(mtime, ids[1].MTime)
		}
		h.SavedAt = time.Unix(0, mtime).UTC().Truncate(time.Microsecond)
		h.Source = source(src)
		h.ID = foreignID(v.key, &h)
		// Where the numbers are used up, the last one stays: the version can be read
		// and deleted, and no other can be saved.
		h.Number = min(s.foreignNumber(v.key, h.ID, v.last()+1), idxdb.MaxVersion)
	}
	v.head = &h
	var err error
	v.version, err = h.version(v.key)
	return true, err
}

// foreignID is the id of a version that another program saved: all who read it
// agree on it.
func foreignID(key string, h *head) string {
	sum := sha256.Sum256([]byte("idxdb: a version saved by another program\x00" + key + "\x00" + h.content()))
	return hex.EncodeToString(sum[:16])
}

// seen is what was said of a version that another program saved.
type seen struct {
	number int64
	id     string
}

// foreignNumber returns the number of a version that another program saved: the
// next one, but not one that was said of other bytes before.
func (s *Store) foreignNumber(key, id string, next int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.seen[key]
	switch {
	case had.id == id:
		next = max(next, had.number)
	case had.number >= next:
		next = had.number + 1
	}
	s.seen[key] = seen{next, id}
	return next
}

// hashed is what reading a whole file tells.
type hashed struct {
	digest string
	source idxdb.Source
	syntax error // what is wrong with its JSON
}

type hashKey struct {
	path string
	id   fileID
}

// A hashCache remembers what files of other programs hold.
type hashCache struct {
	mu sync.Mutex
	m  map[hashKey]hashed
}

const maxHashes = 10_000

func (c *hashCache) get(k hashKey) (hashed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.m[k]
	return h, ok
}

func (c *hashCache) put(k hashKey, h hashed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxHashes {
		c.m = map[hashKey]hashed{}
	}
	c.m[k] = h
}

// hashFile reads the file at path, which was id. It reports false if it is not,
// before or after reading.
func (s *Store) hashFile(ctx context.Context, path string, id fileID) (hashed, bool, error) {
	k := hashKey{path, id}
	if h, ok := s.hashes.get(k); ok {
		return h, true, nil
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return hashed{}, false, nil
	}
	if err != nil {
		return hashed{}, false, err
	}
	defer f.Close()
	is := func() bool {
		info, err := f.Stat()
		return err == nil && idOf(info) == id
	}
	if !is() {
		return hashed{}, false, nil
	}
	h, err := hashAll(ctx, f)
	if err != nil || !is() {
		return hashed{}, false, err
	}
	s.hashes.put(k, h)
	return h, true, nil
}

func hashAll(ctx context.Context, r io.Reader) (hashed, error) {
	var h hashed
	sum := sha256.New()
	var scan jsonscan.Scanner
	buf := make([]byte, bufferSize)
	for {
		if err := ctx.Err(); err != nil {
			return h, err
		}
		n, err := r.Read(buf)
		sum.Write(buf[:n])
		if h.syntax == nil {
			_, h.syntax = scan.Write(buf[:n])
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return h, err
		}
	}
	if h.syntax == nil {
		h.syntax = scan.Close()
	}
	h.digest = digestName(sum.Sum(nil))
	if h.syntax == nil {
		h.source = scan.Source()
	}
	return h, nil
}

func digestName(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }
