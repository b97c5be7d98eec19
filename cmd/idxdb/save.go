package main

import (
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

// savedView is the result of a save as JSON.
type savedView struct {
	versionView
	Unchanged bool  `json:"unchanged"`
	NewBytes  int64 `json:"newBytes"`
}

func viewSaved(s idxdb.Saved) savedView {
	return savedView{viewVersion(s.Version), s.Unchanged, s.NewBytes}
}

func describeSaved(s idxdb.Saved) string {
	if s.Unchanged {
		return fmt.Sprintf("%s is unchanged: version %d, id %s", s.Version.Key, s.Version.Number, s.Version.ID)
	}
	return fmt.Sprintf("saved %s: version %d, id %s, %s new",
		s.Version.Key, s.Version.Number, s.Version.ID, size(s.NewBytes))
}

// saveFlags are the flags of a save of one key.
type saveFlags struct {
	search  string
	message string
	id      string
	cond    *conditionFlags
	lease   *leaseFlag
}

func (f *saveFlags) options() (opts idxdb.SaveOptions, err error) {
	if opts.If, err = f.cond.condition(); err != nil {
		return opts, err
	}
	if f.cond.cmd.Flags().Changed("save-id") {
		if opts.ID, err = parseID("--save-id", f.id); err != nil {
			return opts, err
		}
	}
	opts.Message = f.message
	return opts, nil
}

func (a *app) saveCommand() *cobra.Command {
	var f saveFlags
	var batch string
	cmd := &cobra.Command{
		Use:   "save KEY [FILE|-]",
		Short: "Save a state as the next version of a key",
		Long: `Save the JSON in FILE, or on stdin, as the next version of KEY. A store that
does not exist is made.

If the newest version holds the same bytes already, nothing is written and
that version is given back. With --if-version or --if-match, the save fails
with exit code 4 if somebody else has saved in between.

With --batch, save many keys in one step, all or none, as a list says: a line
of JSON for each, {"key": …, "state": FILE}, and optionally "search": FILE,
"message", "ifVersion", "ifMatch", "saveId". FILEs are relative to the list.`,
		Example: `  idxdb save owner/repo@main state.json --search search.json -m "nightly"
  indexer | idxdb save owner/repo@main
  idxdb save owner/repo@main state.json --if-version 41
  idxdb save --batch keys.jsonl`,
		Args:              between(0, 2),
		ValidArgsFunction: a.completeKeys(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.search, "search", "", "the search document is in `FILE` (-: stdin)")
	flags.StringVarP(&f.message, "message", "m", "", "a `LINE` for those who read the log")
	flags.StringVar(&f.id, "save-id", "", "the save's `ID`, 32 hex digits, to repeat it")
	flags.StringVar(&batch, "batch", "", "save what this `LIST` (-: stdin) says")
	f.cond = addConditionFlags(cmd, "save")
	f.lease = addLeaseFlag(cmd, "save")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.collectLess()
		if !flags.Changed("batch") {
			if err := between(1, 2)(cmd, args); err != nil {
				return err
			}
			return a.save(cmd, args, &f)
		}
		for _, name := range []string{"search", "message", "save-id", "if-version", "if-match"} {
			if flags.Changed(name) {
				return fmt.Errorf("%w: --%s belongs in the list of the batch", idxdb.ErrUsage, name)
			}
		}
		if err := between(0, 0)(cmd, args); err != nil {
			return err
		}
		return a.saveBatch(cmd.Context(), batch, f.lease)
	}
	return cmd
}

const nothingSaved = "nothing was saved"

// partSize is how much of a document a store reads, at least, before it stores a
// part of it.
const partSize = 8 << 20

// noteSaved notes what is to be said of a save that ended with err, if an
// interruption was the cause.
func (a *app) noteSaved(s idxdb.Store, m *meter, err error) {
	_, keepsParts := idxdb.As[idxdb.Historian](s)
	switch {
	case err == nil:
		a.undone = ""
	case keepsParts && m.count() >= partSize:
		a.undone = nothingSaved + "; idxdb vacuum gives back the space that parts of it may take"
	}
}

func (a *app) save(cmd *cobra.Command, args []string, f *saveFlags) error {
	ctx, key := cmd.Context(), args[0]
	if err := checkKeys(key); err != nil {
		return err
	}
	opts, err := f.options()
	if err != nil {
		return err
	}
	fromStdin := len(args) < 2 || args[1] == "-"
	if fromStdin && f.search == "-" {
		return fmt.Errorf("%w: stdin cannot be both documents", idxdb.ErrUsage)
	}
	a.undone = nothingSaved
	m := a.startMeter("save "+key, true)
	defer m.stop()

	// The documents are opened first: a misspelt FILE makes no store.
	open := func(name string, asked bool) (*input, error) {
		if name == "-" {
			return a.stdinInput(ctx, asked, m)
		}
		return openInput(ctx, name, m)
	}
	name := "-"
	if len(args) == 2 {
		name = args[1]
	}
	state, err := open(name, len(args) == 2)
	if err != nil {
		return fmt.Errorf("save %q: %w", key, err)
	}
	defer state.Close()
	docs := idxdb.Documents{State: state.Reader}
	if cmd.Flags().Changed("search") {
		search, err := open(f.search, true)
		if err != nil {
			return fmt.Errorf("save %q: %w", key, err)
		}
		defer search.Close()
		docs.Search = search.Reader
	}
	var saved idxdb.Saved
	err = a.withStore(ctx, nil, toCreate, func(s idxdb.Store) error {
		if opts.Lease, opts.IgnoreLease, err = a.lease(s, key, f.lease); err != nil {
			return err
		}
		saved, err = s.Save(ctx, key, docs, opts)
		a.noteSaved(s, m, err)
		return err
	})
	m.stop()
	if err != nil {
		return err
	}
	return a.confirm(viewSaved(saved), "%s", describeSaved(saved))
}
