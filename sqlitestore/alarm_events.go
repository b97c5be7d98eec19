//go:build linux || windows

package sqlitestore

import (
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// fileEvents tell that somebody wrote to the files of a store: to the log when
// committing, and to the lock file right after it.
type fileEvents struct {
	c       chan struct{} // holds one
	watcher *fsnotify.Watcher
}

// watchFiles returns nil if the system does not tell of events here, for example
// because others use up all it has. On systems that are not built here it opens
// every file to watch it, and that would cost SQLite its locks.
func watchFiles(path string) *fileEvents {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil
	}
	dir, name := filepath.Split(path)
	if err := w.Add(dir); err != nil {
		_ = w.Close() // there is nothing in it
		return nil
	}
	e := &fileEvents{make(chan struct{}, 1), w}
	go e.run(name)
	return e
}

// run lets pass what concerns the store's files.
func (e *fileEvents) run(name string) {
	for {
		select {
		case event, ok := <-e.watcher.Events:
			if !ok {
				return
			}
			switch filepath.Base(event.Name) {
			case name, name + "-wal", name + ".lock":
			default:
				continue
			}
		case _, ok := <-e.watcher.Errors:
			if !ok {
				return
			}
			// Events may have been lost: better look.
		}
		select {
		case e.c <- struct{}{}:
		default:
		}
	}
}

func (e *fileEvents) close() { _ = e.watcher.Close() } // which ends run
