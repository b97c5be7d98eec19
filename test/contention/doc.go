// Package contention measures what sharing costs: eight processes that commit
// small saves at once, beside plain SQLite with a busy timeout that writes the
// same rows; and one reader beside a writer.
//
// The short form runs with all tests and only makes sure that nobody fails. The
// figures, held to their limits, come from
//
//	IDXDB_CONTENTION=1 go test ./test/contention -v -count=1
//
// IDXDB_CONTENTION_TIME is how long each measurement takes (5s). A machine that
// does other things at the same time gives other figures.
package contention
