package main

import (
	"context"
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

type upgradeView struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (a *app) upgradeCommand() *cobra.Command {
	dryRun := false
	cmd := &cobra.Command{
		Use:   "upgrade [STORE]",
		Short: "Bring a store to the newest format",
		Long: `Bring the store to the newest format this idxdb knows. Older programs that share
the store may then be unable to use it, so it never happens by itself. Before it
happens, upgrade says on stderr which programs those are; with --dry-run it does
no more than that. There is no way back; to keep the old store, copy it first.`,
		Example: `  idxdb upgrade --dry-run team.idx
  idxdb upgrade team.idx`,
		Args: storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, _, err := a.storeName(args)
			if err != nil {
				return err
			}
			name = idxdb.Redact(name)
			opts := toChange
			if dryRun {
				opts = toRead
			}
			var view upgradeView
			err = a.withStore(cmd.Context(), args, opts, func(s idxdb.Store) error {
				view, err = a.upgrade(cmd.Context(), name, s, dryRun)
				return err
			})
			switch {
			case err != nil:
				return err
			case view.From == view.To:
				return a.confirm(view, "%s has format %d, which is the newest; nothing was changed", name, view.To)
			case dryRun:
				return a.confirm(view, "an upgrade would bring %s from format %d to %d", name, view.From, view.To)
			}
			return a.confirm(view, "upgraded %s from format %d to %d", name, view.From, view.To)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say who would be locked out")
	return cmd
}

// upgrade says whom the upgrade of s locks out and then, unless it is only to say
// so, does it.
func (a *app) upgrade(ctx context.Context, name string, s idxdb.Store, dryRun bool) (upgradeView, error) {
	u, ok := idxdb.As[idxdb.UpgradePlanner](s)
	if !ok {
		return upgradeView{}, fmt.Errorf("upgrade %s: %w: only files have a format to upgrade, directories have none", name, idxdb.ErrUnsupported)
	}
	plan, err := u.PlanUpgrade(ctx)
	if err != nil {
		return upgradeView{}, err
	}
	if plan.From != plan.To {
		a.warn(fmt.Sprintf("%s goes from format %d to %d: %s", name, plan.From, plan.To, lockedOut(plan)))
	}
	if dryRun {
		return upgradeView{plan.From, plan.To}, nil
	}
	from, to, err := u.Upgrade(ctx)
	return upgradeView{from, to}, err
}

// lockedOut says what an upgrade means for older programs.
func lockedOut(plan idxdb.UpgradePlan) string {
	const find = "; idxdb version shows which format a program writes"
	switch {
	case plan.ReadFormat > plan.From && plan.WriteFormat > plan.ReadFormat:
		return fmt.Sprintf("programs that know only formats below %d can no longer use it, and those that know only formats below %d can no longer change it",
			plan.ReadFormat, plan.WriteFormat) + find
	case plan.ReadFormat > plan.From:
		return fmt.Sprintf("programs that know only formats below %d can no longer use it", plan.ReadFormat) + find
	case plan.WriteFormat > plan.From:
		return fmt.Sprintf("programs that know only formats below %d can still read it, but no longer change it", plan.WriteFormat) + find
	}
	return fmt.Sprintf("programs that know only format %d can go on reading and changing it", plan.From)
}
