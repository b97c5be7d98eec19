package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

type initView struct {
	Store   string `json:"store"`
	Created bool   `json:"created"`
}

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [STORE]",
		Short: "Make an empty store",
		Long: `Make an empty store. A store that is there already is left as it is. There is
no need for it before the first save, which makes the store too.`,
		Example: `  idxdb init team.idx`,
		Args:    storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, _, err := a.storeName(args)
			if err != nil {
				return err
			}
			created, err := a.init(cmd.Context(), args)
			if err != nil {
				return err
			}
			view := initView{idxdb.Redact(name), created}
			if !created {
				return a.confirm(view, "%s is a store already", view.Store)
			}
			return a.confirm(view, "made the store %s", view.Store)
		},
	}
}

// init makes the store unless it is there.
func (a *app) init(ctx context.Context, args []string) (created bool, err error) {
	nothing := func(idxdb.Store) error { return nil }
	err = a.withStore(ctx, args, toRead, nothing)
	if !errors.Is(err, idxdb.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, a.withStore(ctx, args, toCreate, nothing)
}
