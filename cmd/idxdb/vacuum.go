package main

import (
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
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
	fmt.Fprintf(w, "%s before, %s now; removed %s deleted versions, %s chunks\n",
		size(r.SizeBefore), size(r.SizeAfter), humanize.Comma(r.VersionsRemoved), humanize.Comma(r.ChunksRemoved))
	if r.ChunksPacked > 0 {
		fmt.Fprintf(w, "packed %s chunks of older versions, %s\n", humanize.Comma(r.ChunksPacked), size(r.BytesPacked))
	}
	if r.VersionsPruned > 0 {
		fmt.Fprintf(w, "pruned %s versions\n", humanize.Comma(r.VersionsPruned))
	}
	if r.ChunksPending > 0 {
		fmt.Fprintf(w, "%s more chunks go once the saves and loads that run now have ended\n", humanize.Comma(r.ChunksPending))
	}
}
