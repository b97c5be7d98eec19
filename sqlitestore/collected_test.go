package sqlitestore_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// TestCollectedWhileRead reads without holding an epoch, as a store does that may
// not open the lock file: a version that is collected meanwhile is gone, which is
// no damage. A chunk that is missing from one that is there is.
func TestCollectedWhileRead(t *testing.T) {
	for _, deleted := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "team.idx")
		a, b := open(t, path), open(t, path)
		b.ForgetRanges()
		save(t, a, "key", document(1, 300_000))
		doc, err := b.Load(ctx, "key", idxdb.LoadOptions{})
		must(t, err)
		if deleted {
			must(t, a.Delete(ctx, "key", idxdb.DeleteOptions{}))
			_, err = a.Vacuum(ctx, nil)
			must(t, err)
		} else {
			execSQL(t, path, "DELETE FROM chunk WHERE id = 1")
		}
		_, err = io.Copy(io.Discard, doc.Body)
		if deleted {
			if !errors.Is(err, idxdb.ErrNotFound) || errors.Is(err, idxdb.ErrCorrupt) || !strings.Contains(err.Error(), "while it was read") {
				t.Errorf("collected: %v", err)
			}
		} else if !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("missing: %v", err)
		}
		must(t, doc.Body.Close())
	}
}
