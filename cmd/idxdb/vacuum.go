package main

import (
	"fmt"
	"io"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

func (a *app) vacuumCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "vacuum [STORE]",
		Short: "Free the space that nothing needs any more",
		Long: `Free the space of what was deleted, and compress what only older versions use.
Others may save and load meanwhile, and it can be stopped at any time.`,
		Example: `  idxdb vacuum team.idx`,
		Args:    storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			var report idxdb.VacuumReport
			err := a.withStore(cmd.Context(), args, toChange, func(s idxdb.Store) error {
				v, err := capability[idxdb.Vacuumer](s, "vacuum")
				if err != nil {
					return err
				}
				m := a.startMeter("vacuum", false)
				defer m.stop()
				report, err = v.Vacuum(cmd.Context(), m.callback("vacuum"))
				return err
			})
			if err != nil {
				return err
			}
			if a.quiet && !a.json {
				return nil
			}
			return a.print(report, func(w io.Writer) { writeVacuum(w, report) })
		},
	}
}

func writeVacuum(w io.Writer, r idxdb.VacuumReport) {
	fmt.Fprintf(w, "%s before, %s now; removed %s, %s\n",
		size(r.SizeBefore), size(r.SizeAfter), count(r.VersionsRemoved, "deleted version"), count(r.ChunksRemoved, "chunk"))
	if r.ChunksPacked > 0 {
		fmt.Fprintf(w, "packed %s of older versions, %s\n", count(r.ChunksPacked, "chunk"), size(r.BytesPacked))
	}
	if r.VersionsPruned > 0 {
		fmt.Fprintf(w, "pruned %s\n", count(r.VersionsPruned, "version"))
	}
	if r.ChunksPending > 0 {
		fmt.Fprintf(w, "%s more to go once the saves and loads that run now have ended\n", count(r.ChunksPending, "chunk"))
	}
}
