package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

// copyBuffer is how much of a document a load holds at a time, in bytes.
const copyBuffer = 256 << 10

func (a *app) loadCommand() *cobra.Command {
	var opts idxdb.LoadOptions
	var doc, out string
	cmd := &cobra.Command{
		Use:   "load KEY",
		Short: "Load a document of a key",
		Long: `Write a document of KEY to stdout, byte for byte as it was saved, or with -o to
a file, which is replaced only once the whole document is there. With -o and
--json, the version it belongs to is printed. A load that was killed may leave
a hidden .idxdb-FILE-….tmp beside FILE; the next one to FILE removes it.`,
		Example: `  idxdb load owner/repo@main -o state.json
  idxdb load owner/repo@main --doc search | jq .
  idxdb load owner/repo@main --version 41 -o old.json`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeKeys(1),
	}
	flags := cmd.Flags()
	flags.Int64Var(&opts.Version, "version", 0, "load version number `N`, not the newest")
	flags.StringVar(&doc, "doc", string(idxdb.StateDoc), "load `DOC`: state or search")
	flags.StringVarP(&out, "output", "o", "-", "write to this `FILE` (-: stdout)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.collectLess()
		key := args[0]
		if err := checkKeys(key); err != nil {
			return err
		}
		if flags.Changed("version") && opts.Version < 1 {
			return fmt.Errorf("%w: --version %d: versions count from 1", idxdb.ErrUsage, opts.Version)
		}
		opts.Doc = idxdb.Doc(doc)
		if opts.Doc != idxdb.StateDoc && opts.Doc != idxdb.SearchDoc {
			return fmt.Errorf("%w: --doc %q: there are state and search", idxdb.ErrUsage, doc)
		}
		if out == "" {
			return fmt.Errorf("%w: the name of the output is empty", idxdb.ErrUsage)
		}
		return a.withStore(cmd.Context(), nil, toRead, func(s idxdb.Store) error {
			return a.load(cmd.Context(), s, key, opts, out)
		})
	}
	must(cmd.RegisterFlagCompletionFunc("doc",
		cobra.FixedCompletions([]string{"state", "search"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (a *app) load(ctx context.Context, s idxdb.Store, key string, opts idxdb.LoadOptions, out string) error {
	doc, err := s.Load(ctx, key, opts)
	if err != nil {
		return err
	}
	defer doc.Body.Close()
	m := a.startMeter("load "+key, true)
	defer m.stop()
	m.addTotal(doc.Size)
	if out == "-" {
		return copyDocument(ctx, &pipeWriter{ctx, a.stdout}, doc, m)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().IsRegular() { // as writeFile has it
		a.undone = out + " was not changed"
	}
	err = writeFile(ctx, out, func(w io.Writer) error { return copyDocument(ctx, w, doc, m) })
	if err != nil {
		return err
	}
	a.undone = ""
	m.stop()
	return a.confirm(viewVersion(doc.Version), "wrote %s: version %d of %s, %s", out, doc.Version.Number, key, size(doc.Size))
}

// copyDocument copies doc to w. It tells errors of reading from those of writing.
func copyDocument(ctx context.Context, w io.Writer, doc *idxdb.Document, m *meter) error {
	buf := make([]byte, copyBuffer)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := doc.Body.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
			}
			m.add(int64(n))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load %q: %w", doc.Version.Key, err)
		}
	}
}
