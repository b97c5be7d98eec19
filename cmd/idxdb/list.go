package main

import (
	"io"
	"iter"
	"strconv"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	var opts idxdb.ListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys, with the newest version of each",
		Example: `  idxdb list --prefix owner/
  idxdb list --json | jq -r '.[].key'`,
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.withStore(ctx, nil, toRead, func(s idxdb.Store) error {
				versions, err := collect(s.List(ctx, opts))
				if err != nil {
					return err
				}
				return a.printVersions(versions, func(w io.Writer) {
					t := newTable(w, "VERSION", "SAVED", "BY", "STATE", "SEARCH", "KEY")
					for _, v := range versions {
						t.row(strconv.FormatInt(v.Number, 10), ago(v.SavedAt), clip(who(v.SavedBy), 20),
							size(v.State.Size), searchSize(v), v.Key)
					}
					t.flush()
				})
			})
		},
	}
	cmd.Flags().StringVar(&opts.Prefix, "prefix", "", "only the keys that begin with `TEXT`")
	return cmd
}

// collect returns what a sequence yields, or its error and nothing.
func collect(seq iter.Seq2[idxdb.Version, error]) ([]idxdb.Version, error) {
	var versions []idxdb.Version
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, nil
}

// printVersions prints versions as one JSON array, or as human does.
func (a *app) printVersions(versions []idxdb.Version, human func(io.Writer)) error {
	views := make([]versionView, len(versions))
	for i, v := range versions {
		views[i] = viewVersion(v)
	}
	return a.print(views, func(w io.Writer) {
		if len(versions) > 0 {
			human(w)
		}
	})
}
