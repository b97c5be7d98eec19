package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
)

var (
	toRead   = idxdb.OpenOptions{ReadOnly: true}
	toChange = idxdb.OpenOptions{}
	toCreate = idxdb.OpenOptions{Create: true}
)

// storeName returns the store that the user means, and whether it is the
// default one. Args are what the command was given in its place for a store, if
// it has one.
func (a *app) storeName(args []string) (name string, isDefault bool, err error) {
	if a.storeSet && a.store == "" {
		return "", false, fmt.Errorf("%w: -s is empty; is a variable not set?", idxdb.ErrUsage)
	}
	if len(args) > 0 && a.store != "" {
		return "", false, fmt.Errorf("%w: the store is named twice, by -s and by an argument", idxdb.ErrUsage)
	}
	if len(args) > 0 {
		return args[0], false, nil
	}
	if a.store != "" {
		return a.store, false, nil
	}
	if name := a.getenv(stores.EnvStore); name != "" {
		return name, false, nil
	}
	name, err = stores.DefaultPath(a.getenv)
	return name, true, err
}

// withStore opens the store that the user means, calls use and closes it.
func (a *app) withStore(ctx context.Context, args []string, opts idxdb.OpenOptions, use func(idxdb.Store) error) error {
	name, isDefault, err := a.storeName(args)
	if err != nil {
		return err
	}
	if isDefault && opts.Create {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("make the folder of the default store: %w", err)
		}
	}
	return a.withStoreAt(ctx, name, opts, use)
}

func (a *app) withStoreAt(ctx context.Context, name string, opts idxdb.OpenOptions, use func(idxdb.Store) error) (err error) {
	if a.onTerminal() {
		opts.OnWait = a.waiting
	}
	s, err := stores.OpenWarn(ctx, name, opts, a.warn)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := s.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("close %s: %w", idxdb.Redact(name), cerr)
		}
	}()
	return use(s)
}

// capability returns what s can do beyond the four verbs. What is the verb, for
// the error if it cannot.
func capability[T any](s idxdb.Store, what string) (T, error) {
	c, ok := idxdb.As[T](s)
	if !ok {
		return c, fmt.Errorf("%s: %w by this kind of store", what, idxdb.ErrUnsupported)
	}
	return c, nil
}
