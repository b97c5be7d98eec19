package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/stores"
)

// An interrupted save says that nothing was saved, and where a store keeps parts
// of it, what gives their space back.
func TestNoteSaved(t *testing.T) {
	tests := []struct {
		store  string
		read   int64
		err    error
		want   string
		vacuum bool
	}{
		{"team.idx", partSize, nil, "", false},
		{"team.idx", 1, context.Canceled, nothingSaved, false},
		{"team.idx", partSize, context.Canceled, nothingSaved, true},
		{"dir", partSize, context.Canceled, nothingSaved, false},
	}
	for _, test := range tests {
		s, err := stores.Open(t.Context(), filepath.Join(t.TempDir(), test.store), idxdb.OpenOptions{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		a := &app{undone: nothingSaved}
		m := &meter{}
		m.add(test.read)
		a.noteSaved(s, m, test.err)
		if !strings.HasPrefix(a.undone, test.want) || (a.undone == "") != (test.want == "") ||
			strings.Contains(a.undone, "idxdb vacuum") != test.vacuum {
			t.Errorf("%s, %d bytes read, %v: %q", test.store, test.read, test.err, a.undone)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// slowStore has a document that ends when the context does.
type slowStore struct {
	idxdb.Store
	cancel context.CancelFunc
}

func (s *slowStore) Load(context.Context, string, idxdb.LoadOptions) (*idxdb.Document, error) {
	return &idxdb.Document{Size: 10, Body: s}, nil
}

func (s *slowStore) Read([]byte) (int, error) { s.cancel(); return 0, errors.New("cut off") }
func (s *slowStore) Close() error             { return nil }

func TestInterruptedLoad(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := filepath.Join(t.TempDir(), "out.json")
	a := &app{stderr: new(strings.Builder)}
	err := a.load(ctx, &slowStore{cancel: cancel}, "k", idxdb.LoadOptions{}, out)
	if err == nil || a.undone != out+" was not changed" {
		t.Errorf("%v: %q", err, a.undone)
	}
}
