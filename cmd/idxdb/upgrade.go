package main

import (
	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

type upgradeView struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (a *app) upgradeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade [STORE]",
		Short: "Bring a store to the newest format",
		Long: `Bring the store to the newest format this idxdb knows. Older programs that share
the store may then be unable to use it, so it never happens by itself.`,
		Example: `  idxdb upgrade team.idx`,
		Args:    storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			var view upgradeView
			err := a.withStore(cmd.Context(), args, toChange, func(s idxdb.Store) error {
				u, err := capability[idxdb.Upgrader](s, "upgrade")
				if err != nil {
					return err
				}
				view.From, view.To, err = u.Upgrade(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if view.From == view.To {
				return a.confirm(view, "format %d is the newest; nothing was changed", view.To)
			}
			return a.confirm(view, "upgraded from format %d to %d", view.From, view.To)
		},
	}
}
