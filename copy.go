package idxdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// CopyOptions says what [Copy] copies; the zero value is the newest version of
// every key.
type CopyOptions struct {
	Keys        []string // nil: all
	As          string   // the key's name in dst; only with exactly one of Keys
	AllVersions bool     // also the older versions, where src and dst keep them
	Force       bool     // also where dst's newest version is not one of src's
	Progress    func(key string, version int64)
}

// CopyReport says what Copy did.
type CopyReport struct {
	Keys     int64 // looked at
	Versions int64 // copied
	Present  int64 // of those asked for, already there
	Skipped  int64 // older versions asked for, not copied since dst keeps only the newest
	NewBytes int64 // of document content that dst did not have
}

// Copy brings keys from src to dst, which must be an [Importer]. A version that
// dst has already, by its id, is not copied again. Ids, authors, times and
// messages stay as they are.
//
// If dst's newest version of a key is not one of src's, then somebody has saved
// there since, and Copy fails with [ErrConflict] rather than put src's version
// on top of it, unless Force is set. Where src keeps no history, a higher
// number counts as newer.
//
// What was copied before an error stays copied; Copy can be repeated.
func Copy(ctx context.Context, dst, src Store, opts CopyOptions) (CopyReport, error) {
	var report CopyReport
	importer, ok := As[Importer](dst)
	if !ok {
		return report, fmt.Errorf("copy: %w: the destination cannot take over versions", ErrUnsupported)
	}
	keys := opts.Keys
	if opts.As != "" && len(keys) != 1 {
		return report, fmt.Errorf("%w: a new name needs exactly one key to copy", ErrUsage)
	}
	if keys == nil {
		var err error
		if keys, err = keysByAge(ctx, src); err != nil {
			return report, err
		}
	}
	for _, key := range keys {
		if err := copyKey(ctx, dst, importer, src, key, opts, &report); err != nil {
			err = OpError("copy", key, err)
			if len(keys) > 1 {
				err = fmt.Errorf("after %d of %d keys: %w", report.Keys, len(keys), err)
			}
			return report, err
		}
		report.Keys++
	}
	return report, nil
}

// keysByAge lists all keys in the order in which their newest versions were
// saved. A store that gives things to whoever comes first, such as the plain
// name of a directory, then gives them to the same keys as src did.
func keysByAge(ctx context.Context, src Store) ([]string, error) {
	var list []Version
	for v, err := range src.List(ctx, ListOptions{}) {
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	slices.SortStableFunc(list, func(a, b Version) int { return a.SavedAt.Compare(b.SavedAt) })
	keys := make([]string, len(list))
	for i, v := range list {
		keys[i] = v.Key
	}
	return keys, nil
}

func copyKey(ctx context.Context, dst Store, importer Importer, src Store, key string, opts CopyOptions, report *CopyReport) error {
	target := key
	if opts.As != "" {
		target = opts.As
	}
	theirs, srcHistory, err := history(ctx, src, key)
	if err != nil {
		return err
	}
	ours, dstHistory, err := history(ctx, dst, target)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	cond := IfVersion(0)
	if len(ours) > 0 {
		head := ours[0]
		cond = IfMatch(head.ID)
		known := hasID(theirs, head.ID) || !srcHistory && theirs[0].Number > head.Number
		if !known && !opts.Force && !hasID(ours, theirs[0].ID) {
			return &ConflictError{Key: target, Want: IfMatch(theirs[0].ID), Current: &head}
		}
	}
	wanted := theirs[:1]
	switch {
	case opts.AllVersions && dstHistory:
		wanted = theirs
	case opts.AllVersions:
		report.Skipped += int64(len(theirs) - 1)
	}
	for i, v := range slices.Backward(wanted) { // oldest first
		if hasID(ours, v.ID) {
			report.Present++
			continue
		}
		number := v.Number
		if i == 0 && len(ours) > 0 {
			// The newest becomes the newest, also where dst has counted further.
			number = max(number, ours[0].Number+1)
		}
		saved, err := copyVersion(ctx, importer, src, v, target, number, cond)
		if err != nil {
			return fmt.Errorf("version %d: %w", v.Number, err)
		}
		if len(ours) == 0 || saved.Version.Number > ours[0].Number {
			ours = slices.Insert(ours, 0, saved.Version)
			cond = IfMatch(saved.Version.ID)
		}
		report.Versions++
		report.NewBytes += saved.NewBytes
		if opts.Progress != nil {
			opts.Progress(target, saved.Version.Number)
		}
	}
	return nil
}

// history returns the versions of key, newest first, and whether the store keeps
// more than the newest.
func history(ctx context.Context, s Store, key string) ([]Version, bool, error) {
	h, ok := As[Historian](s)
	if !ok {
		doc, err := s.Load(ctx, key, LoadOptions{})
		if err != nil {
			return nil, false, err
		}
		return []Version{doc.Version}, false, doc.Body.Close()
	}
	var versions []Version
	for v, err := range h.Log(ctx, key) {
		if err != nil {
			return nil, true, err
		}
		versions = append(versions, v)
	}
	if len(versions) == 0 {
		return nil, true, &NotFoundError{Key: key}
	}
	return versions, true, nil
}

func hasID(versions []Version, id ID) bool {
	return slices.ContainsFunc(versions, func(v Version) bool { return v.ID == id })
}

func copyVersion(ctx context.Context, dst Importer, src Store, v Version, target string, number int64, cond Condition) (Saved, error) {
	state, err := src.Load(ctx, v.Key, LoadOptions{Version: v.Number})
	if err != nil {
		return Saved{}, err
	}
	defer state.Body.Close()
	docs := Documents{State: state.Body}
	if v.Search != nil {
		search, err := src.Load(ctx, v.Key, LoadOptions{Version: v.Number, Doc: SearchDoc})
		if err != nil {
			return Saved{}, err
		}
		defer search.Body.Close()
		docs.Search = search.Body
	}
	v.Key, v.Number = target, number
	return dst.Import(ctx, v, docs, cond)
}
