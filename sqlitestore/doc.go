// Package sqlitestore keeps index states in one SQLite file that any number of
// processes and users of one machine read and write at the same time.
//
// The file is an ordinary SQLite database in WAL mode. Documents are cut into
// content-defined chunks, and each chunk is stored once for the whole file, so
// a save writes in proportion to what changed. Every version is kept. The format
// is described in internal/schema/FORMAT.md.
//
// # What an acknowledged save survives
//
// A save that returned without an error survives the end of the process, a
// crash of the system and a loss of power, as far as the disk keeps what it has
// confirmed (synchronous=FULL).
//
// # Sharing
//
// Writers take turns on a lock file beside the store (NAME.lock), in the order
// of their arrival. Readers take no lock that a writer waits for. The lock file
// stays when everybody has closed the store; the -wal and -shm files do not.
// docs/sharing.md has the particulars: who sees what of whom, leases, watching,
// and the permissions of the files.
//
// Never move or copy another file over a store, and never delete one, while it
// is open: writers find that out and fail with idxdb.ErrReplaced, but what the
// replaced file held is gone. Nor while a -wal file lies beside it, which a killed
// process leaves with its newest saves. Where such a log turns out to be that of
// another file, Open puts it aside or fails with idxdb.ErrReplaced; it takes Linux
// and extended attributes to find out. idxdb.Copy makes a copy of a store that is in
// use.
//
// # The process that has it open
//
// SQLite uses POSIX locks, and closing any descriptor of the file drops all of
// them that the process holds. So a process that has a store open must not open
// the file by other means (os.Open, another SQLite library). os.Stat is fine.
//
// # Network filesystems
//
// SQLite changed in place by several machines is corrupted on NFS by ordinary
// faults. A path on a network filesystem, on FUSE or on a filesystem that is not
// known is refused, unless Options.CorruptibleOnNetwork is set.
//
// # Formats
//
// A file is brought to a newer format only by Upgrade. Until then a program with a
// newer format reads the file, if it still can, and every change fails with
// idxdb.ErrReadOnly, which says what an upgrade would lock out. Whoever has a file
// open notices an upgrade in the next transaction, and goes on if the new format
// allows it, or fails with idxdb.ErrNewerFormat. FORMAT.md has the rules.
//
// # What is skipped
//
// Of the contract in package idxdb: nothing. Beyond Linux, vacuum cannot tell
// which chunks running saves and loads need and removes none of them.
package sqlitestore
