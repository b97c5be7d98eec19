//go:build !unix

package filelock

const (
	openFlags    = 0
	recordOffset = 1 // the first byte is the one that is locked
)

func isReadOnlyFS(error) bool { return false }
