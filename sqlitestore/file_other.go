//go:build !unix

package sqlitestore

import "io/fs"

// hardLinks returns 1: the platform does not tell with a FileInfo.
func hardLinks(fs.FileInfo) uint64 { return 1 }

const noFollow = 0
