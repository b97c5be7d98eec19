package main

import (
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
	"github.com/spf13/cobra"
)

// envLease is the environment variable by which `idxdb lease` hands its lease to
// the saves of the command that it runs.
const envLease = "IDXDB_LEASE"

// leaseFlag is --ignore-lease.
type leaseFlag struct{ ignore bool }

func addLeaseFlag(cmd *cobra.Command, verb string) *leaseFlag {
	f := &leaseFlag{}
	cmd.Flags().BoolVar(&f.ignore, "ignore-lease", false, verb+" although somebody leased the key")
	return f
}

// lease returns what a change of key in s says about leases: $IDXDB_LEASE is used
// where it is on this key and in the store that $IDXDB_STORE names.
func (a *app) lease(s idxdb.Store, key string, f *leaseFlag) (token idxdb.LeaseToken, ignore bool, err error) {
	text := a.getenv(envLease)
	if f.ignore || text == "" {
		return token, f.ignore, nil
	}
	if token, err = idxdb.ParseLeaseToken(text); err != nil {
		return token, false, fmt.Errorf("$%s: %w", envLease, err)
	}
	if _, ok := idxdb.As[idxdb.Leaser](s); !ok || token.Key != key {
		return idxdb.LeaseToken{}, false, nil
	}
	if there := a.getenv(stores.EnvStore); a.store != "" && there != "" {
		if same, err := stores.Same(a.store, there); err != nil || !same {
			return idxdb.LeaseToken{}, false, err
		}
	}
	return token, false, nil
}
