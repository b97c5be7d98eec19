//go:build linux && (amd64 || arm64)

package fault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestNetworkFilesystemIsRefused opens a store where SQLite's locks cannot be
// trusted. FUSE stands in for NFS.
func TestNetworkFilesystemIsRefused(t *testing.T) {
	r := mountRig(t, "refusing network filesystems")
	path := filepath.Join(r.mount, "team.idx")
	for _, o := range []sqlitestore.Options{{Create: true}, {ReadOnly: true}, {}} {
		s, err := sqlitestore.Open(context.Background(), path, o)
		if err == nil {
			s.Close()
			t.Fatalf("%+v: it was opened", o)
		}
		if !errors.Is(err, idxdb.ErrUnsupported) || !strings.Contains(err.Error(), r.mount) || !strings.Contains(err.Error(), "fuse") {
			t.Errorf("%+v: %v, want ErrUnsupported that names the mount and its kind", o, err)
		}
	}
	if entries, err := os.ReadDir(r.real); err != nil || len(entries) != 0 {
		t.Errorf("it left %v, %v", entries, err)
	}
	s, err := sqlitestore.Open(context.Background(), path, sqlitestore.Options{Create: true, CorruptibleOnNetwork: true})
	if err != nil {
		t.Fatalf("with the option that is named for its danger: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
