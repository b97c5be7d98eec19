package peer

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/idxdb/idxdb/bench/internal/data"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A format writes and reads the content of a file.
type format struct {
	write func(w io.Writer, b []byte) error
	read  func(w io.Writer, r io.Reader) error
}

// The files that a careful program writes: a temporary, fsync, rename, fsync of
// the directory, at the libraries' default settings. The blocks are new ones,
// because the version before is kept until the end.
var (
	PlainFile = Kind{Name: "plain file", Open: openFile(format{
		write: func(w io.Writer, b []byte) error { _, err := w.Write(b); return err },
		read:  func(w io.Writer, r io.Reader) error { _, err := io.Copy(w, r); return err },
	})}
	GzipFile = Kind{Name: "gzip file", Slow: true, Open: openFile(format{
		write: func(w io.Writer, b []byte) error { return writeAndClose(gzip.NewWriter(w), b) },
		read: func(w io.Writer, r io.Reader) error {
			z, err := gzip.NewReader(r)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, z)
			return err
		},
	})}
	ZstdFile = Kind{Name: "zstd file", Open: openFile(format{
		write: func(w io.Writer, b []byte) error {
			z, err := zstd.NewWriter(w)
			if err != nil {
				return err
			}
			return writeAndClose(z, b)
		},
		read: func(w io.Writer, r io.Reader) error {
			z, err := zstd.NewReader(r)
			if err != nil {
				return err
			}
			defer z.Close()
			_, err = io.Copy(w, z)
			return err
		},
	})}
	LZ4File = Kind{Name: "lz4 file", Open: openFile(format{
		write: func(w io.Writer, b []byte) error { return writeAndClose(lz4.NewWriter(w), b) },
		read:  func(w io.Writer, r io.Reader) error { _, err := io.Copy(w, lz4.NewReader(r)); return err },
	})}
)

func writeAndClose(w io.WriteCloser, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Close()
}

// file keeps every version as files of its own: the newest under one name, the
// ones before, out of the way, as old.N.*.
type file struct {
	format
	dir     string
	version data.Version
	saves   int
}

func openFile(f format) func(string) (Peer, error) {
	return func(dir string) (Peer, error) { return &file{format: f, dir: dir}, nil }
}

func (f *file) Prepare(v data.Version) error {
	f.version = v
	for _, name := range []string{"state", "search"} {
		err := os.Link(filepath.Join(f.dir, name), filepath.Join(f.dir, fmt.Sprintf("old.%d.%s", f.saves, name)))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	f.saves++
	return nil
}

func (f *file) Save() error {
	if err := f.replace("state", f.version.State); err != nil {
		return err
	}
	if f.version.Search != nil {
		if err := f.replace("search", f.version.Search); err != nil {
			return err
		}
	}
	return syncDir(f.dir)
}

func (f *file) replace(name string, b []byte) error {
	temp, err := os.CreateTemp(f.dir, "temp")
	if err != nil {
		return err
	}
	defer temp.Close()
	if err := f.write(temp, b); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), filepath.Join(f.dir, name))
}

func (f *file) Load(w io.Writer) error {
	r, err := os.Open(filepath.Join(f.dir, "state"))
	if err != nil {
		return err
	}
	defer r.Close()
	return f.read(w, r)
}

func (f *file) Close() error { return nil }

// InPlace is what a careless program does: truncate the file, write, fsync. A
// crash in between leaves nothing, and nobody is kept from reading half of it.
var InPlace = Kind{Name: "plain file, truncated in place", Open: func(dir string) (Peer, error) {
	return &inPlace{path: filepath.Join(dir, "state")}, nil
}}

type inPlace struct {
	path    string
	version data.Version
}

func (f *inPlace) Prepare(v data.Version) error { f.version = v; return nil }

func (f *inPlace) Save() error {
	w, err := os.Create(f.path)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(f.version.State); err != nil {
		return err
	}
	return w.Sync()
}

func (f *inPlace) Load(w io.Writer) error {
	r, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

func (f *inPlace) Close() error { return nil }
