package idxdb

import (
	"context"
	"iter"
)

// A Watcher tells of new versions as they come.
type Watcher interface {
	// Watch yields a Change whenever a key has another newest version than
	// before: of key, or of any key if key is "". What happened before the call
	// of Watch is not told; whoever calls Watch first and loads then misses
	// nothing. Changes that follow each other quickly may be told as one, the
	// last.
	//
	// The sequence can be gone through once. It ends with the loop, or with one
	// error: the context's, [ErrClosed], [ErrReplaced], [ErrCorrupt],
	// [ErrUnsupported] if the store cannot be watched.
	Watch(ctx context.Context, key string) iter.Seq2[Change, error]
}

// A Change is a key's new newest version.
type Change struct {
	Key     string
	Version *Version // nil: the key was deleted
}
