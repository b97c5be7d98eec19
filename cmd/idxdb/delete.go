package main

import (
	"fmt"
	"strings"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

type deletedView struct {
	Deleted []string `json:"deleted"`
}

func (a *app) deleteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete KEY...",
		Short: "Delete keys, with all their versions",
		Long: `Delete each KEY with all its versions. If one of them does not exist, none is
deleted. They are deleted one after the other: if one cannot be, the error says
which are gone already. A key saved again later goes on counting versions from
where it was.`,
		Example: `  idxdb delete owner/repo@main
  idxdb delete owner/repo@main --if-version 41`,
		Args:              between(1, noLimit),
		ValidArgsFunction: a.completeKeys(noLimit),
	}
	flags := addConditionFlags(cmd, "delete")
	lease := addLeaseFlag(cmd, "delete")
	cmd.RunE = func(cmd *cobra.Command, keys []string) error {
		if err := checkKeys(keys...); err != nil {
			return err
		}
		cond, err := flags.condition()
		if err != nil {
			return err
		}
		if !cond.IsZero() && len(keys) > 1 {
			return fmt.Errorf("%w: a condition is for one key", idxdb.ErrUsage)
		}
		a.undone = "nothing was deleted"
		err = a.withStore(cmd.Context(), nil, toChange, func(s idxdb.Store) error {
			if len(keys) > 1 {
				for _, key := range keys {
					if _, err := history(cmd.Context(), s, key, 1); err != nil {
						return fmt.Errorf("nothing was deleted: %w", err)
					}
				}
			}
			for _, key := range keys {
				token, ignore, err := a.lease(s, key, lease)
				if err != nil {
					return err
				}
				if err := s.Delete(cmd.Context(), key, idxdb.DeleteOptions{If: cond, Lease: token, IgnoreLease: ignore}); err != nil {
					if len(a.deleted) > 0 {
						return fmt.Errorf("after %d of %d keys (deleted: %s): %w",
							len(a.deleted), len(keys), strings.Join(a.deleted, ", "), err)
					}
					return err
				}
				a.deleted = append(a.deleted, key)
				a.undone = "deleted before that: " + strings.Join(a.deleted, ", ")
			}
			return nil
		})
		if err != nil {
			return err
		}
		return a.confirm(deletedView{a.deleted}, "deleted %s", strings.Join(a.deleted, ", "))
	}
	return cmd
}
