package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "team.idx"), sqlitestore.Options{Create: true})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	// Save a state. The reader may be a file, a pipe, a response body, …
	saved, err := store.Save(ctx, "owner/repo@main", idxdb.Documents{
		State: strings.NewReader(`{"blobs": [["e9dc262e", "main.go"]]}`),
	}, idxdb.SaveOptions{Message: "nightly build"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("saved version", saved.Version.Number)

	// Load it. What is read is a snapshot, whatever others save meanwhile.
	doc, err := store.Load(ctx, "owner/repo@main", idxdb.LoadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer doc.Body.Close()
	if _, err := io.Copy(os.Stdout, doc.Body); err != nil {
		log.Fatal(err)
	}
	fmt.Println()

	// Save only if nobody else has saved since.
	_, err = store.Save(ctx, "owner/repo@main", idxdb.Documents{
		State: strings.NewReader(`{"blobs": []}`),
	}, idxdb.SaveOptions{If: idxdb.IfVersion(7)})
	fmt.Println("conflict:", errors.Is(err, idxdb.ErrConflict))

	// Output:
	// saved version 1
	// {"blobs": [["e9dc262e", "main.go"]]}
	// conflict: true
}
