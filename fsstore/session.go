package fsstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/idxdb/idxdb/internal/atomicfile"
	"github.com/idxdb/idxdb/internal/filelock"
)

// A session is a directory in which one open store prepares its saves, before
// it takes the lock. It holds a lock of its own, on a file beside it, as long as
// it lives: what is in a directory whose lock nobody holds was left by a process
// that died.
type session struct {
	dir     string
	lock    string
	release func() error
	count   int
	needed  bool // a commit that somebody else has to finish names its files
}

const lockSuffix = ".lock"

// temp returns a new path for a temporary file.
func (s *Store) temp(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return "", fmt.Errorf("prepare a save: %w", os.ErrClosed)
	}
	if s.session == nil {
		ses, err := s.beginSession(ctx)
		if err != nil {
			return "", err
		}
		s.session = ses
	}
	s.session.count++
	return filepath.Join(s.session.dir, fmt.Sprint(s.session.count)), nil
}

func (s *Store) beginSession(ctx context.Context) (*session, error) {
	var b [8]byte
	rand.Read(b[:])
	dir := s.own(tempDir, hex.EncodeToString(b[:]))
	ses := &session{dir: dir, lock: dir + lockSuffix}
	var err error
	l := filelock.New(ses.lock, filelock.Options{Create: true, Mode: s.mode()})
	if ses.release, err = l.Acquire(ctx, "save"); err != nil {
		return nil, err
	}
	if err := s.disk.mkdirAll(dir); err != nil {
		return nil, errors.Join(writeError(err), ses.end(&s.disk))
	}
	return ses, nil
}

func (ses *session) end(d *disk) error {
	if ses.needed {
		return ses.release()
	}
	return errors.Join(d.removeAll(ses.dir), d.remove(ses.lock), ses.release())
}

// sweep removes what processes that died have left. The store's lock is held,
// and no commit is pending, so that nobody needs it any more.
func (s *Store) sweep(ctx context.Context) error {
	for _, dir := range []string{s.own(), s.own(keysDir), s.own(claimsDir)} {
		list, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range list {
			if atomicfile.IsTemp(e.Name()) {
				if err := s.disk.remove(filepath.Join(dir, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	list, err := os.ReadDir(s.own(tempDir))
	if err != nil {
		return err
	}
	locks := map[string]bool{}
	for _, e := range list {
		if name, ok := strings.CutSuffix(e.Name(), lockSuffix); ok {
			locks[name] = true
			if err := s.sweepSession(ctx, s.own(tempDir, name)); err != nil {
				return err
			}
		}
	}
	for _, e := range list {
		name := e.Name()
		if strings.HasSuffix(name, lockSuffix) || locks[name] {
			continue
		}
		// Sessions take their lock before they make their directory; look again,
		// since this one may be new.
		if _, err := os.Lstat(s.own(tempDir, name+lockSuffix)); os.IsNotExist(err) {
			if err := s.disk.removeAll(s.own(tempDir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) sweepSession(ctx context.Context, dir string) error {
	l := filelock.New(dir+lockSuffix, filelock.Options{Timeout: time.Second})
	if _, held, err := l.Holder(); err != nil || held {
		return err
	}
	release, err := l.Acquire(ctx, "sweep")
	if err != nil {
		return nil // somebody lives after all
	}
	return errors.Join(s.disk.removeAll(dir), s.disk.remove(dir+lockSuffix), release())
}
