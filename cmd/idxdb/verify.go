package main

import (
	"fmt"
	"io"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "verify [STORE]",
		Short:   "Read everything and check that it is what was saved",
		Long:    "Read everything in the store and check that it is what was saved. The exit code\nis 6 if something is damaged.",
		Example: `  idxdb verify team.idx`,
		Args:    storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			var report idxdb.VerifyReport
			err := a.withStore(cmd.Context(), args, toRead, func(s idxdb.Store) error {
				v, err := capability[idxdb.Verifier](s, "verify")
				if err != nil {
					return err
				}
				m := a.startMeter("verify", false)
				defer m.stop()
				report, err = v.Verify(cmd.Context(), m.callback("verify"))
				return err
			})
			if err != nil {
				return err
			}
			if report.Damage == nil {
				report.Damage = []idxdb.Damage{} // an empty list in JSON
			}
			if err := a.print(report, func(w io.Writer) { writeVerification(w, report) }); err != nil {
				return err
			}
			if n := len(report.Damage); n > 0 {
				return fmt.Errorf("verify: damage was found in %s: %w", count(int64(n), "place"), idxdb.ErrCorrupt)
			}
			return nil
		},
	}
}

// callback makes m show what a long operation of a store reports.
func (m *meter) callback(verb string) idxdb.Progress {
	return func(stage string, done, total int64) { m.stage(verb+", "+stage, done, total) }
}

func writeVerification(w io.Writer, r idxdb.VerifyReport) {
	for _, d := range r.Damage {
		place := "the store"
		if d.Key != "" {
			place = fmt.Sprintf("%q", d.Key)
		}
		if d.Version != 0 {
			place += fmt.Sprintf(" version %d", d.Version)
		}
		if d.Doc != "" {
			place += " " + string(d.Doc)
		}
		fmt.Fprintln(w, printable("damaged: "+place+": "+d.Detail))
	}
	fmt.Fprintf(w, "checked %s, %s, %s, %s: ",
		count(r.Keys, "key"), count(r.Versions, "version"), count(r.Documents, "document"), size(r.Bytes))
	if len(r.Damage) > 0 {
		fmt.Fprintf(w, "%d damaged\n", len(r.Damage))
		return
	}
	fmt.Fprintln(w, "all is as it was saved")
}
