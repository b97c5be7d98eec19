// Package power takes the power away while processes save, delete, vacuum and
// create stores, and looks at what is left: every acknowledged operation must
// have happened, and one that was not acknowledged must have happened whole or
// not at all.
//
// The store lies on an ext4 filesystem in a file (a loop device), which the
// kernel is told to shut down without writing anything more. It takes root; where
// that is missing, the test says NOT TESTED.
//
//	go test ./test/power                                          # some points
//	IDXDB_POWER_POINTS=200 go test ./test/power -timeout 1h -v     # the long form
//
// IDXDB_POWER_SEED repeats the choices of a run.
package power
