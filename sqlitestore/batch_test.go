package sqlitestore_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
)

// The error of a batch says which key it is about, once.
func TestBatchErrorNamesTheKey(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	tests := []struct {
		state string
		opts  idxdb.SaveOptions
		want  error
	}{
		{"{", idxdb.SaveOptions{}, idxdb.ErrInvalidJSON},
		{"{}", idxdb.SaveOptions{If: idxdb.IfVersion(7)}, idxdb.ErrConflict},
		{"{}", idxdb.SaveOptions{Message: strings.Repeat("x", idxdb.MaxMessageLen+1)}, idxdb.ErrUsage},
	}
	for _, test := range tests {
		item := func(key, state string, opts idxdb.SaveOptions) idxdb.BatchItem {
			return idxdb.BatchItem{Key: key, Opts: opts, Open: func() (idxdb.Documents, func(), error) {
				return idxdb.Documents{State: strings.NewReader(state)}, func() {}, nil
			}}
		}
		good, bad := item("good", "1", idxdb.SaveOptions{}), item("bad", test.state, test.opts)
		for _, batch := range [][]idxdb.BatchItem{{bad}, {good, bad}} {
			_, err := s.SaveBatch(ctx, batch)
			if !errors.Is(err, test.want) || strings.Count(err.Error(), `"bad"`) != 1 {
				t.Errorf("%d items: %v", len(batch), err)
			}
		}
	}
}

// What a batch brings is counted for the key that brought it.
func TestBatchNewBytes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "team.idx"))
	var batch []idxdb.BatchItem
	texts := []string{"[1]", "[1,22]", "[1]"}
	for i, text := range texts {
		batch = append(batch, idxdb.BatchItem{Key: string(rune('a' + i)), Open: func() (idxdb.Documents, func(), error) {
			return idxdb.Documents{State: strings.NewReader(text)}, func() {}, nil
		}})
	}
	saved, err := s.SaveBatch(ctx, batch)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{3, 6, 0} {
		if got := saved[i].NewBytes; got != want {
			t.Errorf("%q brought %d bytes, want %d", texts[i], got, want)
		}
	}
}
