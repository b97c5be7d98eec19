package sqlitestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
)

// TestLeaseFilesGone: whoever deletes them takes the protection of those who wait
// away, but not that of the saves.
func TestLeaseFilesGone(t *testing.T) {
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	l := takeLease(t, a, "key", idxdb.LeaseOptions{TTL: 200 * time.Millisecond})
	must(t, os.RemoveAll(path+".leases"))
	next := takeLease(t, b, "key", idxdb.LeaseOptions{})
	if _, err := saveWith(a, "key", `2`, idxdb.SaveOptions{Lease: l.Token()}); !errors.Is(err, idxdb.ErrConflict) {
		t.Errorf("save with the old lease: %v", err)
	}
	select {
	case <-l.Lost():
	case <-time.After(10 * time.Second):
		t.Error("the old holder is not told")
	}
	if err := l.Release(ctx); !errors.Is(err, idxdb.ErrConflict) {
		t.Errorf("release of a lost lease: %v", err)
	}
	must(t, next.Release(ctx))
}

// TestLeaseFileIsALink: a sign of life must not be written to where somebody
// pointed it.
func TestLeaseFileIsALink(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	must(t, takeLease(t, s, "key", idxdb.LeaseOptions{}).Release(ctx))
	files, err := filepath.Glob(path + ".leases/*")
	must(t, err)
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, []byte("precious"), 0o600))
	must(t, os.Remove(files[0]))
	must(t, os.Symlink(victim, files[0]))
	if _, err := s.Lease(ctx, "key", idxdb.LeaseOptions{}); err == nil {
		t.Error("a lease with a link for its file was taken")
	}
	if got := snapshot(t, victim); got != "precious" {
		t.Errorf("the file that the link points to has %q", got)
	}
	if list, err := s.Leases(ctx); err != nil || len(list) != 0 {
		t.Errorf("held are %v, %v", list, err)
	}
}

func TestLeaseRowsDamaged(t *testing.T) {
	for what, statement := range map[string]string{
		"missing":  "DELETE FROM lease",
		"changed":  "UPDATE lease SET host = 'x'",
		"ended":    "UPDATE lease SET held = 1 - held",
		"number":   "UPDATE lease SET fence = fence + 1",
		"key":      "UPDATE key SET fence = 0 WHERE fence > 0",
		"of other": "UPDATE lease SET key_id = 1 WHERE key_id = 2",
	} {
		path := newFile(t)
		s := open(t, path)
		takeLease(t, s, "leased", idxdb.LeaseOptions{})
		must(t, s.Close())
		execSQL(t, path, statement)
		s = open(t, path)
		if _, err := saveWith(s, "leased", `1`, idxdb.SaveOptions{}); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("%s: save: %v, want ErrCorrupt", what, err)
		}
		if _, err := s.Lease(ctx, "leased", idxdb.LeaseOptions{}); !errors.Is(err, idxdb.ErrCorrupt) {
			t.Errorf("%s: lease: %v, want ErrCorrupt", what, err)
		}
		if report, err := s.Verify(ctx, nil); err != nil || len(report.Damage) == 0 {
			t.Errorf("%s: verify found %v, %v", what, report.Damage, err)
		}
	}
}

func TestLeaseNeedsPermissionToWriteBesideTheStore(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	must(t, os.WriteFile(path+".leases", nil, 0o600)) // no directory
	if _, err := s.Lease(ctx, "key", idxdb.LeaseOptions{}); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a lease without a place for its file: %v", err)
	}
	save(t, s, "key", `2`)
}
