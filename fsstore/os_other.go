//go:build !unix

package fsstore

import "io/fs"

func inode(fs.FileInfo) uint64 { return 0 }

func isNotDir(error) bool { return false }

func isReadOnlyFS(error) bool { return false }

func device(fs.FileInfo) uint64 { return 0 }

func writable(string) error { return nil }
