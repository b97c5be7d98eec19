package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/dustin/go-humanize"
	"github.com/idxdb/idxdb"
	"github.com/spf13/cobra"
)

// inspectView is an Inspection as JSON: with the keys, and null for a time that
// is not known.
type inspectView struct {
	idxdb.Inspection
	CreatedAt  *timeView        `json:"createdAt"`
	KeyDetails []keyDetailsView `json:"keyDetails"`
}

type keyDetailsView struct {
	idxdb.KeyDetails
	Newest versionView `json:"newest"`
}

func viewInspection(in idxdb.Inspection) inspectView {
	view := inspectView{in, viewTime(in.CreatedAt), make([]keyDetailsView, len(in.KeyDetails))}
	for i, k := range in.KeyDetails {
		view.KeyDetails[i] = keyDetailsView{k, viewVersion(k.Newest)}
	}
	return view
}

func (a *app) inspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "inspect [STORE]",
		Short:   "Show what a store holds, and how large it is",
		Example: `  idxdb inspect team.idx`,
		Args:    storeArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), args, toRead, func(s idxdb.Store) error {
				i, err := capability[idxdb.Inspector](s, "inspect")
				if err != nil {
					return err
				}
				in, err := i.Inspect(cmd.Context())
				if err != nil {
					return err
				}
				return a.print(viewInspection(in), func(w io.Writer) { writeInspection(w, in) })
			})
		},
	}
}

// shownLog is how many bytes of the log may wait to be copied into the file before
// inspect speaks of it. Without a reader in the way they are hardly ever more.
const shownLog = 16 << 20

// shownKeys is how many keys inspect shows to people, the largest first.
const shownKeys = 10

func writeInspection(w io.Writer, in idxdb.Inspection) {
	t := newTable(w, "store", in.Location)
	t.row("kind", fmt.Sprintf("%s, format %d", in.Kind, in.Format))
	t.row("made", minute(in.CreatedAt))
	t.row("keys", humanize.Comma(in.Keys))
	t.row("versions", humanize.Comma(in.Versions))
	t.row("documents", size(in.RawSize))
	if in.Chunks > 0 {
		t.row("chunks", fmt.Sprintf("%s, %s, stored in %s", humanize.Comma(in.Chunks), size(in.ContentSize), size(in.StoredSize)))
	}
	if in.PackedChunks > 0 {
		t.row("of them packed", fmt.Sprintf("%s, in %s", humanize.Comma(in.PackedChunks), size(in.PackedSize)))
	}
	t.row("on disk", size(in.FileSize))
	if in.LogPending > shownLog {
		t.row("log", fmt.Sprintf("%s, of which %s cannot be reused; idxdb locks shows who reads", size(in.LogSize), size(in.LogPending)))
	}
	if in.GarbageSize+in.FreeSize > 0 {
		t.row("of that", fmt.Sprintf("%s garbage, %s free; idxdb vacuum gives them back", size(in.GarbageSize), size(in.FreeSize)))
	}
	t.flush()
	if len(in.KeyDetails) == 0 {
		return
	}
	fmt.Fprintln(w)
	keys := slices.SortedStableFunc(slices.Values(in.KeyDetails), func(a, b idxdb.KeyDetails) int {
		return cmp.Compare(b.RawSize, a.RawSize)
	})
	t = newTable(w, "VERSIONS", "DOCUMENTS", "NEWEST", "SAVED", "KEY")
	for _, k := range keys[:min(len(keys), shownKeys)] {
		t.row(strconv.FormatInt(k.Versions, 10), size(k.RawSize), strconv.FormatInt(k.Newest.Number, 10),
			ago(k.Newest.SavedAt), k.Newest.Key)
	}
	t.flush()
	if more := len(keys) - shownKeys; more > 0 {
		fmt.Fprintf(w, "and %s\n", count(int64(more), "smaller key"))
	}
}
