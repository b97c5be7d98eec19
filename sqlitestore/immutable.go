package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/idxdb/idxdb"
)

// openImmutable is for readers who may read the file but not write to its
// directory, so that SQLite cannot make the -shm file that all who share a WAL
// need. As long as nobody has the file open, it has no -wal file and is complete,
// and can be read without locks. checkImmutable finds out when that ends.
func (s *Store) openImmutable(ctx context.Context) error {
	if _, err := os.Lstat(s.path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the store is in use, and to read it meanwhile takes permission to write to %s and its directory",
			idxdb.ErrReadOnly, s.path)
	}
	s.readers.mu.Lock()
	s.readers.purpose = forImmutable
	s.readers.mu.Unlock()
	s.immutable = true
	return s.viewAny(ctx, s.checkFormat)
}

// checkImmutable fails if anybody changed the file since it was opened: what was
// read may then be of two moments.
func (s *Store) checkImmutable() error {
	now, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if !sameFile(now, s.file) || now.Size() != s.file.Size() || !now.ModTime().Equal(s.file.ModTime()) {
		return fmt.Errorf("%w: somebody wrote to %s while it was read without permission to lock it; open it again", idxdb.ErrReplaced, s.path)
	}
	if _, err := os.Lstat(s.path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: somebody opened %s for writing while it was read without permission to lock it; open it again", idxdb.ErrReplaced, s.path)
	}
	return nil
}
