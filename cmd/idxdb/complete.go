package main

import (
	"fmt"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

// completeKeys completes the first n arguments of a command with the keys of
// the store; what comes after them are files.
func (a *app) completeKeys(n int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var keys []string
		err := a.withStore(cmd.Context(), nil, toRead, func(s idxdb.Store) error {
			versions, err := collect(s.List(cmd.Context(), idxdb.ListOptions{Prefix: prefix, NamesOnly: true}))
			for _, v := range versions {
				keys = append(keys, v.Key)
			}
			return err
		})
		if err != nil {
			cobra.CompDebugln(fmt.Sprintf("keys: %v", err), false)
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return keys, cobra.ShellCompDirectiveNoFileComp
	}
}

// must is for what fails only where the program is wrong in itself.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
