//go:build !linux

package measure

// Evict drops the files in dir from the page cache. It returns false if the
// system cannot do that.
func Evict(string) (bool, error) { return false, nil }
