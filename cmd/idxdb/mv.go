package main

import (
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

type movedView struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (a *app) mvCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mv OLD NEW",
		Short: "Give a key another name",
		Long: `Give the key OLD, with all its versions, the name NEW. It fails with exit code
4 if there is a key NEW.`,
		Example:           `  idxdb mv owner/repo@main owner/repo@trunk`,
		Args:              between(2, 2),
		ValidArgsFunction: a.completeKeys(1),
		RunE: func(cmd *cobra.Command, keys []string) error {
			if err := checkKeys(keys...); err != nil {
				return err
			}
			if keys[0] == keys[1] {
				return fmt.Errorf("%w: both names are the same", idxdb.ErrUsage)
			}
			err := a.withStore(cmd.Context(), nil, toChange, func(s idxdb.Store) error {
				r, err := capability[idxdb.Renamer](s, "mv")
				if err != nil {
					return err
				}
				return r.Rename(cmd.Context(), keys[0], keys[1])
			})
			if err != nil {
				return err
			}
			return a.confirm(movedView{keys[0], keys[1]}, "renamed %s to %s", keys[0], keys[1])
		},
	}
}
