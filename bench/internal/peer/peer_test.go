package peer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/idxdb/idxdb/bench/internal/data"
)

// Every peer must give back the newest of several versions, or the comparison
// would be worth nothing.
func TestPeersKeepTheNewest(t *testing.T) {
	kinds := []Kind{PlainFile, InPlace, GzipFile, ZstdFile, LZ4File, Bolt, SQLiteBlob, IdxdbFile, IdxdbDirectory, DD, Git, Restic, Borg}
	for _, kind := range kinds {
		t.Run(kind.Name, func(t *testing.T) {
			series := data.NewIndex("test", 200_000, 3, 5, 1)
			dir := t.TempDir()
			p, err := kind.OpenNew(dir)
			if errors.Is(err, ErrMissing) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			var newest []byte
			for i := range series.Len() {
				v, err := series.Version(i)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Prepare(v); err != nil {
					t.Fatal(err)
				}
				if err := p.Save(); err != nil {
					t.Fatal(err)
				}
				newest = v.State
			}
			check := func() {
				t.Helper()
				var got bytes.Buffer
				if err := p.Load(&got); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), newest) {
					t.Errorf("%d bytes came back, %d were saved", got.Len(), len(newest))
				}
			}
			check()
			if packer, ok := p.(Packer); ok {
				if err := packer.Pack(true); err != nil {
					t.Fatal(err)
				}
				check()
				if size, err := DiskSize(packer.Kept()); err != nil || size == 0 {
					t.Errorf("size %d, error %v", size, err)
				}
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPlainFileUsesNewBlocks(t *testing.T) {
	dir := t.TempDir()
	p, err := PlainFile.OpenNew(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1", "2", "3"} {
		if err := errors.Join(p.Prepare(data.Version{State: []byte(text)}), p.Save()); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"old.1.state": "1", "old.2.state": "2", "state": "3"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s has %q, want %q (%v)", name, got, want, err)
		}
	}
}

func TestMissingPrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, kind := range []Kind{DD, Git, Restic, Borg} {
		if _, err := kind.OpenNew(t.TempDir()); !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v", kind.Name, err)
		}
	}
}

func TestFailuresSurface(t *testing.T) {
	p, err := IdxdbProcess(filepath.Join(t.TempDir(), "missing")).OpenNew(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Prepare(data.Version{State: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if p.Save() == nil || p.Load(io.Discard) == nil {
		t.Error("a program that is not there has no error")
	}
}
