package main

import (
	"fmt"
	"strings"

	"github.com/idxdb/idxdb/internal/stores"
	"github.com/spf13/cobra"
)

// storesTopic is `idxdb help stores`: the kinds of store, and what their URLs may
// say.
func storesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "stores",
		Short: "What names a store: paths, URLs and their parameters",
		Long:  storesHelp(),
	}
}

func storesHelp() string {
	var b strings.Builder
	b.WriteString(`A store is named by a path or by a URL, SCHEME:LOCATION?PARAMETER=VALUE&….

A path is what is there: a file, or a directory. Where nothing is, it will be a
file if it ends in .idx, .sqlite, .sqlite3 or .db, and a directory if it has no
suffix or ends in a slash. In a URL, % is written %25, and ? is written %3F.

Whoever waits for somebody else's lock gives up after 30 seconds, with exit code
5, unless the parameter timeout says otherwise.
`)
	for _, s := range stores.Schemes() {
		fmt.Fprintf(&b, "\n%s:\n", s.Name)
		writeWrapped(&b, "  ", s.Summary)
		for _, p := range s.Params {
			fmt.Fprintf(&b, "  %s=\n", p.Name)
			writeWrapped(&b, "      ", p.Doc)
		}
	}
	b.WriteString(`
file: without a directory is where context-connectors keeps its stores:
$CONTEXT_CONNECTORS_STORE_PATH, else ~/.augment/context-connectors. The key "."
of a directory is DIR/state.json itself; every other key has a folder below
DIR/indexes.`)
	return b.String()
}

// lineWidth is how long a line of help may be, in characters.
const lineWidth = 78

// writeWrapped writes text in lines that begin with indent.
func writeWrapped(b *strings.Builder, indent, text string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > lineWidth && line != indent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
