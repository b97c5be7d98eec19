// Package fsstore keeps the newest version of each key as plain files in a
// directory: the layout of ctxc (context-connectors), made atomic and locked.
//
//	BASE/indexes/NAME/state.json    the state document, byte for byte
//	BASE/indexes/NAME/search.json   the search document, if there is one
//	BASE/state.json, search.json    the same of the key "."
//	BASE/.idxdb/                    all that ctxc does not know
//
// NAME is ctxc's form of the key: characters outside [A-Za-z0-9_-] become "_",
// runs of "_" become one, those at the ends go. Where that is empty, longer than
// 200 bytes or another key's, it is cut to 190 bytes and "-" and 8 hex digits of
// the key's sha256 follow.
//
// # Who sees what
//
// A save writes both documents to temporary files, flushes them, and writes a
// pending record that names them. With that the save has happened: readers find
// the new documents through the record until they are in place, and if the
// process dies, the next one that takes the lock carries out the rest. An
// acknowledged save survives a power loss, where the file system keeps what was
// flushed (on Windows directories cannot be flushed, and a rename may be lost).
//
// Readers take no lock. A reader has the file of its version open, and goes on
// reading it after it was replaced. A batch is one pending record: all its keys
// or none.
//
// ctxc sees each file whole, before or after the save, but it may see the new
// state.json beside the old search.json for the moment between two renames. It
// takes no lock, and writes files in place: what it saves in the same moment as
// idxdb may be replaced, and what it is writing may be read half. A Document is
// compared with its digest while it is read, so that the second case ends in
// idxdb.ErrCorrupt, or, if ctxc was stopped half way, in a document that is not
// JSON.
//
// # What other programs save
//
// A directory without a record is a key of that name. Files that are not the
// ones that idxdb left (by inode, size and modification time) and have other
// bytes are the next version, saved by somebody unknown at the time of the file.
// Its id is made from the bytes and the key, so that all who look agree on it;
// its number is the next one. Nothing is written down about it before the next
// save or vacuum, so use IfMatch where a save must not replace such a version:
// if ctxc saves twice between two looks, both of its saves may be seen under the
// same number, by different processes.
//
// If ctxc saves while a dead process's save is pending, ctxc's is the later one:
// the pending one is dropped, and Options.Warn says so.
//
// A file that is changed by any other program, in whatever way, is a version
// saved by that program: what a directory of plain files cannot tell is a flipped
// byte from an edit. A change of the bytes under the file system, which leaves
// the modification time alone, is noticed.
//
// # What it does not do
//
//	history                        only the newest version is kept; Log is not there, and
//	                               Load of an older one fails
//	Load{Version: n}               fails once n is not the newest any more
//	repeating a save by its id     is recognised for the last 16 saves of a key that was not
//	                               deleted since
//	Import of an older version     reads it and keeps nothing
//	Clone                          copies the content
//	a file changed from outside    is a new version, not damage; the first look at it reads
//	                               both documents
//	Windows                        a file that somebody reads cannot be replaced: the save's
//	                               outcome is unknown until a later writer can
//
// Records and the lock file have the permissions that the directory suggests: a
// directory that is set-gid and group-writable is a team's.
//
// On a network file system a machine may see names and files as they were half a
// minute ago, whatever lock it holds. Several machines that read are safe, but
// only one may save. Options.Warn is told when such a store is opened to be
// changed.
package fsstore
