// Package jsonscan checks, while it streams by, that a document is JSON.
//
// A [Scanner] keeps nothing of what it has seen but where in the grammar it
// stands, so a document of any size is checked in about 1.5 KB of memory (plus
// at most 64 KiB while the "source" member passes), and the place where it
// stands can be taken as a [State] and gone on from later.
//
// # What is accepted
//
// One JSON text as RFC 8259 has it, in UTF-8, with these decisions:
//
//   - There is exactly one value, of any type, with white space around it. An
//     empty document, or one of white space only, is refused. A second value is
//     refused at its first byte.
//   - A byte order mark is refused.
//   - Bytes that are not UTF-8 (overlong forms and surrogates included) are
//     refused wherever they stand.
//   - \uXXXX takes any four hex digits. A lone surrogate such as "\ud800" is
//     accepted: the grammar allows it, and JavaScript's JSON.stringify writes
//     it.
//   - Control characters (below U+0020) must be escaped in strings.
//   - A member name may occur twice in an object.
//   - Numbers and strings have any length; numbers any magnitude.
//   - Arrays and objects nest at most [MaxDepth] deep.
//
// So a document is accepted exactly if encoding/json.Valid and utf8.Valid both
// accept it.
//
// # Where an error is
//
// An error points at the first byte with which what was read so far cannot be
// the beginning of an accepted document, however the document was split into
// writes. In a broken UTF-8 sequence that is the first byte that does not
// continue it. Where the document ends too early, it is the byte after its
// last.
package jsonscan
