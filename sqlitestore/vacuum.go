package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// Turns of a vacuum are kept this short, so that saves get theirs in between.
const (
	versionsATurn = 500
	chunksATurn   = 5000
	passes        = 5 // at most; what is left is for the next vacuum
)

// Vacuum implements idxdb.Vacuumer: it removes the versions of deleted keys, then
// the chunks that no version uses, packs those that only older versions use, then
// gives free pages back. A chunk that a running save or load may need is left for
// the next vacuum.
func (s *Store) Vacuum(ctx context.Context, progress idxdb.Progress) (idxdb.VacuumReport, error) {
	report, err := s.vacuum(ctx, progress)
	if err != nil {
		return report, fmt.Errorf("vacuum: %w", err)
	}
	return report, nil
}

func (s *Store) vacuum(ctx context.Context, progress idxdb.Progress) (report idxdb.VacuumReport, err error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	if err := s.checkWritable(); err != nil {
		return report, err
	}
	// The file may have to grow by what is in the log. It had better do so before
	// the vacuum itself takes room in the log. What is in the way of that is met
	// again below, and told there.
	_ = s.checkpoint()
	report.SizeBefore = s.fileSize()
	if report.VersionsRemoved, err = s.purgeDeleted(ctx, progress); err != nil {
		return report, err
	}
	// What is packed or swept may leave more to do: chunks that frames which are gone
	// were based on are history or garbage now, and so may be chunks whose rows were
	// marked by a vacuum that was stopped.
	var full error
	for pass, again := 0, true; again && pass < passes; pass++ {
		if again, err = s.collect(ctx, &report, progress); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				return report, err
			}
			full, again = err, false // what is free already can still be given back
		}
	}
	if full == nil {
		if err := s.compact(ctx, report.ChunksRemoved+report.ChunksPacked, progress); err != nil {
			return report, err
		}
	}
	if err := s.shrink(ctx, progress); err != nil || full != nil {
		return report, errors.Join(full, err)
	}
	if err := s.checkpoint(); err != nil {
		return report, err
	}
	err = s.view(ctx, func(cn *conn) error {
		return cn.query(garbageCount, func(rows *sql.Rows) error { return scan(rows, &report.ChunksPending) })
	})
	report.SizeAfter = s.fileSize()
	return report, err
}

// vacuumTurn is update for a turn of a vacuum, which can be repeated. On a full
// disk there may be no room for its commit in the log; but when all that the log
// has is in the file, the next turn begins the log anew, in the room that it has.
func (s *Store) vacuumTurn(ctx context.Context, fn func(*conn) (commit bool, err error)) error {
	err := s.update(ctx, "vacuum", fn)
	if !errors.Is(err, syscall.ENOSPC) || s.checkpoint() != nil {
		return err
	}
	return s.update(ctx, "vacuum", fn)
}

// collect removes garbage and packs history, once. It says whether there may be
// more.
func (s *Store) collect(ctx context.Context, report *idxdb.VacuumReport, progress idxdb.Progress) (again bool, err error) {
	if err := s.markGarbage(ctx, progress); err != nil {
		return false, err
	}
	for step := range 2 {
		removed, packed, err := s.sweep(ctx, progress)
		report.ChunksRemoved += removed
		if err != nil {
			return false, err
		}
		dropped, err := s.dropFrames(ctx)
		if err != nil {
			return false, err
		}
		again = again || dropped > 0 || packed > 0 && step == 0
		if step == 0 {
			if err := s.pack(ctx, report, progress); err != nil {
				return false, err
			}
		}
	}
	return again, nil
}

func (s *Store) fileSize() int64 { return sizeOf(s.path) }

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0 // whoever writes next says what is wrong
	}
	return info.Size()
}

// purgeDeleted removes the rows of versions below their key's First.
func (s *Store) purgeDeleted(ctx context.Context, progress idxdb.Progress) (removed int64, err error) {
	keys, err := s.everyKey(ctx)
	if err != nil {
		return 0, err
	}
	for i, k := range keys {
		progress("deleted keys", int64(i), int64(len(keys)))
		if k.First == 1 {
			continue // it was never deleted
		}
		first := int64(0)
		for more := true; more; {
			var dead []int64
			err := s.view(ctx, func(cn *conn) error {
				return cn.query(deadVersions, func(rows *sql.Rows) error {
					var id int64
					err := scan(rows, &id)
					dead = append(dead, id)
					return err
				}, k.ID, k.First, versionsATurn)
			})
			if err != nil {
				return removed, err
			}
			if len(dead) == 0 {
				break
			}
			if dead[0] == first {
				return removed, &idxdb.CorruptError{Key: k.Name, Detail: fmt.Sprintf("version row %d was deleted and is still there", first)}
			}
			first = dead[0]
			err = s.vacuumTurn(ctx, func(cn *conn) (bool, error) {
				for _, id := range dead {
					if _, err := cn.exec(deleteManifest, id); err != nil {
						return false, err
					}
					if _, err := cn.exec(deleteVersion, id); err != nil {
						return false, err
					}
				}
				return true, nil
			})
			if err != nil {
				return removed, err
			}
			removed += int64(len(dead))
			more = len(dead) == versionsATurn
		}
	}
	return removed, nil
}

// everyKey returns the rows of all keys, deleted ones included.
func (s *Store) everyKey(ctx context.Context) (keys []schema.Key, err error) {
	err = s.view(ctx, func(cn *conn) error {
		keys, err = cn.everyKey()
		return err
	})
	return keys, err
}

func (cn *conn) everyKey() (keys []schema.Key, err error) {
	for last, more := int64(0), true; more; {
		n := len(keys)
		err := cn.query(allKeys, func(rows *sql.Rows) error {
			var k keyRow
			if err := scan(rows, k.targets()...); err != nil {
				return err
			}
			if err := inOrder("key", last, k.ID); err != nil {
				return err
			}
			keys = append(keys, k.Key)
			last = k.ID
			return k.check()
		}, last)
		if err != nil {
			return nil, err
		}
		more = len(keys) > n
	}
	return keys, nil
}

// shrink gives free pages back to the filesystem.
func (s *Store) shrink(ctx context.Context, progress idxdb.Progress) error {
	total := int64(0)
	for {
		var before, after int64
		err := s.vacuumTurn(ctx, func(cn *conn) (bool, error) {
			var err error
			if before, err = cn.freeList(); err != nil || before == 0 {
				return false, err
			}
			if err := cn.freePages(); err != nil {
				return false, err
			}
			after, err = cn.freeList()
			return true, err
		})
		if err != nil || after == 0 || after >= before {
			return err
		}
		total = max(total, before)
		progress("shrink", total-after, total)
	}
}

func (cn *conn) freeList() (n int64, err error) {
	err = cn.query(freeList, func(rows *sql.Rows) error { return scan(rows, &n) })
	return n, err
}

// freePages gives some pages back. The pragma frees one page a step, so all of
// its rows are read.
func (cn *conn) freePages() error {
	rows, err := cn.write[freePages].QueryContext(background)
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	return translate(rows.Err())
}
