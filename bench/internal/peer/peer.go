// Package peer has the ways to keep an index state that idxdb is compared with,
// and idxdb itself, behind one interface.
package peer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/idxdb/idxdb/bench/internal/data"
)

// A Peer keeps the versions of one index in a directory of its own.
type Peer interface {
	// Prepare hands over the next version. It is not timed. The bytes stay as
	// they are until Save returns.
	Prepare(v data.Version) error
	// Save keeps the version, durably.
	Save() error
	// Load writes the newest state document to w.
	Load(w io.Writer) error
	Close() error
}

// A Kind of Peer.
type Kind struct {
	Name string
	Slow bool // a few rounds must do
	// Open makes a new peer in an empty directory. Its error matches ErrMissing
	// if a program is not installed.
	Open func(dir string) (Peer, error)
}

// ErrMissing says that a peer's program is not installed.
var ErrMissing = errors.New("not installed")

// OpenNew opens a peer in dir, which is emptied first.
func (k Kind) OpenNew(dir string) (Peer, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	p, err := k.Open(dir)
	if errors.Is(err, ErrMissing) {
		return nil, err // it names the program
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	return p, nil
}

// DiskSize returns the length of all files in dir in bytes, slack not counted.
func DiskSize(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// installed returns an error that matches ErrMissing if a program is not there.
func installed(program string) error {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%s is %w", program, ErrMissing)
	}
	return nil
}
