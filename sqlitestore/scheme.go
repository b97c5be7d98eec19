package sqlitestore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/idxdb/idxdb"
)

// Scheme returns how a mux opens this kind of store: "sqlite:PATH".
func Scheme() idxdb.Scheme { return SchemeWarn(nil) }

// SchemeWarn is Scheme with Options.Warn set to warn.
func SchemeWarn(warn func(text string)) idxdb.Scheme {
	return idxdb.Scheme{
		Name:    "sqlite",
		Summary: "one SQLite file with history, shared by the processes of one machine (sqlite:team.idx)",
		Params: []idxdb.Param{
			{Name: "timeout", Doc: "longest wait for the turn to write, for example 5s; default 30s"},
			{Name: "readers", Doc: "connections for reading, at most; default 4"},
			{Name: "readonly", Doc: "true: refuse every change"},
			{Name: "corruptible-on-network", Doc: "true: open the file on a network filesystem although that can corrupt it"},
		},
		Open: func(ctx context.Context, loc idxdb.Location, o idxdb.OpenOptions) (idxdb.Store, error) {
			opts, err := parseOptions(loc, o)
			if err != nil {
				return nil, err
			}
			opts.Warn = warn
			return openStore(ctx, loc.Path, opts)
		},
	}
}

// openStore keeps a nil *Store from becoming a Store that is not nil.
func openStore(ctx context.Context, path string, opts Options) (idxdb.Store, error) {
	s, err := Open(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func parseOptions(loc idxdb.Location, o idxdb.OpenOptions) (opts Options, err error) {
	opts = Options{ReadOnly: o.ReadOnly, Create: o.Create, OnWait: o.OnWait}
	if loc.Host != "" {
		return opts, fmt.Errorf("%w: sqlite:PATH has one slash less: sqlite:%s%s", idxdb.ErrUsage, loc.Host, loc.Path)
	}
	if loc.Path == "" {
		return opts, fmt.Errorf("%w: sqlite: needs a path, as in sqlite:team.idx", idxdb.ErrUsage)
	}
	for name, values := range loc.Params {
		value := values[0]
		switch name {
		case "timeout":
			opts.Timeout, err = time.ParseDuration(value)
			if err == nil && opts.Timeout <= 0 {
				err = fmt.Errorf("it must be above 0")
			}
		case "readers":
			opts.Readers, err = strconv.Atoi(value)
			if err == nil && (opts.Readers < 1 || opts.Readers > 64) {
				err = fmt.Errorf("it must be from 1 to 64")
			}
		case "readonly":
			var on bool
			on, err = strconv.ParseBool(value)
			opts.ReadOnly = opts.ReadOnly || on
		case "corruptible-on-network":
			opts.CorruptibleOnNetwork, err = strconv.ParseBool(value)
		}
		if err != nil {
			return opts, fmt.Errorf("%w: parameter %s=%q: %w", idxdb.ErrUsage, name, value, err)
		}
	}
	return opts, nil
}
