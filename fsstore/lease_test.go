package fsstore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// A directory has no leases: to save as if one had been checked would be worse
// than to refuse.
func TestLeaseIsRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	save(t, s, "key", `1`, "")
	token := idxdb.LeaseToken{Key: "key", Fence: 1, ID: idxdb.NewID()}
	_, err := s.Save(context.Background(), "key", idxdb.Documents{State: strings.NewReader(`2`)}, idxdb.SaveOptions{Lease: token})
	if !errors.Is(err, idxdb.ErrUnsupported) {
		t.Errorf("save with a lease: %v", err)
	}
	if err := s.Delete(context.Background(), "key", idxdb.DeleteOptions{Lease: token}); !errors.Is(err, idxdb.ErrUnsupported) {
		t.Errorf("delete with a lease: %v", err)
	}
	if got, want := content(t, s), "key v1 1 -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = s.Save(context.Background(), "key", idxdb.Documents{State: strings.NewReader(`2`)}, idxdb.SaveOptions{IgnoreLease: true})
	if err != nil {
		t.Errorf("save that ignores leases: %v", err)
	}
}
