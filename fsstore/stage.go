package fsstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/jsonscan"
)

const bufferSize = 256 << 10

// staged are the documents of a save as temporary files.
type staged struct {
	state  stagedDoc
	search *stagedDoc
	source idxdb.Source
	synced bool
}

type stagedDoc struct {
	path string
	document
}

// head returns the head that the documents would make.
func (st *staged) head() head {
	h := head{State: st.state.document, Source: source(st.source)}
	if st.search != nil {
		h.Search = &st.search.document
	}
	return h
}

func (st *staged) docs() []*stagedDoc {
	list := []*stagedDoc{&st.state}
	if st.search != nil {
		list = append(list, st.search)
	}
	return list
}

// sync flushes the files to the disk, and notes what they look like then: on
// network file systems only the server knows their time.
func (s *Store) sync(st *staged) error {
	if st.synced {
		return nil
	}
	for _, d := range st.docs() {
		if err := s.disk.syncFile(d.path); err != nil {
			return err
		}
		id, err := statID(d.path)
		if err != nil {
			return err
		}
		if id == nil || id.Size != d.File.Size {
			return fmt.Errorf("%s was changed or removed by somebody while it was written", d.path)
		}
		d.File = *id
	}
	st.synced = true
	return s.disk.syncDir(filepath.Dir(st.state.path))
}

// discard removes what a commit that ended with err has not moved away.
func (s *Store) discard(st *staged, err error) {
	if errors.Is(err, idxdb.ErrOutcomeUnknown) {
		return // it may be moved later
	}
	for _, d := range st.docs() {
		if d.path != "" {
			// What stays is swept away with the session.
			_ = s.disk.remove(d.path)
		}
	}
}

// stage reads the documents of a save to their end and writes them to temporary
// files. The caller discards them, also after an error.
func (s *Store) stage(ctx context.Context, docs idxdb.Documents) (*staged, error) {
	st := &staged{}
	if docs.State == nil {
		return st, fmt.Errorf("%w: a save needs a state document", idxdb.ErrUsage)
	}
	if err := s.prepare(); err != nil {
		return st, err
	}
	var err error
	if st.source, err = s.stageDoc(ctx, idxdb.StateDoc, docs.State, &st.state); err != nil {
		return st, err
	}
	if docs.Search != nil {
		st.search = &stagedDoc{}
		if _, err := s.stageDoc(ctx, idxdb.SearchDoc, docs.Search, st.search); err != nil {
			return st, err
		}
	}
	return st, nil
}

func (s *Store) stageDoc(ctx context.Context, doc idxdb.Doc, r io.Reader, d *stagedDoc) (src idxdb.Source, err error) {
	path, err := s.temp(ctx)
	if err != nil {
		return src, err
	}
	f, err := s.disk.create(path, s.mode())
	if err != nil {
		return src, writeError(err)
	}
	d.path = path
	src, err = s.fill(ctx, doc, r, f, d)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	return src, err
}

// fill copies r to f and describes what it copied.
func (s *Store) fill(ctx context.Context, doc idxdb.Doc, r io.Reader, f *os.File, d *stagedDoc) (src idxdb.Source, err error) {
	sum := sha256.New()
	var scan jsonscan.Scanner
	var hashing sync.WaitGroup
	defer hashing.Wait()
	blocks := readAhead(ctx, r)
	defer blocks.stop(ctx)
	for b := range blocks.each(ctx) {
		if b.err != nil {
			return src, fmt.Errorf("read the %s document: %w", doc, b.err)
		}
		hashing.Go(func() { sum.Write(b.data) })
		if _, err := scan.Write(b.data); err != nil {
			return src, inDoc(doc, err)
		}
		if err := s.disk.write(f, b.data); err != nil {
			return src, fmt.Errorf("write the %s document: %w", doc, err)
		}
		hashing.Wait()
		blocks.free <- b.data[:cap(b.data)]
	}
	if err := ctx.Err(); err != nil {
		return src, err
	}
	if err := scan.Close(); err != nil {
		return src, inDoc(doc, err)
	}
	info, err := f.Stat()
	if err != nil {
		return src, err
	}
	d.document = document{Digest: digestName(sum.Sum(nil)), File: idOf(info)}
	return scan.Source(), nil
}

// inDoc says in which document a syntax error is, in a copy, since the scanner
// keeps the error that it returned.
func inDoc(doc idxdb.Doc, err error) error {
	e, ok := err.(*idxdb.SyntaxError)
	if !ok {
		return err
	}
	named := *e
	named.Doc = doc
	return &named
}
