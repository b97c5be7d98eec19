// Package idxdb keeps index states: the JSON that indexers of code, documents
// and embeddings write again after every small change, and that many readers
// load.
//
// A [Store] keeps any number of keys. A key has versions, numbered from 1. A
// version has one or two documents: the state, which an incremental build
// needs, and the search document, which a search client needs. Both are saved
// together or not at all, and their bytes come back exactly as they were
// given.
//
// Stores are packages of their own: sqlitestore keeps everything in one
// portable SQLite file that many processes share, fsstore keeps the newest
// version of each key in a plain directory. Package storetest is the contract
// of a Store as a test suite.
//
// What a store can do beyond the four verbs of [Store] (keep a history, rename
// a key, check itself, …) is a small interface of its own, found with [As].
package idxdb
