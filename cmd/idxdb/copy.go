package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
	"github.com/spf13/cobra"
)

type copyView struct {
	Keys     int64 `json:"keys"`
	Versions int64 `json:"versions"`
	Present  int64 `json:"present"`
	Skipped  int64 `json:"skipped"`
	NewBytes int64 `json:"newBytes"`
}

func (a *app) copyCommand() *cobra.Command {
	var opts idxdb.CopyOptions
	cmd := &cobra.Command{
		Use:   "copy SRC DST [KEY...]",
		Short: "Copy keys from one store to another, or within one",
		Long: `Copy the newest version of each KEY, or of all keys, from the store SRC to the
store DST, which is made if it does not exist. What DST has already is not
copied again. Ids, times, authors and messages stay as they are. A directory
keeps only the newest version of each key, also with --all-versions.

A key of DST that somebody has saved to since is left alone, with exit code 4,
unless --force is given. SRC and DST may be one store, if --as gives the copy
another name: then no content is copied.`,
		Example: `  idxdb copy team.idx backup.idx --all-versions
  idxdb copy team.idx file:exported owner/repo@main
  idxdb copy team.idx team.idx owner/repo@main --as owner/repo@experiment`,
		Args: between(2, noLimit),
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.AllVersions, "all-versions", false, "copy the older versions too")
	flags.StringVar(&opts.As, "as", "", "the `NAME` of the copy of the one KEY")
	flags.BoolVar(&opts.Force, "force", false, "copy on top of what somebody saved in DST")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		src, dst := args[0], args[1]
		if len(args) > 2 {
			opts.Keys = args[2:]
		}
		if err := a.checkCopy(opts, flags.Changed("as")); err != nil {
			return err
		}
		same, err := stores.Same(src, dst)
		if err != nil {
			return err
		}
		var report idxdb.CopyReport
		if same {
			report, err = a.copyWithin(cmd.Context(), dst, opts)
		} else {
			report, err = a.copyBetween(cmd.Context(), src, dst, opts)
		}
		if err != nil {
			return err
		}
		if a.quiet && !a.json {
			return nil
		}
		return a.print(copyView(report), func(w io.Writer) {
			fmt.Fprintf(w, "copied %s of %s, %s new; %s there already\n", count(report.Versions, "version"),
				count(report.Keys, "key"), size(report.NewBytes), wereThere(report.Present))
			if report.Skipped > 0 {
				fmt.Fprintf(w, "DST keeps only the newest version of each key: %s not copied\n", older(report.Skipped))
			}
		})
	}
	return cmd
}

func wereThere(n int64) string {
	if n == 1 {
		return "1 was"
	}
	return humanize.Comma(n) + " were"
}

func older(n int64) string {
	if n == 1 {
		return "1 older one was"
	}
	return humanize.Comma(n) + " older ones were"
}

func (a *app) checkCopy(opts idxdb.CopyOptions, renamed bool) error {
	if a.store != "" {
		return fmt.Errorf("%w: copy takes its stores as arguments, not from -s", idxdb.ErrUsage)
	}
	if renamed {
		if len(opts.Keys) != 1 {
			return fmt.Errorf("%w: --as is for one KEY", idxdb.ErrUsage)
		}
		if err := checkKeys(opts.As); err != nil {
			return err
		}
	}
	return checkKeys(opts.Keys...)
}

func (a *app) copyBetween(ctx context.Context, src, dst string, opts idxdb.CopyOptions) (report idxdb.CopyReport, err error) {
	m := a.startMeter("copy", false)
	defer m.stop()
	n := int64(0)
	opts.Progress = func(key string, version int64) {
		n++
		m.stage(fmt.Sprintf("copy %s, version %d", key, version), n, 0)
	}
	err = a.withStoreAt(ctx, src, toRead, func(from idxdb.Store) error {
		for _, key := range opts.Keys { // a misspelt one makes no store
			if _, err := history(ctx, from, key, 1); err != nil {
				return fmt.Errorf("copy from SRC: %w", err)
			}
		}
		return a.withStoreAt(ctx, dst, toCreate, func(to idxdb.Store) error {
			report, err = idxdb.Copy(ctx, to, from, opts)
			return err
		})
	})
	return report, err
}

// copyWithin copies a key of a store to another name in it.
func (a *app) copyWithin(ctx context.Context, name string, opts idxdb.CopyOptions) (report idxdb.CopyReport, err error) {
	if opts.As == "" || opts.As == opts.Keys[0] {
		return report, fmt.Errorf("%w: SRC and DST are one store: give the copy of one KEY another name with --as", idxdb.ErrUsage)
	}
	err = a.withStoreAt(ctx, name, toChange, func(s idxdb.Store) error {
		if c, ok := idxdb.As[idxdb.Cloner](s); ok {
			n, err := c.Clone(ctx, opts.Keys[0], opts.As, opts.AllVersions)
			// A key that is there already can only be written over version by version.
			if !opts.Force || !errors.Is(err, idxdb.ErrConflict) {
				report.Keys, report.Versions = 1, int64(n)
				return err
			}
		}
		report, err = idxdb.Copy(ctx, s, s, opts)
		return err
	})
	return report, err
}
