//go:build !linux

package filelock

import (
	"fmt"
	"runtime"

	"github.com/idxdb/idxdb"
)

// Ranges are locks on numbers. This platform has no locks that would do: all
// methods fail with idxdb.ErrUnsupported.
type Ranges struct{ path string }

// OpenRanges does nothing on this platform.
func OpenRanges(path string, opts Options) (*Ranges, error) { return &Ranges{path}, nil }

// Share fails with idxdb.ErrUnsupported.
func (r *Ranges) Share(n int64) (ok bool, err error) { return false, r.unsupported() }

// Unshare does nothing.
func (r *Ranges) Unshare(n int64) {}

// TryExclusive fails with idxdb.ErrUnsupported.
func (r *Ranges) TryExclusive(from, to int64) (release func() error, ok bool, err error) {
	return nil, false, r.unsupported()
}

// Close does nothing.
func (r *Ranges) Close() error { return nil }

func (r *Ranges) unsupported() error {
	return fmt.Errorf("lock numbers of %s: %w on %s", r.path, idxdb.ErrUnsupported, runtime.GOOS)
}
