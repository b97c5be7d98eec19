// Package data makes the index states that are saved and loaded by the
// benchmarks: from a folder of real ones, from the history of a git repository,
// or made up from a seed with the statistics of real ones.
package data

import "io"

// A Version is what is saved at once.
type Version struct {
	State  []byte
	Search []byte // nil: none
}

// A Series is successive versions of one index.
type Series interface {
	Name() string
	Len() int
	// Version returns version i, counted from 0. Its bytes may be overwritten by
	// the next call. Going through the versions in order is fast.
	Version(i int) (Version, error)
}

// A Streamer is a Series whose states need not fit in memory.
type Streamer interface {
	Series
	// WriteState writes the state document of version i to w.
	WriteState(w io.Writer, i int) error
}

// MB is the unit of sizes, in bytes.
const MB = 1_000_000
