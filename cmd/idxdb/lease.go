package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
	"github.com/spf13/cobra"
)

// waitForever is what --wait without a duration means.
const waitForever = "forever"

type leaseFlags struct {
	ttl  time.Duration
	wait string
}

func (f *leaseFlags) options() (idxdb.LeaseOptions, error) {
	opts := idxdb.LeaseOptions{TTL: f.ttl}
	if f.ttl <= 0 {
		return opts, fmt.Errorf("%w: --ttl %s: it must be above 0", idxdb.ErrUsage, f.ttl)
	}
	switch f.wait {
	case "":
	case waitForever:
		opts.Wait = -1
	default:
		wait, err := time.ParseDuration(f.wait)
		if err != nil || wait <= 0 {
			return opts, fmt.Errorf("%w: --wait=%s: it is not a duration such as 30m", idxdb.ErrUsage, f.wait)
		}
		opts.Wait = wait
	}
	return opts, nil
}

func (a *app) leaseCommand() *cobra.Command {
	var f leaseFlags
	cmd := &cobra.Command{
		Use:   "lease KEY [--ttl TTL] [--wait] -- COMMAND [ARG]...",
		Short: "Run a command that saves a key, unless somebody does so already",
		Long: `Run COMMAND only if nobody else has the lease on KEY, so that a team computes
an index once. While COMMAND runs, nobody else can save or delete KEY, except
with --ignore-lease. COMMAND finds its lease in $IDXDB_LEASE and the store in
$IDXDB_STORE; idxdb save uses both by itself. Signals are passed on to COMMAND,
and its exit code is that of idxdb.

If somebody else has the lease, exit with code 5 and say who, since when. With
--wait, wait instead: if a new version came out of it, report that version and
do not run COMMAND; else take the lease and run it.

If the holder dies, others can take the lease at once. If it is stopped or cut
off, they can after TTL; its COMMAND, should it go on later, is sent SIGTERM,
and what it saves with the old lease is refused with exit code 4.`,
		Example: `  idxdb lease owner/repo@main -- make index
  idxdb lease owner/repo@main --ttl 2m --wait=30m -- ./build-and-save.sh`,
		ValidArgsFunction:     a.completeKeys(1),
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().DurationVar(&f.ttl, "ttl", idxdb.DefaultLeaseTTL, "lost `TIME` after the last renewal")
	cmd.Flags().StringVar(&f.wait, "wait", "", "wait, at most this `TIME`, for the holder")
	cmd.Flags().Lookup("wait").NoOptDefVal = waitForever
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if cmd.ArgsLenAtDash() != 1 || len(args) < 2 {
			return fmt.Errorf("%w: one key, then --, then a command: %s", idxdb.ErrUsage, cmd.UseLine())
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkKeys(args[0]); err != nil {
			return err
		}
		opts, err := f.options()
		if err != nil {
			return err
		}
		return a.runLease(cmd.Context(), args[0], opts, args[1:])
	}
	return cmd
}

func (a *app) runLease(ctx context.Context, key string, opts idxdb.LeaseOptions, command []string) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		return &commandError{code: exitNoCommand, err: fmt.Errorf("lease %q: %w", key, err)}
	}
	name, _, err := a.storeName(nil)
	if err != nil {
		return err
	}
	return a.withStore(ctx, nil, toCreate, func(s idxdb.Store) error {
		leaser, err := capability[idxdb.Leaser](s, "lease")
		if err != nil {
			return err
		}
		lease, version, err := a.takeLease(ctx, s, leaser, key, opts)
		if err != nil {
			return err
		}
		if version != nil {
			return a.print(viewVersion(*version), func(w io.Writer) {
				fmt.Fprintln(w, printable(fmt.Sprintf("%s has a new version: %d, id %s, saved by %s", key, version.Number, version.ID, version.SavedBy)))
			})
		}
		if name, err = stores.Absolute(name); err == nil {
			err = a.runHolding(lease, name, program, command)
		}
		// Whatever ended the command, the lease is given back.
		if rerr := lease.Release(context.WithoutCancel(ctx)); rerr != nil {
			if errors.Is(rerr, idxdb.ErrConflict) {
				return rerr
			}
			a.warn(rerr.Error())
		}
		return err
	})
}

// takeLease returns the lease, or the version that somebody else's lease led to.
func (a *app) takeLease(ctx context.Context, s idxdb.Store, leaser idxdb.Leaser, key string, opts idxdb.LeaseOptions) (idxdb.Lease, *idxdb.Version, error) {
	before, err := newest(ctx, s, key)
	if err != nil {
		return nil, nil, err
	}
	now := opts
	now.Wait = 0
	lease, err := leaser.Lease(ctx, key, now)
	var held *idxdb.LeaseHeldError
	if !errors.As(err, &held) || opts.Wait == 0 {
		return lease, nil, err
	}
	a.waiting(held.Lease.Holder)
	for {
		opts.If = idxdb.IfVersion(0)
		if before != nil {
			opts.If = idxdb.IfMatch(before.ID)
		}
		lease, err = leaser.Lease(ctx, key, opts)
		var conflict *idxdb.ConflictError
		if !errors.As(err, &conflict) {
			return lease, nil, err
		}
		if conflict.Current != nil {
			return nil, conflict.Current, nil
		}
		before = nil // it was deleted meanwhile, so there is work to do
	}
}

// newest returns the newest version of key, nil if it does not exist.
func newest(ctx context.Context, s idxdb.Store, key string) (*idxdb.Version, error) {
	doc, err := s.Load(ctx, key, idxdb.LoadOptions{})
	if errors.Is(err, idxdb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &doc.Version, doc.Body.Close()
}
