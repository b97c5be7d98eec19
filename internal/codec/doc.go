// Package codec turns documents into what a store keeps, and back: it cuts a
// document into chunks at places that depend on the content, names each chunk by
// its hash, compresses it, and writes the list of a document's chunks. It knows
// no SQL and no files.
//
// Everything here that ends up on disk is described for people who write a
// reader in another language: the codecs at [Codec], the hex packing at the top
// of hexpack.go, manifests at [AppendManifest], digests at [Digest]. Only the
// chunker may change between versions of the program: where a document was cut
// never matters for reading it.
//
// No function panics on bad input. Errors about bytes that a store gave back
// match [idxdb.ErrCorrupt].
package codec

import (
	"crypto/sha256"
	"fmt"

	"github.com/idxdb/idxdb"
)

// MaxChunk is the length in bytes of the longest chunk, in any version of the
// format.
const MaxChunk = 1 << 20

// Hash is the SHA-256 of a chunk's raw bytes.
type Hash [sha256.Size]byte

// Sum returns the hash of b.
func Sum(b []byte) Hash { return sha256.Sum256(b) }

// damage is an error about stored bytes. It matches idxdb.ErrCorrupt without
// repeating its text, which the store's own error already has.
type damage struct {
	text  string
	cause error // or nil
}

func (e *damage) Error() string {
	if e.cause != nil {
		return e.text + ": " + e.cause.Error()
	}
	return e.text
}

func (e *damage) Unwrap() []error {
	if e.cause != nil {
		return []error{idxdb.ErrCorrupt, e.cause}
	}
	return []error{idxdb.ErrCorrupt}
}

func damaged(format string, args ...any) error {
	return &damage{text: fmt.Sprintf(format, args...)}
}
