package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/idxdb/idxdb"
)

// Verify implements [idxdb.Verifier].
func (s *Store) Verify(ctx context.Context, progress idxdb.Progress) (idxdb.VerifyReport, error) {
	var report idxdb.VerifyReport
	if err := s.enter(ctx, false); err != nil {
		return report, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, e := range s.keys {
		if len(e.versions) == 0 {
			continue
		}
		report.Keys++
		for _, v := range e.versions {
			report.Versions++
			for doc, text := range v.docs {
				report.Documents++
				report.Bytes += int64(len(text))
				if info := v.Info(doc); info == nil || *info != describe(text) {
					report.Damage = append(report.Damage, idxdb.Damage{
						Key: key, Version: v.Number, Doc: doc, Detail: fmt.Sprintf("digest is not %v", info)})
				}
			}
		}
	}
	if progress != nil {
		progress("verify", report.Documents, report.Documents)
	}
	return report, nil
}

// Vacuum implements [idxdb.Vacuumer]. There is never anything to do.
func (s *Store) Vacuum(ctx context.Context, _ idxdb.Progress) (idxdb.VacuumReport, error) {
	return idxdb.VacuumReport{}, s.enter(ctx, true)
}

// Inspect implements [idxdb.Inspector].
func (s *Store) Inspect(ctx context.Context) (idxdb.Inspection, error) {
	out := idxdb.Inspection{Kind: "memory"}
	if err := s.enter(ctx, false); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		newest := s.newest(key)
		if newest == nil {
			continue
		}
		d := idxdb.KeyDetails{Newest: newest.Version, Versions: int64(len(s.keys[key].versions))}
		for _, v := range s.keys[key].versions {
			for _, text := range v.docs {
				d.RawSize += int64(len(text))
			}
		}
		out.Keys++
		out.Versions += d.Versions
		out.RawSize += d.RawSize
		out.KeyDetails = append(out.KeyDetails, d)
	}
	return out, nil
}
