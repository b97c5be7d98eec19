package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/atomicfile"
	"github.com/idxdb/idxdb/internal/netfs"
	"github.com/idxdb/idxdb/internal/schema"
)

// resolve makes path absolute and free of symbolic links, so that all who open
// the file by whatever name use one lock file.
func resolve(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%w: the path is empty", idxdb.ErrUsage)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	switch real, err := filepath.EvalSymlinks(path); {
	case err == nil:
		return real, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil // whoever creates the file will be told
	}
	return filepath.Join(dir, filepath.Base(path)), err
}

func checkFilesystem(path string, opts Options) error {
	if opts.CorruptibleOnNetwork {
		return nil
	}
	on, err := netfs.Of(path)
	if err != nil {
		return fmt.Errorf("find out what filesystem it is on: %w", err)
	}
	if on.Network() {
		return fmt.Errorf("%w: %s is a %s filesystem (%s), where several machines that change one SQLite file corrupt it: "+
			"put the store on a local disk", idxdb.ErrUnsupported, on.MountPoint, on.Kind, on.Type)
	}
	return nil
}

// checkFile returns what is at path if it may be a store.
func checkFile(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no such file; idxdb init makes one", idxdb.ErrNotFound)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%w: it is a directory", idxdb.ErrNotStore)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: it is not a regular file", idxdb.ErrNotStore)
	case info.Size() == 0:
		return nil, fmt.Errorf("%w: the file is empty; delete it to have a store made in its place", idxdb.ErrNotStore)
	}
	if n := hardLinks(info); n > 1 {
		return nil, fmt.Errorf("%w: the file has %d hard links, and SQLite would lose track of its -wal file: "+
			"delete the other names; or, while nobody has it open and no %s-wal lies beside it, put a copy in its place",
			idxdb.ErrUnsupported, n, path)
	}
	return info, nil
}

// opened lists the files that this process has open as stores, each until the
// last connection is closed. Closing any descriptor of such a file would drop all
// of SQLite's locks on it, those of other stores of this process too (they are the
// process's), so nothing in this package opens one that is listed.
var opened struct {
	sync.Mutex
	files []fs.FileInfo
}

// enlist looks at the header of the file, unless this process has it open
// already, and lists it until the returned function is called.
func enlist(file fs.FileInfo, path string) (unlist func(), err error) {
	opened.Lock()
	defer opened.Unlock()
	known := false
	for _, other := range opened.files {
		known = known || sameFile(other, file)
	}
	if !known {
		if err := checkHeader(path); err != nil {
			return nil, err
		}
	}
	opened.files = append(opened.files, file)
	return func() {
		opened.Lock()
		defer opened.Unlock()
		for i, other := range opened.files {
			if other == file {
				opened.files = append(opened.files[:i], opened.files[i+1:]...)
				return
			}
		}
	}, nil
}

// checkHeader refuses what is not a store before SQLite opens it, since SQLite
// may change a file by opening it (it rolls back what a killed writer left).
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var header [100]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return fmt.Errorf("%w: it is not a SQLite database, or its first bytes are damaged", idxdb.ErrNotStore)
	}
	return checkApplicationID(binary.BigEndian.Uint32(header[68:]))
}

func checkApplicationID(id uint32) error {
	switch id {
	case schema.ApplicationIDLocal:
		return nil
	case schema.ApplicationIDNetwork:
		return fmt.Errorf("%w: the file is shared over a network filesystem, which this idxdb cannot do yet", idxdb.ErrNewerFormat)
	}
	return fmt.Errorf("%w: it is a SQLite database of another application (application id %#x), or its first bytes are damaged", idxdb.ErrNotStore, id)
}

// create makes the file: whole, under another name, then renamed, so that nobody
// ever sees half of it and a killed creator leaves nothing in the way.
func (s *Store) create(ctx context.Context) error {
	dir := filepath.Dir(s.path)
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("make the file: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("make the file: %w: %s is not a directory", fs.ErrInvalid, dir)
	}
	release, err := s.lock.Acquire(ctx, "create")
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Lstat(s.path); err == nil {
		return nil // somebody else was first
	}
	if err := checkIndex(s.path); err != nil {
		return err
	}
	if _, err := os.Lstat(s.path + "-wal"); err == nil {
		if err := s.putLogAside("to a file that is gone from " + s.path); err != nil {
			return err
		}
	}
	temp := fmt.Sprintf("%s.new-%s", s.path, hex.EncodeToString(newLineage()[:6]))
	defer os.Remove(temp) // nothing to remove once it is renamed
	if err := writeEmpty(temp, s.formats); err != nil {
		return fmt.Errorf("make the file: %w", translate(err))
	}
	if err := os.Chmod(temp, fileMode(s.path)); err != nil {
		return err
	}
	if err := os.Rename(temp, s.path); err != nil {
		return err
	}
	return atomicfile.SyncDir(dir)
}

// writeEmpty makes a store without keys. Page size and auto_vacuum must be set
// before anything else is.
func writeEmpty(path string, known schema.Formats) error {
	q := url.Values{"mode": {"rwc"}, "_defensive": {"true"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, pragma := range []string{
		fmt.Sprintf("page_size = %d", schema.PageSize),
		"auto_vacuum = incremental",
		"synchronous = full",
		fmt.Sprintf("application_id = %d", schema.ApplicationIDLocal),
		fmt.Sprintf("user_version = %d", known.Newest()),
	} {
		if _, err := db.Exec("PRAGMA " + pragma); err != nil {
			return err
		}
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	meta := schema.Meta{Lineage: newLineage(), CreatedAt: unixMicro(time.Now()), Epoch: 1}
	for _, m := range known {
		if _, err := tx.Exec(m.SQL); err != nil {
			return fmt.Errorf("format %d: %w", m.To, err)
		}
		meta.Format, meta.ReadFormat, meta.WriteFormat = int64(m.To), int64(m.ReadFormat), int64(m.WriteFormat)
	}
	if _, err := tx.Exec(insertMeta, meta.Format, meta.ReadFormat, meta.WriteFormat, meta.Lineage,
		meta.CreatedAt, meta.Epoch, meta.Keys, meta.KeySet, meta.Checksum()); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	var mode string
	if err := db.QueryRow("PRAGMA journal_mode = wal").Scan(&mode); err != nil || mode != "wal" {
		return fmt.Errorf("%w: no WAL mode here (%s): %w", idxdb.ErrUnsupported, mode, err)
	}
	return db.Close()
}

// fileMode is the mode of the store's files: as the directory has it, never
// wider.
func fileMode(path string) fs.FileMode { return atomicfile.ModeFor(filepath.Dir(path)) }

// checkReplaced tells whether path still names the file that was opened, and
// whether what lies beside it is still what SQLite has open. Neither changes as
// long as anybody has the store open.
func (s *Store) checkReplaced() error {
	switch now, err := os.Stat(s.path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s was deleted while it was open", idxdb.ErrReplaced, s.path)
	case err != nil:
		return err
	case !sameFile(now, s.file):
		return fmt.Errorf("%w: another file was put in the place of %s while it was open", idxdb.ErrReplaced, s.path)
	}
	for i, before := range s.beside {
		now, err := os.Stat(s.path + besideSuffixes[i])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil || !sameFile(now, before) {
			return fmt.Errorf("%w: %s%s was deleted or replaced while the store was open", idxdb.ErrReplaced, s.path, besideSuffixes[i])
		}
	}
	return nil
}

var besideSuffixes = [...]string{"-wal", "-shm"}

// findBeside notes the files that SQLite has beside the store. It has opened them
// by then.
func (s *Store) findBeside() {
	var list []fs.FileInfo
	for _, suffix := range besideSuffixes {
		info, err := os.Stat(s.path + suffix)
		if err != nil {
			return // where it cannot be looked at it is not compared
		}
		list = append(list, info)
	}
	s.beside = list
}
