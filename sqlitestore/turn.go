package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/idxdb/idxdb"
	sqlite3 "modernc.org/sqlite/lib"
)

// update changes the file: it waits for the turn to write, runs fn in a
// transaction, and commits if fn returns true. What fn did is durable when update
// returns nil. After an [idxdb.OutcomeUnknownError], which has neither key nor id
// yet, it may be; after any other error it is not.
func (s *Store) update(ctx context.Context, operation string, fn func(*conn) (commit bool, err error)) error {
	if err := s.checkWritable(); err != nil {
		return err
	}
	return s.updateIf(ctx, operation, (*fileFormat).mayWrite, fn)
}

// updateIf is the one place where the file is changed. It is update, but may
// decides by the format that the file has inside of the transaction.
func (s *Store) updateIf(ctx context.Context, operation string, may func(*fileFormat) error, fn func(*conn) (commit bool, err error)) error {
	if err := s.checkChangeable(); err != nil {
		return err
	}
	release, err := s.lock.Acquire(ctx, operation)
	if err != nil {
		return err
	}
	pending, err := func() (int64, error) {
		// The lock ends with its descriptor, so no error of release would matter.
		defer release()
		return s.turn(ctx, may, fn)
	}()
	s.checkpointLater(pending)
	return err
}

// turn is the part of update that others wait for. It returns how much lies in
// the log that is not copied into the file yet.
func (s *Store) turn(ctx context.Context, may func(*fileFormat) error, fn func(*conn) (commit bool, err error)) (pending int64, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.checkOpen(); err != nil {
		return 0, err
	}
	cn := s.writer
	if err = s.checkReplaced(); err != nil {
		err = fmt.Errorf("%w; nothing was saved", err)
	} else {
		err = s.transact(ctx, cn, may, fn)
	}
	if errors.Is(err, idxdb.ErrReplaced) {
		s.rescueLog()
	}
	if err != nil {
		return 0, err
	}
	size, pending, err := cn.logSize()
	if err != nil {
		return 0, nil // what was committed is committed; the next turn will see
	}
	s.restartLog(size)
	return pending, nil
}

func (s *Store) transact(ctx context.Context, cn *conn, may func(*fileFormat) error, fn func(*conn) (commit bool, err error)) error {
	if _, err := cn.exec(begin); err != nil {
		return err
	}
	keep, err := false, cn.adopt()
	if err == nil {
		err = may(&cn.format)
	}
	if err == nil {
		keep, err = fn(cn)
	}
	if err == nil && keep {
		err = ctx.Err() // the last moment at which it can still be called off
	}
	if err != nil || !keep {
		cn.rollback()
		return err
	}
	if err := s.commit(cn); err != nil {
		return err
	}
	// A file that was moved away meanwhile has the commit, but perhaps nobody will
	// look for it there.
	if err := s.checkReplaced(); err != nil {
		return &idxdb.OutcomeUnknownError{Err: err}
	}
	return nil
}

func (s *Store) commit(cn *conn) error {
	err := runCommit(cn)
	if err == nil {
		return nil
	}
	cn.rollback()
	var e interface {
		error
		Code() int
	}
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_IOERR {
		// The commit record may have reached the disk: what a crash leaves of it
		// decides.
		return &idxdb.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", translate(err))}
	}
	return translate(err)
}

// runCommit is replaced by tests, to make it fail.
var runCommit = func(cn *conn) error {
	_, err := cn.write[commit].ExecContext(background)
	return err
}

// rollback ends the transaction if SQLite has not done so already.
func (cn *conn) rollback() {
	cn.write[rollback].ExecContext(background)
}

// unknown adds to the error of a commit that may have happened what it takes to
// find out: the key, and the id of a save that can be repeated with it.
func unknown(err error, key string, id idxdb.ID) error {
	if e, ok := errors.AsType[*idxdb.OutcomeUnknownError](err); ok {
		e.Key, e.ID = key, id
	}
	return err
}

// saveError says what err means for the save of items.
func saveError(items []*item, err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, idxdb.ErrOutcomeUnknown) {
		return fmt.Errorf("%w (nothing was saved)", err)
	}
	switch len(items) {
	case 0:
		return err
	case 1:
		return unknown(err, items[0].key, items[0].id)
	}
	return unknown(err, items[0].key, idxdb.ID{})
}
