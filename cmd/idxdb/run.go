package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is one run of the program.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string

	store    string // of -s; "" if not given
	storeSet bool   // -s was given
	json     bool
	quiet    bool
	version  bool // --version was given in place of a command

	started bool     // a command has begun: its flags and arguments are in order
	undone  string   // what is to be said if the command is interrupted now
	deleted []string // keys that are gone, whatever comes of the rest
}

// run runs the command that args name, and returns the exit code. Args does not
// include the program's name.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: &output{w: stdout}, stderr: stderr, getenv: getenv}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.stdout)
	root.SetErr(stderr)
	cmd := root
	err := protect(func() (err error) {
		cmd, err = root.ExecuteContextC(ctx)
		return err
	})
	if err != nil && !a.started && !isInternal(err) {
		err = usage(err)
	}
	return a.report(ctx, cmd.CommandPath(), err, a.json || wantsJSON(args))
}

// internalError is a panic, caught.
type internalError struct{ value any }

func (e *internalError) Error() string {
	return fmt.Sprintf("internal error: %v; this is a bug in idxdb", e.value)
}

// protect calls f and turns a panic into an error.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &internalError{v}
		}
	}()
	return f()
}

// wantsJSON reports whether args ask for JSON, also where the parser stopped at
// a mistake before it came to the flag.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

const (
	statesGroup = "states"
	storeGroup  = "store"
	otherGroup  = "other"
)

func (a *app) rootCommand() *cobra.Command {
	cobra.EnableCommandSorting = false // they come in the order of a day's work
	root := &cobra.Command{
		Use:   "idxdb",
		Short: "Keep index states, with every version, in one file that many share",
		Long: `Idxdb keeps index states, the JSON that indexers write, in a store:
one file with every version of every key, or a directory.

The store is what -s names, else $IDXDB_STORE, else index.idx in the user's
data directory. It is a path or a URL: sqlite:team.idx, file:DIR. A path that
does not exist yet is a file if it ends in .idx, .sqlite, .sqlite3 or .db, and
a directory if it has no suffix or ends in a slash. Parameters follow a URL:
sqlite:team.idx?timeout=5s. Whoever waits for a lock gives up after 30 seconds,
unless timeout= says otherwise. See idxdb help stores.

` + exitCodeHelp(),
		Example: `  idxdb -s team.idx save owner/repo@main state.json -m "first"
  idxdb -s team.idx load owner/repo@main > state.json
  idxdb -s team.idx list`,
		Args:          cobra.ArbitraryArgs, // an unknown command is an argument of this one
		RunE:          a.runRoot,
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,

		DisableFlagsInUseLine: true,
	}
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		a.started = true
		a.storeSet = cmd.Flags().Changed("store")
	}
	root.SetFlagErrorFunc(flagError)
	root.Flags().BoolVar(&a.version, "version", false, "show the version, as idxdb version does")
	flags := root.PersistentFlags()
	flags.StringVarP(&a.store, "store", "s", "", "the `STORE`: a path or a URL")
	flags.BoolVar(&a.json, "json", false, "print JSON; errors too, on stderr")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print no progress and no confirmations")
	root.AddGroup(
		&cobra.Group{ID: statesGroup, Title: "States:"},
		&cobra.Group{ID: storeGroup, Title: "The store:"},
		&cobra.Group{ID: otherGroup, Title: "Other:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(statesGroup, a.saveCommand(), a.loadCommand(), a.listCommand(), a.deleteCommand(),
		a.logCommand(), a.mvCommand(), a.copyCommand(), a.leaseCommand(), a.watchCommand())
	add(storeGroup, a.initCommand(), a.inspectCommand(), a.locksCommand(), a.verifyCommand(), a.vacuumCommand(), a.upgradeCommand())
	add(otherGroup, a.versionCommand())
	root.AddCommand(storesTopic())
	help := helpCommand(root)
	help.GroupID = otherGroup
	root.SetHelpCommand(help)
	root.SetHelpCommandGroupID(otherGroup)
	root.SetCompletionCommandGroupID(otherGroup)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(*cobra.Command, []string) error {
				return fmt.Errorf("%w: name a shell: bash, zsh, fish or powershell", idxdb.ErrUsage)
			}
		}
	}
	return root
}

func (a *app) runRoot(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	if a.version {
		return a.printVersion()
	}
	if !a.json {
		cmd.SetOut(a.stderr)
		if err := cmd.Help(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: a command is missing", idxdb.ErrUsage)
}

// flagError adds what helps whoever has a key that looks like a flag.
func flagError(cmd *cobra.Command, err error) error {
	_, unknown := errors.AsType[*pflag.NotExistError](err)
	if unknown && (strings.Contains(cmd.Use, "KEY") || strings.Contains(cmd.Use, "OLD")) {
		return fmt.Errorf("%w (put -- before a key that begins with -)", err)
	}
	return err
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = min(len(name)/3, 2) // of letters, between it and what was meant
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("%w: there is no command %q (is it %s?)", idxdb.ErrUsage, name, near[0])
	}
	return fmt.Errorf("%w: there is no command %q", idxdb.ErrUsage, name)
}

// helpCommand is cobra's, but a command that does not exist is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help on a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}
