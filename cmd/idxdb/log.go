package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

func (a *app) logCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "log KEY",
		Short: "Show the versions of a key, newest first",
		Long: `Show the versions of KEY, newest first: when and by whom each was saved, its
size, the ref of its source, and the message. A directory keeps only the
newest.`,
		Example:           `  idxdb log owner/repo@main -n 10`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeKeys(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key := args[0]
			if err := checkKeys(key); err != nil {
				return err
			}
			if limit < 0 || limit == 0 && cmd.Flags().Changed("max-count") {
				return fmt.Errorf("%w: -n %d: show at least one version", idxdb.ErrUsage, limit)
			}
			return a.withStore(cmd.Context(), nil, toRead, func(s idxdb.Store) error {
				versions, err := history(cmd.Context(), s, key, limit)
				if err != nil {
					return err
				}
				return a.printVersions(versions, func(w io.Writer) { writeLog(w, versions) })
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "max-count", "n", 0, "show at most `N` versions")
	return cmd
}

// history returns the newest versions of key, at most limit if that is not 0.
func history(ctx context.Context, s idxdb.Store, key string, limit int) ([]idxdb.Version, error) {
	h, ok := idxdb.As[idxdb.Historian](s)
	if !ok { // it keeps the newest only
		doc, err := s.Load(ctx, key, idxdb.LoadOptions{})
		if err != nil {
			return nil, err
		}
		return []idxdb.Version{doc.Version}, doc.Body.Close()
	}
	var versions []idxdb.Version
	for v, err := range h.Log(ctx, key) {
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
		if len(versions) == limit {
			break
		}
	}
	return versions, nil
}

func writeLog(w io.Writer, versions []idxdb.Version) {
	t := newTable(w, "VERSION", "SAVED", "BY", "STATE", "REF", "MESSAGE")
	for _, v := range versions {
		ref := v.Source.Ref
		if ref == "" {
			ref = "-"
		}
		t.row(strconv.FormatInt(v.Number, 10), minute(v.SavedAt), clip(who(v.SavedBy), 20),
			size(v.State.Size), clip(ref, 12), v.Message)
	}
	t.flush()
}
