//go:build linux && (amd64 || arm64)

package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
	"github.com/idxdb/idxdb/test/internal/rig"
)

// A full is a small filesystem that can be filled.
type full struct {
	*rig.Image
	t *testing.T
}

func newFull(t *testing.T, size int64) full {
	return full{rig.NewImage(t, "full disks", size), t}
}

// leave fills the disk until free bytes are left.
func (f full) leave(free int64) {
	f.t.Helper()
	f.empty()
	must(f.t, syscall.Fsync(f.dir())) // what is to be freed is free afterwards
	file, err := os.Create(f.filler())
	must(f.t, err)
	defer file.Close()
	block := make([]byte, 4096)
	for {
		var st syscall.Statfs_t
		must(f.t, syscall.Statfs(f.Mount, &st))
		left := int64(st.Bavail) * st.Bsize
		if left <= free {
			break
		}
		if left-free > 1<<20 {
			_, err = file.Write(make([]byte, left-free-1<<19))
		} else {
			_, err = file.Write(block)
		}
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		must(f.t, err)
		must(f.t, file.Sync()) // so that statfs knows
	}
}

func (f full) filler() string { return filepath.Join(f.Mount, "filler") }

func (f full) dir() int {
	fd, err := syscall.Open(f.Mount, syscall.O_RDONLY, 0)
	must(f.t, err)
	f.t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

func (f full) empty() {
	if err := os.Remove(f.filler()); err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
}

// TestFullDisk lets the disk be full at more and more stages of a save, a delete,
// a vacuum and an open.
func TestFullDisk(t *testing.T) {
	f := newFull(t, 24<<20)
	ctx := context.Background()
	path := filepath.Join(f.Mount, "team.idx")
	failed, worked := 0, 0
	for i, free := range []int64{0, 4 << 10, 16 << 10, 40 << 10, 80 << 10, 120 << 10, 200 << 10, 400 << 10, 1 << 20, 3 << 20} {
		s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Create: true})
		must(t, err)
		state := document(uint64(100+2*i), 200) // 400 KB that the store does not have
		must(t, save(s, "old", document(uint64(i), 10)))
		f.leave(free)

		err = save(s, "new", state)
		switch {
		case err == nil:
			worked++
		case errors.Is(err, syscall.ENOSPC):
			failed++
			if !strings.Contains(err.Error(), "vacuum") {
				t.Errorf("%d bytes free: no advice: %v", free, err)
			}
		default:
			t.Errorf("%d bytes free: save: %v, want ENOSPC", free, err)
		}
		saved := err == nil
		if err := load(s, "old", 0); err != nil {
			t.Errorf("%d bytes free: load: %v", free, err)
		}
		if err := load(s, "new", 0); saved && err != nil {
			t.Errorf("%d bytes free: load what was saved: %v", free, err)
		}
		for name, fn := range map[string]func() error{
			"delete": func() error { return s.Delete(ctx, "new", idxdb.DeleteOptions{}) },
			"vacuum": func() error { _, err := s.Vacuum(ctx, nil); return err },
			"close":  func() error { return s.Close() },
		} {
			if err := fn(); err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, idxdb.ErrNotFound) && !errors.Is(err, idxdb.ErrClosed) {
				t.Errorf("%d bytes free: %s: %v", free, name, err)
			}
		}
		must(t, s.Close())
		// Opening takes 32 KB for the -shm file.
		if s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{}); err == nil {
			if err := load(s, "old", 0); err != nil {
				t.Errorf("%d bytes free: load after open: %v", free, err)
			}
			must(t, s.Close())
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d bytes free: open: %v, want ENOSPC", free, err)
		}
		f.empty()
		got, err := contents(path)
		if err != nil || len(got) == 0 {
			t.Fatalf("%d bytes free, and then more: %v, %v", free, got, err)
		}
	}
	if failed < 3 || worked < 1 {
		t.Errorf("%d saves failed and %d worked", failed, worked)
	}
}

// TestSpaceIsUsableAgain fills the disk with versions, and goes on after a delete
// and a vacuum. Both are commits and take room in the log, and what is in the log
// needs room in the file before the log can begin anew; so each time somebody
// has to give them some.
func TestSpaceIsUsableAgain(t *testing.T) {
	f := newFull(t, 96<<20)
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, filepath.Join(f.Mount, "team.idx"), sqlitestore.Options{Create: true})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	for round := range 3 {
		f.leave(32 << 20)
		n := 0
		for ; ; n++ {
			err := save(s, fmt.Sprint("key", n%5), document(uint64(round*1000+n)*2, 300))
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			must(t, err)
			if n > 200 {
				t.Fatal("the disk is never full")
			}
		}
		if n < 5 {
			t.Errorf("round %d: only %d saves fitted", round, n)
		}
		for i := range 5 {
			if err := load(s, fmt.Sprint("key", i), 0); err != nil {
				t.Errorf("round %d: load: %v", round, err)
			}
		}
		f.empty()
		syscall.Sync() // ext4 gives blocks to others only after its journal is written
		for i := range 5 {
			must(t, s.Delete(ctx, fmt.Sprint("key", i), idxdb.DeleteOptions{}))
		}
		report, err := s.Vacuum(ctx, nil)
		must(t, err)
		if report.ChunksRemoved == 0 || report.SizeAfter >= report.SizeBefore {
			t.Errorf("round %d: the vacuum freed nothing: %+v", round, report)
		}
	}
	report, err := s.Verify(ctx, nil)
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("verify: %v, %v", report.Damage, err)
	}
}

// TestCreateOnFullDisk leaves nothing behind.
func TestCreateOnFullDisk(t *testing.T) {
	f := newFull(t, 24<<20)
	ctx := context.Background()
	f.leave(0)
	path := filepath.Join(f.Mount, "team.idx")
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Create: true})
	if err == nil {
		s.Close()
		t.Fatal("a store was made where there is no room for it")
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, want ENOSPC", err)
	}
	f.empty()
	left, err := filepath.Glob(filepath.Join(f.Mount, "team.idx*"))
	must(t, err)
	for _, name := range left {
		if filepath.Ext(name) != ".lock" {
			t.Errorf("%s was left", name)
		}
	}
	s, err = sqlitestore.Open(ctx, path, sqlitestore.Options{Create: true})
	must(t, err)
	must(t, save(s, "a", document(1, 1)))
	must(t, s.Close())
}
