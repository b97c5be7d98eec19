package fsstore_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/fsstore"
)

// readerFunc calls itself when it is read.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A directory that is deleted or replaced while a save reads its document is an
// error, and is not made again.
func TestDirectoryReplaced(t *testing.T) {
	for _, replace := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "store")
		s, err := fsstore.Open(t.Context(), dir, fsstore.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Save(t.Context(), "k", idxdb.Documents{State: strings.NewReader("1")}, idxdb.SaveOptions{}); err != nil {
			t.Fatal(err)
		}
		gone := false
		state := io.MultiReader(strings.NewReader("[1,"), readerFunc(func([]byte) (int, error) {
			if gone {
				return 0, io.EOF
			}
			gone = true
			if err := os.Rename(dir, dir+".old"); err != nil {
				return 0, err
			}
			if replace {
				return 0, os.Mkdir(dir, 0o777)
			}
			return 0, nil
		}), strings.NewReader("2]"))
		_, err = s.Save(t.Context(), "k", idxdb.Documents{State: state}, idxdb.SaveOptions{})
		if !errors.Is(err, idxdb.ErrReplaced) {
			t.Errorf("replaced %v: %v", replace, err)
		}
		list, err := os.ReadDir(dir)
		if len(list) > 0 || replace != (err == nil) {
			t.Errorf("replaced %v: the directory has %v, %v", replace, list, err)
		}
		_ = s.Close() // what it would remove is elsewhere
	}
}
