package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a series in files: DIR/000/state.json, DIR/000/search.json,
// DIR/001/state.json and so on, in the order of the names.
type Folder struct {
	name     string
	versions []string // directories
}

// Folders returns the series in dir, one for each subdirectory.
func Folders(dir string) ([]Series, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Series
	for _, e := range entries {
		f := &Folder{name: e.Name()}
		states, err := filepath.Glob(filepath.Join(dir, e.Name(), "*", "state.json"))
		if err != nil {
			return nil, err
		}
		for _, s := range states {
			f.versions = append(f.versions, filepath.Dir(s))
		}
		if len(f.versions) > 1 {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no folders NAME/NNN/state.json with two versions or more", dir)
	}
	return all, nil
}

// Name implements Series.
func (f *Folder) Name() string { return f.name }

// Len implements Series.
func (f *Folder) Len() int { return len(f.versions) }

// Version implements Series.
func (f *Folder) Version(i int) (v Version, err error) {
	if v.State, err = os.ReadFile(filepath.Join(f.versions[i], "state.json")); err != nil {
		return v, err
	}
	v.Search, err = os.ReadFile(filepath.Join(f.versions[i], "search.json"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return v, err
}
