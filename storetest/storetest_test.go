package storetest

import (
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/storetest/internal/memstore"
)

// inMemory are the sentences that the reference store does not keep.
var inMemory = map[string]string{
	"Bytes/StreamInBoundedMemory": "documents are held in memory",
}

func openWith(faults memstore.Faults) func(testing.TB, string, idxdb.OpenOptions) (idxdb.Store, error) {
	return func(_ testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error) {
		return memstore.Open(dir, opts, faults)
	}
}

func TestReferenceStore(t *testing.T) {
	Run(t, Config{Open: openWith(memstore.Faults{}), Skips: inMemory, LargeSize: 4e6})
}
