package fsstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/idxdb/idxdb"
)

// Scheme returns the URL scheme "file": file:DIR?timeout=5s. Without a path it
// is [DefaultDir]. warn becomes Options.Warn.
func Scheme() idxdb.Scheme { return SchemeWarn(nil) }

// SchemeWarn is Scheme with Options.Warn set to warn.
func SchemeWarn(warn func(text string)) idxdb.Scheme {
	return idxdb.Scheme{
		Name:    "file",
		Summary: "a directory of plain files, as context-connectors has it; keeps the newest version of each key",
		Params: []idxdb.Param{
			{Name: "timeout", Doc: "longest wait for other writers, for example 5s; 0 waits without limit; default 30s"},
			{Name: "readonly", Doc: "true: refuse every change"},
		},
		Open: func(ctx context.Context, loc idxdb.Location, open idxdb.OpenOptions) (idxdb.Store, error) {
			opts := Options{ReadOnly: open.ReadOnly, Create: open.Create, OnWait: open.OnWait, Warn: warn}
			dir, err := location(loc, &opts)
			if err != nil {
				return nil, err
			}
			s, err := Open(ctx, dir, opts)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
	}
}

func location(loc idxdb.Location, opts *Options) (dir string, err error) {
	if t := loc.Params.Get("timeout"); t != "" {
		if opts.Timeout, err = time.ParseDuration(t); err != nil || opts.Timeout < 0 {
			return "", fmt.Errorf("%w: timeout=%s is not a duration such as 5s", idxdb.ErrUsage, t)
		}
		if opts.Timeout == 0 {
			opts.Timeout = -1
		}
	}
	if r := loc.Params.Get("readonly"); r != "" {
		readOnly, err := strconv.ParseBool(r)
		if err != nil {
			return "", fmt.Errorf("%w: readonly=%s is neither true nor false", idxdb.ErrUsage, r)
		}
		opts.ReadOnly = opts.ReadOnly || readOnly
	}
	if loc.Host != "" && loc.Host != "localhost" {
		return "", fmt.Errorf("%w: file: is for this machine, not for %q (three slashes begin an absolute path)", idxdb.ErrUsage, loc.Host)
	}
	switch {
	case loc.Path == "":
		return DefaultDir(), nil
	case os.PathSeparator != '/':
		return filepath.FromSlash(loc.Path), nil
	}
	return loc.Path, nil
}
