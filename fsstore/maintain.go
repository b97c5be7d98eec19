package fsstore

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"fmt"

	"github.com/idxdb/idxdb"
)

// Verify reads every document and compares it with its digest. See
// [idxdb.Verifier]. A document that another program has saved has none; it must
// be JSON.
func (s *Store) Verify(ctx context.Context, progress idxdb.Progress) (idxdb.VerifyReport, error) {
	var report idxdb.VerifyReport
	keys, err := s.keys(ctx)
	if err != nil && !addDamage(&report, err) {
		return report, fmt.Errorf("verify %s: %w", s.dir, err)
	}
	if err := s.usable(ctx, false); err != nil {
		return report, fmt.Errorf("verify %s: %w", s.dir, err)
	}
	for key := range keys {
		if err := s.verifyKey(ctx, key, &report); err != nil && !addDamage(&report, err) {
			return report, fmt.Errorf("verify %q: %w", key, err)
		}
		if progress != nil {
			progress("verify", report.Keys, int64(len(keys)))
		}
	}
	return report, nil
}

// addDamage adds what err says is corrupt to the report. It reports false if err
// is an error of another kind.
func addDamage(report *idxdb.VerifyReport, err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && !errors.As(err, new(*idxdb.LockedError)) {
		if _, corrupt := err.(*idxdb.CorruptError); !corrupt {
			all := true
			for _, e := range joined.Unwrap() {
				all = addDamage(report, e) && all
			}
			return all
		}
	}
	c, ok := errors.AsType[*idxdb.CorruptError](err)
	if ok {
		report.Damage = append(report.Damage, idxdb.Damage{Key: c.Key, Version: c.Version, Doc: c.Doc, Detail: c.Error()})
	}
	return ok
}

func (s *Store) verifyKey(ctx context.Context, key string, report *idxdb.VerifyReport) error {
	for try := range maxLooks {
		pause(try)
		v, err := s.look(ctx, key)
		if err != nil || v.head == nil {
			return err
		}
		done := true
		var found idxdb.VerifyReport
		for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
			d := v.head.doc(doc)
			if d == nil {
				continue
			}
			f, err := v.open(doc)
			if err != nil {
				return err
			}
			if f == nil {
				done = false
				break
			}
			h, err := hashAll(ctx, f)
			f.Close()
			if err != nil {
				return err
			}
			found.Documents++
			found.Bytes += d.File.Size
			damage := idxdb.Damage{Key: key, Version: v.head.Number, Doc: doc}
			switch {
			case h.digest != d.Digest:
				damage.Detail = "its digest is " + h.digest + ", not " + d.Digest + " (" + v.path(doc) + ")"
			case h.syntax != nil:
				damage.Detail = h.syntax.Error() + " (" + v.path(doc) + ")"
			default:
				continue
			}
			found.Damage = append(found.Damage, damage)
		}
		if done {
			report.Keys++
			report.Versions++
			report.Documents += found.Documents
			report.Bytes += found.Bytes
			report.Damage = append(report.Damage, found.Damage...)
			return nil
		}
	}
	return errChanging
}

// Inspect describes the store. See [idxdb.Inspector].
func (s *Store) Inspect(ctx context.Context) (idxdb.Inspection, error) {
	in := idxdb.Inspection{Location: s.dir, Kind: "directory", Format: format}
	f, err := s.readFormat()
	if err != nil {
		return in, fmt.Errorf("inspect %s: %w", s.dir, err)
	}
	in.Lineage, in.CreatedAt = f.Lineage, f.CreatedAt
	list, err := s.list(ctx, idxdb.ListOptions{})
	if err != nil {
		return in, fmt.Errorf("inspect %s: %w", s.dir, err)
	}
	for _, v := range list {
		size := v.State.Size
		if v.Search != nil {
			size += v.Search.Size
		}
		in.Keys++
		in.Versions++
		in.RawSize += size
		in.KeyDetails = append(in.KeyDetails, idxdb.KeyDetails{Newest: v, Versions: 1, RawSize: size})
	}
	in.ContentSize, in.StoredSize = in.RawSize, in.RawSize
	own, err := treeSize(s.own())
	if err != nil {
		return in, fmt.Errorf("inspect %s: %w", s.dir, err)
	}
	in.FileSize = in.RawSize + own
	return in, nil
}

// treeSize returns the size of all files below dir, in bytes.
func treeSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// Vacuum removes what dead processes have left, and writes down which versions
// other programs have saved and deleted, so that listing need not read their
// files again. See [idxdb.Vacuumer].
func (s *Store) Vacuum(ctx context.Context, progress idxdb.Progress) (idxdb.VacuumReport, error) {
	var report idxdb.VacuumReport
	err := s.usable(ctx, true)
	if err == nil {
		err = s.change(ctx, "vacuum", func() error { return s.vacuum(ctx, &report, progress) })
	}
	if err != nil {
		return report, fmt.Errorf("vacuum %s: %w", s.dir, err)
	}
	return report, nil
}

func (s *Store) vacuum(ctx context.Context, report *idxdb.VacuumReport, progress idxdb.Progress) error {
	before, err := treeSize(s.own())
	if err != nil {
		return err
	}
	if err := s.sweep(ctx); err != nil {
		return err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	var done, documents int64
	for key := range keys {
		v, err := s.look(ctx, key)
		if err != nil {
			return err
		}
		if v.head != nil {
			for _, doc := range []*document{&v.head.State, v.head.Search} {
				if doc != nil {
					documents += doc.File.Size
				}
			}
		}
		if err := s.settle(v); err != nil {
			return err
		}
		if done++; progress != nil {
			progress("vacuum", done, int64(len(keys)))
		}
	}
	after, err := treeSize(s.own())
	report.SizeBefore, report.SizeAfter = documents+before, documents+after
	return err
}

// settle writes down what another program did to a key.
func (s *Store) settle(v *view) error {
	switch {
	case v.head != nil && v.adopt:
		r := v.rec.next(v.key, v.dir, v.wasHead(), v.head)
		return s.applyRecords(&change{Dir: v.dir, Record: r})
	case v.head == nil && v.rec != nil && v.rec.Head != nil:
		r := v.rec.next(v.key, "", nil, nil)
		return s.applyRecords(&change{Record: r, Unclaim: unclaim(v.rec.Dir)})
	}
	return nil
}
