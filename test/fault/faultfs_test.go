//go:build linux && (amd64 || arm64)

package fault

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A mode is what happens at the chosen operation.
type mode string

const (
	fail   mode = "fail"   // EIO, and nothing is done
	tear   mode = "tear"   // a write: half of it is done, then EIO
	forget mode = "forget" // an fsync: EIO, and what was written since the last one is lost
	delay  mode = "delay"  // it is done, but late
	crash  mode = "crash"  // the process is killed, and what was not synced is lost
	count  mode = "count"  // nothing; to see how many there are
)

// A plan says which operation is the chosen one.
type plan struct {
	mode  mode
	class string // of operations that count; "change": all that change something
	n     int    // from 1
	keep  int    // of a crash: how many of the last unsynced writes to a file survive, of each 4
}

// A disk is the state of the filesystem: the plan, and what is not synced.
type disk struct {
	mu    sync.Mutex
	plan  plan
	seen  int
	fired string              // what the chosen operation was
	dead  bool                // after a crash
	undo  map[uint64][]change // by inode of the real file, oldest first
	onHit func()              // called when the plan comes true
	again string              // the file whose next read, or write at the same place, fails too
	where int64
}

// A change takes back a write or a truncation.
type change struct {
	path string
	off  int64
	old  []byte // what was there
	size int64  // of the file
}

func (d *disk) set(p plan, onHit func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan, d.seen, d.fired, d.dead, d.onHit, d.again = p, 0, "", false, onHit, ""
	d.undo = map[uint64][]change{}
}

func (d *disk) result() (seen int, fired string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen, d.fired
}

// begin is called before each operation with the real path of its file, and the
// offset of a read or write. act is what is to be done about it: "" is to do it.
//
// The kernel divides writes into pages, and hides a failure after the first of
// them: it says that it has written less, and is asked again for the rest. When
// reading ahead has failed, it reads again without. So in these two cases the
// second attempt fails as well.
func (d *disk) begin(class, path string, off int64) (act mode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return fail
	}
	if d.again == path && (class == "read" || class == "write" && off == d.where) {
		d.again = ""
		return fail
	}
	changes := class != "open" && class != "lock" && class != "read"
	if d.plan.class != class && (d.plan.class != "change" || !changes) {
		return ""
	}
	d.seen++
	if d.seen != d.plan.n || d.plan.mode == count {
		return ""
	}
	d.fired = class + " " + filepath.Base(path)
	d.onHit()
	switch d.plan.mode {
	case fail, tear:
		if !strings.HasSuffix(path, "-shm") { // a page of it that cannot be read is a signal that kills
			d.again, d.where = path, off
		}

	case delay:
		time.Sleep(150 * time.Millisecond)
		return ""
	case forget:
		d.takeBack(path, 0)
	case crash:
		d.dead = true
		for _, list := range d.undo {
			d.takeBack(list[0].path, d.plan.keep)
		}
	}
	return d.plan.mode
}

// remember notes how to take back what is about to happen to a file.
func (d *disk) remember(path string, off, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return
	}
	c := change{path: path, off: off, size: info.Size(), old: make([]byte, max(0, min(n, info.Size()-off)))}
	if len(c.old) > 0 {
		f.ReadAt(c.old, off) // it lies inside of the file
	}
	ino := info.Sys().(*syscall.Stat_t).Ino
	d.undo[ino] = append(d.undo[ino], c)
}

// takeBack undoes what was not synced, except the last of it: a disk writes in
// whatever order it likes. The -shm file is memory, and means nothing after a
// crash.
func (d *disk) takeBack(path string, keepOf4 int) {
	info, err := os.Stat(path)
	if err != nil || strings.HasSuffix(path, "-shm") {
		return
	}
	ino := info.Sys().(*syscall.Stat_t).Ino
	list := d.undo[ino]
	delete(d.undo, ino)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	for i := len(list) - 1; i >= 0; i-- {
		if (len(list)-1-i)%4 < keepOf4 {
			continue
		}
		c := list[i]
		f.WriteAt(c.old, c.off)
		if keepOf4 == 0 {
			f.Truncate(c.size)
		}
	}
}

func (d *disk) synced(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if info, err := os.Stat(path); err == nil {
		delete(d.undo, info.Sys().(*syscall.Stat_t).Ino)
	}
}

// A node is a file or directory, passed through.
type node struct {
	fs.LoopbackNode
	d *disk
}

// WrapChild makes every file and directory below a node of ours.
func (n *node) WrapChild(context.Context, fs.InodeEmbedder) fs.InodeEmbedder {
	return &node{LoopbackNode: fs.LoopbackNode{RootData: n.RootData}, d: n.d}
}

func (n *node) real(name string) string {
	return filepath.Join(n.RootData.Path, n.Path(n.Root()), name)
}

func errno(act mode) syscall.Errno {
	if act == "" {
		return 0
	}
	return syscall.EIO
}

func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	path := n.real("")
	if e := errno(n.d.begin("open", path, 0)); e != 0 {
		return nil, 0, e
	}
	if flags&syscall.O_TRUNC != 0 {
		n.d.remember(path, 0, 1<<40)
	}
	h, out, e := n.LoopbackNode.Open(ctx, flags)
	return n.wrap(h, path), out, e
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	path := n.real(name)
	if e := errno(n.d.begin("create", path, 0)); e != 0 {
		return nil, nil, 0, e
	}
	inode, h, fuseFlags, e := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	return inode, n.wrap(h, path), fuseFlags, e
}

func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if e := errno(n.d.begin("unlink", n.real(name), 0)); e != 0 {
		return e
	}
	return n.LoopbackNode.Unlink(ctx, name)
}

func (n *node) Rename(ctx context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if e := errno(n.d.begin("rename", n.real(name), 0)); e != 0 {
		return e
	}
	return n.LoopbackNode.Rename(ctx, name, parent, newName, flags)
}

func (n *node) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		path := n.real("")
		if e := errno(n.d.begin("truncate", path, 0)); e != 0 {
			return e
		}
		n.d.remember(path, int64(size), 1<<40)
	}
	return n.LoopbackNode.Setattr(ctx, h, in, out)
}

func (n *node) Fsync(ctx context.Context, h fs.FileHandle, flags uint32) syscall.Errno {
	if f, ok := h.(*handle); ok {
		return f.Fsync(ctx, flags)
	}
	return errno(n.d.begin("fsync", n.real("")+"/", 0)) // a directory
}

// A handle is an open file.
type handle struct {
	*fs.LoopbackFile
	d    *disk
	path string
}

func (n *node) wrap(h fs.FileHandle, path string) fs.FileHandle {
	f, ok := h.(*fs.LoopbackFile)
	if !ok {
		return h
	}
	return &handle{f, n.d, path}
}

// PassthroughFd would let the kernel read and write without us.
func (h *handle) PassthroughFd() (int, bool) { return 0, false }

func (h *handle) Read(ctx context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if e := errno(h.d.begin("read", h.path, off)); e != 0 {
		return nil, e
	}
	return h.LoopbackFile.Read(ctx, buf, off)
}

func (h *handle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	act := h.d.begin("write", h.path, off)
	if act == tear {
		h.d.remember(h.path, off, int64(len(data)))
		h.LoopbackFile.Write(ctx, data[:len(data)/2], off)
	}
	if e := errno(act); e != 0 {
		return 0, e
	}
	h.d.remember(h.path, off, int64(len(data)))
	return h.LoopbackFile.Write(ctx, data, off)
}

func (h *handle) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if e := errno(h.d.begin("fsync", h.path, 0)); e != 0 {
		return e
	}
	h.d.synced(h.path) // for this filesystem, the real one's page cache is the disk
	return 0
}

// posix reports whether a lock is one of SQLite's. The kernel asks for them by
// process, and only one process at a time uses the filesystem, so they are
// always free. All others are passed through.
func (h *handle) posix(flags uint32) bool {
	return flags&fuse.FUSE_LK_FLOCK == 0 && !strings.HasSuffix(h.path, ".lock")
}

func (h *handle) Getlk(ctx context.Context, owner uint64, lk *fuse.FileLock, flags uint32, out *fuse.FileLock) syscall.Errno {
	if h.posix(flags) {
		*out = *lk
		out.Typ = syscall.F_UNLCK
		return 0
	}
	return h.LoopbackFile.Getlk(ctx, owner, lk, flags, out)
}

func (h *handle) Setlk(ctx context.Context, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	if e := h.lock(lk); e != 0 || h.posix(flags) {
		return e
	}
	return h.LoopbackFile.Setlk(ctx, owner, lk, flags)
}

func (h *handle) Setlkw(ctx context.Context, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	if e := h.lock(lk); e != 0 || h.posix(flags) {
		return e
	}
	return h.LoopbackFile.Setlkw(ctx, owner, lk, flags)
}

func (h *handle) lock(lk *fuse.FileLock) syscall.Errno {
	if lk.Typ == syscall.F_UNLCK {
		return 0 // no filesystem fails to unlock
	}
	return errno(h.d.begin("lock", h.path, 0))
}

// mountFaults mounts the filesystem over the directory real.
func mountFaults(real, at string, d *disk) (*fuse.Server, error) {
	root := &fs.LoopbackRoot{Path: real}
	top := &node{LoopbackNode: fs.LoopbackNode{RootData: root}, d: d}
	root.RootNode = top
	server, err := fs.Mount(at, top, &fs.Options{MountOptions: fuse.MountOptions{
		DirectMountStrict: true,
		EnableLocks:       true,
		FsName:            "idxdb-fault",
		MaxBackground:     64,
	}})
	if err != nil {
		return nil, fmt.Errorf("mount a FUSE filesystem: %w", err)
	}
	return server, nil
}
