package main

import (
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

// between checks the number of a command's arguments.
func between(lo, hi int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < lo:
			return fmt.Errorf("%w: an argument is missing: %s", idxdb.ErrUsage, cmd.UseLine())
		case len(args) > hi:
			return fmt.Errorf("%w: %q is one argument too many: %s", idxdb.ErrUsage, args[hi], cmd.UseLine())
		}
		return nil
	}
}

// noLimit is more arguments than there can be.
const noLimit = 1<<31 - 1

// storeArg is the arguments of commands on a store as a whole.
var storeArg = between(0, 1)

// checkKeys refuses wrong keys before anything is opened or made.
func checkKeys(keys ...string) error {
	for _, key := range keys {
		if err := idxdb.CheckKey(key); err != nil {
			return err
		}
	}
	return nil
}

// conditionFlags are --if-version and --if-match.
type conditionFlags struct {
	cmd     *cobra.Command
	version int64
	match   string
}

func addConditionFlags(cmd *cobra.Command, verb string) *conditionFlags {
	c := &conditionFlags{cmd: cmd}
	cmd.Flags().Int64Var(&c.version, "if-version", 0, verb+" if the newest version is `N` (0: none)")
	cmd.Flags().StringVar(&c.match, "if-match", "", verb+" if the newest version has this `ID`")
	return c
}

func (c *conditionFlags) condition() (idxdb.Condition, error) {
	var cond idxdb.Condition
	if c.cmd.Flags().Changed("if-version") {
		if c.version < 0 {
			return cond, fmt.Errorf("%w: --if-version %d: versions count from 1", idxdb.ErrUsage, c.version)
		}
		cond = idxdb.IfVersion(c.version)
	}
	if c.cmd.Flags().Changed("if-match") {
		id, err := parseID("--if-match", c.match)
		if err != nil {
			return cond, err
		}
		cond = cond.And(idxdb.IfMatch(id))
	}
	return cond, nil
}

func parseID(flag, s string) (idxdb.ID, error) {
	id, err := idxdb.ParseID(s)
	if err != nil {
		return id, fmt.Errorf("%w: %s: %w", idxdb.ErrUsage, flag, err)
	}
	return id, nil
}
