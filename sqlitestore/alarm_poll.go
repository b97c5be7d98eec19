//go:build !linux && !windows

package sqlitestore

// fileEvents are not to be had on this system without opening every file in the
// directory, which would cost SQLite its locks when they are closed.
type fileEvents struct{ c chan struct{} }

func watchFiles(path string) *fileEvents { return nil }

func (e *fileEvents) close() {}
