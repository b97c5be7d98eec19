package sqlitestore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/atomicfile"
	"github.com/idxdb/idxdb/internal/filelock"
)

// leaseFiles is the directory of the files by which holders of leases show that
// they are alive. See FORMAT.md, "Leases".
type leaseFiles string

func (s *Store) leaseFiles() leaseFiles { return leaseFiles(s.path + ".leases") }

func (d leaseFiles) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(string(d), hex.EncodeToString(sum[:16]))
}

func (d leaseFiles) options() filelock.Options {
	return filelock.Options{Create: true, Mode: atomicfile.ModeFor(string(d))}
}

// holderIsDead reports whether it is sure that nobody holds lease number fence on
// key: whoever takes a lease first locks its number. On systems where it cannot
// be known, it is not sure.
func (d leaseFiles) holderIsDead(key string, fence int64) bool {
	numbers, err := filelock.OpenRanges(d.path(key), filelock.Options{})
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) // then nobody can have locked anything in it
	}
	free, err := numbers.Share(fence)
	// What was opened only to look is closed, and the lock with it; nothing was
	// written that could be lost.
	_ = numbers.Close()
	return free && err == nil
}

// take locks the number of a lease that is about to be taken: fence, or a higher
// one where somebody still has that, which happens after a store was replaced by
// an older copy of itself. release is nil where numbers cannot be locked.
func (d leaseFiles) take(key string, fence int64) (number int64, release func() error, err error) {
	if err := atomicfile.MkdirAll(string(d), atomicfile.Options{}); err != nil {
		return 0, nil, leaseFileError(err)
	}
	numbers, err := filelock.OpenRanges(d.path(key), d.options())
	if err != nil {
		return 0, nil, err
	}
	defer numbers.Close() // the exclusive lock has a descriptor of its own
	for number = fence; number < fence+1000; number++ {
		release, ok, err := numbers.TryExclusive(number, number)
		if errors.Is(err, idxdb.ErrUnsupported) {
			return number, nil, nil
		}
		if err != nil || ok {
			return number, release, err
		}
	}
	return 0, nil, fmt.Errorf("%w: %s: others have locked all numbers of leases that come next", idxdb.ErrLocked, d.path(key))
}

// renew writes the next sign of life.
func (d leaseFiles) renew(key string, fence, counter int64) error {
	path := d.path(key)
	f, err := os.OpenFile(path, os.O_WRONLY|noFollow, 0)
	if err != nil {
		return leaseFileError(err)
	}
	_, err = f.WriteAt(signOfLife(fence, counter), 0)
	return errors.Join(err, f.Close())
}

// read returns what renew wrote last, 0 for what is not there.
func (d leaseFiles) read(key string) (fence, counter int64) {
	f, err := os.OpenFile(d.path(key), os.O_RDONLY|noFollow, 0)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	line := make([]byte, len(signOfLife(0, 0)))
	if _, err := io.ReadFull(f, line); err != nil {
		return 0, 0
	}
	if _, err := fmt.Sscanf(string(line), "%d %d\n", &fence, &counter); err != nil {
		return 0, 0
	}
	return fence, counter
}

func signOfLife(fence, counter int64) []byte {
	return fmt.Appendf(nil, "%020d %020d\n", fence, counter)
}

func leaseFileError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: a lease needs permission to write beside the store: %w", idxdb.ErrReadOnly, err)
	}
	return err
}
