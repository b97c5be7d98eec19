package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// An Image is an ext4 filesystem in a file, on a loop device. It takes root.
type Image struct {
	t     testing.TB
	file  string
	Mount string // the directory where it is mounted
}

// NewImage makes and mounts a filesystem of size bytes. It is unmounted at the
// end of the test. Where that cannot be done, the test ends as not tested.
func NewImage(t testing.TB, what string, size int64) *Image {
	t.Helper()
	if os.Geteuid() != 0 {
		NotTested(t, what, "it takes root to mount a filesystem")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			NotTested(t, what, err.Error())
		}
	}
	dir := t.TempDir()
	im := &Image{t: t, file: filepath.Join(dir, "disk.img"), Mount: filepath.Join(dir, "mnt")}
	if err := os.Mkdir(im.Mount, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(im.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", im.file).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", im.file, im.Mount).CombinedOutput(); err != nil {
		NotTested(t, what, fmt.Sprintf("a loop device cannot be mounted here: %s", out))
	}
	t.Cleanup(func() {
		if err := im.unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return im
}

// How a filesystem goes down: the values of the kernel's
// EXT4_GOING_FLAGS_*.
const (
	GoDownLogFlush   = 1 // the journal is written, data that was not synced is lost
	GoDownNoLogFlush = 2 // nothing is written any more
)

// GoDown does to the filesystem what a loss of power does: what was not synced
// never reaches the disk, and all that is asked of it from now on fails.
func (im *Image) GoDown(how uint32) error {
	dir, err := os.Open(im.Mount)
	if err != nil {
		return err
	}
	defer dir.Close()
	const shutdown = 0x8004587d // EXT4_IOC_SHUTDOWN
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), shutdown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("shut %s down: %w", im.Mount, errno)
	}
	return nil
}

// Remount unmounts the filesystem and mounts it again, which replays its journal
// as after a loss of power.
func (im *Image) Remount() error {
	if err := im.unmount(); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-o", "loop", im.file, im.Mount).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %w: %s", err, out)
	}
	return nil
}

// unmount waits a moment for processes that were killed to let go.
func (im *Image) unmount() error {
	var out []byte
	var err error
	for range 50 {
		if out, err = exec.Command("umount", im.Mount).CombinedOutput(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("umount: %w: %s", err, out)
}
