package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
	"github.com/spf13/cobra"
)

// changeView is a change as JSON.
type changeView struct {
	Key    string       `json:"key"`
	Newest *versionView `json:"newest"` // null: the key was deleted
}

func viewChange(c idxdb.Change) changeView {
	view := changeView{Key: c.Key}
	if c.Version != nil {
		v := viewVersion(*c.Version)
		view.Newest = &v
	}
	return view
}

func (a *app) watchCommand() *cobra.Command {
	var command string
	cmd := &cobra.Command{
		Use:   "watch [KEY]",
		Short: "Tell of new versions as they come",
		Long: `Print a line whenever KEY, or any key, has a new newest version or is deleted,
until the program is interrupted (exit code 130). Changes that follow each other
quickly may be told as one, the last.

With --exec, run a command each time, by sh -c, one after the other. It finds
the key in $IDXDB_KEY, the number of the version in $IDXDB_VERSION (empty if the
key was deleted) and the store in $IDXDB_STORE.`,
		Example: `  idxdb watch
  idxdb watch owner/repo@main --exec 'kill -HUP $(cat server.pid)'`,
		Args:              between(0, 1),
		ValidArgsFunction: a.completeKeys(1),
	}
	cmd.Flags().StringVar(&command, "exec", "", "run this `COMMAND` for each change")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		key := ""
		if len(args) == 1 {
			key = args[0]
			if err := checkKeys(key); err != nil {
				return err
			}
		}
		return a.watch(cmd.Context(), key, command)
	}
	return cmd
}

func (a *app) watch(ctx context.Context, key, command string) error {
	name, _, err := a.storeName(nil)
	if err != nil {
		return err
	}
	return a.withStore(ctx, nil, toRead, func(s idxdb.Store) error {
		w, err := capability[idxdb.Watcher](s, "watch")
		if err != nil {
			return err
		}
		url, err := stores.Absolute(name)
		if err != nil {
			return err
		}
		for change, err := range w.Watch(ctx, key) {
			if err != nil {
				return err
			}
			if err := a.printChange(change); err != nil {
				return err
			}
			if command == "" {
				continue
			}
			if err := a.onChange(ctx, command, url, change); err != nil {
				a.warn(fmt.Sprintf("--exec: %v", err))
			}
		}
		return nil
	})
}

func (a *app) printChange(c idxdb.Change) error {
	if a.quiet && !a.json {
		return nil
	}
	return a.print(viewChange(c), func(w io.Writer) {
		what := "deleted"
		if v := c.Version; v != nil {
			what = fmt.Sprintf("version %d, id %s, saved by %s", v.Number, v.ID, who(v.SavedBy))
		}
		fmt.Fprintf(w, "%s  %s\n", time.Now().Format("15:04:05"), printable(c.Key+"  "+what))
	})
}

// onChange runs the command for a change and waits for it. It ends the command
// if ctx ends.
func (a *app) onChange(ctx context.Context, command, store string, c idxdb.Change) error {
	number := ""
	if c.Version != nil {
		number = strconv.FormatInt(c.Version.Number, 10)
	}
	resetSIGPIPE()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd", "/c", command)
	}
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.Stdout, cmd.Stderr = raw(a.stdout), a.stderr
	cmd.Env = append(os.Environ(), "IDXDB_KEY="+c.Key, "IDXDB_VERSION="+number, stores.EnvStore+"="+store)
	return cmd.Run()
}
