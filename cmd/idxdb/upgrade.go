package main

import (
	"fmt"

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
			name, _, err := a.storeName(args)
			if err != nil {
				return err
			}
			name = idxdb.Redact(name)
			err = a.withStore(cmd.Context(), args, toChange, func(s idxdb.Store) error {
				u, ok := idxdb.As[idxdb.Upgrader](s)
				if !ok {
					return fmt.Errorf("upgrade %s: %w: only files have a format to upgrade, directories have none", name, idxdb.ErrUnsupported)
				}
				var err error
				view.From, view.To, err = u.Upgrade(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if view.From == view.To {
				return a.confirm(view, "%s has format %d, which is the newest; nothing was changed", name, view.To)
			}
			return a.confirm(view, "upgraded %s from format %d to %d", name, view.From, view.To)
		},
	}
}
