//go:build !unix

package peer

// syncDir does nothing where directories cannot be opened.
func syncDir(string) error { return nil }
