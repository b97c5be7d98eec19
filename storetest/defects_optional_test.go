package storetest

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/idxdb/idxdb"
)

// Defects of the optional capabilities.

type newestOnly struct{ defect }

func (s *newestOnly) Load(ctx context.Context, key string, o idxdb.LoadOptions) (*idxdb.Document, error) {
	o.Version = 0
	return s.good.Load(ctx, key, o)
}

type oldestFirst struct{ defect }

func (s *oldestFirst) Log(ctx context.Context, key string) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		var all []idxdb.Version
		for v, err := range s.good.Log(ctx, key) {
			if err != nil {
				yield(v, err)
				return
			}
			all = append(all, v)
		}
		for _, v := range slices.Backward(all) {
			if !yield(v, nil) {
				return
			}
		}
	}
}

type emptyLog struct{ defect }

func (s *emptyLog) Log(ctx context.Context, key string) iter.Seq2[idxdb.Version, error] {
	return func(yield func(idxdb.Version, error) bool) {
		for v, err := range s.good.Log(ctx, key) {
			if err != nil || !yield(v, nil) {
				return // a key that is not there just has no versions
			}
		}
	}
}

type renamesByCopy struct{ defect }

func (s *renamesByCopy) Rename(ctx context.Context, from, to string) error {
	d, err := s.Load(ctx, from, idxdb.LoadOptions{})
	if err != nil {
		return err
	}
	if _, err := s.Save(ctx, to, idxdb.Documents{State: d.Body}, idxdb.SaveOptions{If: idxdb.IfVersion(0)}); err != nil {
		return err
	}
	return s.Delete(ctx, from, idxdb.DeleteOptions{})
}

type renamesOver struct{ defect }

func (s *renamesOver) Rename(ctx context.Context, from, to string) error {
	if slices.Contains(sortedKeys(s.good), from) && from != to {
		_ = s.Delete(ctx, to, idxdb.DeleteOptions{}) // it may not be there
	}
	return s.good.Rename(ctx, from, to)
}

type clonesOne struct{ defect }

func (s *clonesOne) Clone(ctx context.Context, from, to string, _ bool) (int, error) {
	return s.good.Clone(ctx, from, to, false)
}

type clonesOver struct{ defect }

func (s *clonesOver) Clone(ctx context.Context, from, to string, all bool) (int, error) {
	if from != to {
		_ = s.Delete(ctx, to, idxdb.DeleteOptions{}) // it may not be there
	}
	return s.good.Clone(ctx, from, to, all)
}

type clonesByMove struct{ defect }

func (s *clonesByMove) Clone(ctx context.Context, from, to string, all bool) (int, error) {
	return 1, s.Rename(ctx, from, to)
}

type importsAsSave struct{ defect }

func (s *importsAsSave) Import(ctx context.Context, v idxdb.Version, d idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	return s.Save(ctx, v.Key, d, idxdb.SaveOptions{If: cond, Message: v.Message, By: v.SavedBy})
}

type importsTwice struct{ defect }

func (s *importsTwice) Import(ctx context.Context, v idxdb.Version, d idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	v.ID = idxdb.NewID()
	return s.good.Import(ctx, v, d, cond)
}

type importsAnyway struct{ defect }

func (s *importsAnyway) Import(ctx context.Context, v idxdb.Version, d idxdb.Documents, _ idxdb.Condition) (idxdb.Saved, error) {
	return s.good.Import(ctx, v, d, idxdb.Condition{})
}

type noEpoch struct{ defect }

func (s *noEpoch) Import(ctx context.Context, v idxdb.Version, d idxdb.Documents, cond idxdb.Condition) (idxdb.Saved, error) {
	if v.SavedAt.UnixMicro() == 0 {
		v.SavedAt = time.Now()
	}
	return s.good.Import(ctx, v, d, cond)
}

type plainBatch struct{ defect }

func (s *plainBatch) SaveBatch(ctx context.Context, items []idxdb.BatchItem) ([]idxdb.Saved, error) {
	items = slices.Clone(items)
	for i := range items {
		items[i].Opts = idxdb.SaveOptions{}
	}
	return s.good.SaveBatch(ctx, items)
}

type backwards struct{ defect }

func (s *backwards) SaveBatch(ctx context.Context, items []idxdb.BatchItem) ([]idxdb.Saved, error) {
	items = slices.Clone(items)
	slices.Reverse(items)
	saved, err := s.good.SaveBatch(ctx, items)
	slices.Reverse(saved)
	return saved, err
}

type alarmist struct{ defect }

func (s *alarmist) Verify(ctx context.Context, p idxdb.Progress) (idxdb.VerifyReport, error) {
	report, err := s.good.Verify(ctx, p)
	report.Damage = append(report.Damage, idxdb.Damage{Detail: "it looks old"})
	return report, err
}

type vacuumsAll struct{ defect }

func (s *vacuumsAll) Vacuum(ctx context.Context, p idxdb.Progress) (idxdb.VacuumReport, error) {
	if keys := sortedKeys(s.good); len(keys) > 1 {
		if err := s.Delete(ctx, keys[0], idxdb.DeleteOptions{}); err != nil {
			return idxdb.VacuumReport{}, err
		}
	}
	return s.good.Vacuum(ctx, p)
}

type miscounts struct{ defect }

func (s *miscounts) Inspect(ctx context.Context) (idxdb.Inspection, error) {
	out, err := s.good.Inspect(ctx)
	out.RawSize /= 2
	return out, err
}
