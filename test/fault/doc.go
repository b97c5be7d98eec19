// Package fault lets every operation on the disk fail once: the n-th write,
// fsync, rename, lock, open, … of a process that opens, saves, loads, vacuums,
// closes and creates stores, for n = 1, 2, … until there is none.
//
// The store lies on a FUSE filesystem that passes everything through to a real
// one, except that the n-th operation fails, or is done by half, or late; or the
// process is killed there, and what it had not synced is taken back. After each
// point the store must open, verify, and hold exactly what was acknowledged.
//
// FUSE takes root, /dev/fuse and a 64-bit Linux; where they are missing, the test says NOT
// TESTED. By default a part of all points is tried, spread over all of them:
//
//	go test ./test/fault
//	IDXDB_FAULT_ALL=1 go test ./test/fault -timeout 1h -v     # the long form
//
// The full disk has tests of its own here, on a small ext4 filesystem.
package fault
