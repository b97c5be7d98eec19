package netfs

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, test := range []struct {
		file, path string
		want       FS // Options are those looked for
	}{
		{"workstation", "/", FS{Local, "ext4", "/", "/dev/nvme0n1p2", []string{"rw", "errors=remount-ro"}}},
		{"workstation", "/homework/x", FS{Local, "ext4", "/", "/dev/nvme0n1p2", nil}},
		{"workstation", "/home", FS{Local, "xfs", "/home", "/dev/mapper/vg-home", []string{"noatime"}}},
		{"workstation", "/home/ann/x", FS{Local, "xfs", "/home", "/dev/mapper/vg-home", nil}},
		{"workstation", "/home/ann/team/x/y", FS{NFS, "nfs4", "/home/ann/team", "filer.example.org:/export/team", []string{"vers=4.2", "local_lock=none"}}},
		{"workstation", "/home/ann/old", FS{NFS, "nfs", "/home/ann/old", "filer.example.org:/export/old", []string{"nolock", "local_lock=all"}}},
		{"workstation", "/home/ann/Shared Documents/x", FS{SMB, "cifs", "/home/ann/Shared Documents", "//files.example.org/shared docs", []string{"vers=3.1.1"}}},
		{"workstation", "/home/ann/remote/x", FS{FUSE, "fuse.sshfs", "/home/ann/remote", "ann@build.example.org:/src", nil}},
		{"workstation", "/run/user/1000/x", FS{Local, "tmpfs", "/run/user/1000", "tmpfs", nil}},
		{"workstation", "/run/user/1000/doc/x", FS{FUSE, "fuse.portal", "/run/user/1000/doc", "portal", nil}},
		{"workstation", "/media/ann/stick", FS{FUSE, "fuseblk", "/media/ann/stick", "/dev/sdb1", nil}},
		{"workstation", "/home/ann/team/fast/x", FS{Local, "xfs", "/home/ann/team/fast", "/dev/mapper/vg-home", nil}},
		{"workstation", "/srv/bound/x", FS{NFS, "nfs4", "/srv/bound", "filer.example.org:/export/team/sub/dir", nil}},
		{"workstation", "/mnt/stacked/x", FS{NFS, "nfs4", "/mnt/stacked", "filer.example.org:/stacked", nil}},
		{"workstation", "/mnt/back/x", FS{Local, "tmpfs", "/mnt/back", "none", nil}},
		{"workstation", "/mnt/tab\tand\\backslash #/x", FS{Unknown, "ceph", "/mnt/tab\tand\\backslash #", "192.0.2.9:6789:/", nil}},
		{"workstation", "/proc/1", FS{Unknown, "proc", "/proc", "proc", nil}},
		{"container", "/root", FS{Local, "overlay", "/", "overlay", []string{"nouserxattr"}}},
		{"container", "/data/x", FS{Local, "ext4", "/data", "/dev/vda1", nil}},
		{"container", "/host_mnt/x", FS{FUSE, "fuse.grpcfuse", "/host_mnt", "grpcfuse", nil}},
		{"container", "/src/x", FS{VirtioFS, "virtiofs", "/src", "virtiofs0", nil}},
		{"wsl", "/mnt/c/Users", FS{Ninep, "9p", "/mnt/c", `C:\`, []string{"dirsync", "access=client"}}},
		{"wsl", "/mnt/share/x", FS{SMB, "smb3", "/mnt/share", "//server/share", []string{"vers=3.0"}}},
		{"wsl", "/mnt/cx", FS{Local, "ext4", "/", "/dev/sdc", nil}},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", test.file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := find(strings.NewReader(string(text)), test.path)
		if err != nil {
			t.Errorf("%s: %s: %v", test.file, test.path, err)
			continue
		}
		for _, o := range test.want.Options {
			if !slices.Contains(got.Options, o) {
				t.Errorf("%s: %s: option %s is not in %q", test.file, test.path, o, got.Options)
			}
		}
		got.Options, test.want.Options = nil, nil
		if got.String() != test.want.String() || got.Source != test.want.Source || got.Kind != test.want.Kind || got.Type != test.want.Type {
			t.Errorf("%s: %s: got %+v, want %+v", test.file, test.path, got, test.want)
		}
		if got.Network() != (got.Kind != Local) {
			t.Errorf("%s: %s: Network() = %v", test.file, test.path, got.Network())
		}
	}
}

func TestFindErrors(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"garbage":       "garbage\n",
		"no separator":  "29 1 259:2 / / rw,relatime shared:1 ext4 /dev/sda rw\n",
		"cut":           "29 1 259:2 / / rw,relatime shared:1 - ext4\n",
		"does not hold": "29 1 259:2 / /mnt rw - ext4 /dev/sda rw\n",
	} {
		if got, err := find(strings.NewReader(text), "/home"); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	// No newline at the end, and a line longer than any buffer.
	text := "29 1 259:2 / / rw - overlay overlay rw,lowerdir=" + strings.Repeat("/x:", 100_000)
	if got, err := find(strings.NewReader(text), "/home"); err != nil || got.Type != "overlay" {
		t.Errorf("a long line: %+v, %v", got.Type, err)
	}
}

func TestOf(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		t.Skip("nothing is known of file systems on " + runtime.GOOS)
	}
	dir := t.TempDir()
	want, err := Of(dir)
	if err != nil || want.Kind == "" || want.MountPoint == "" {
		t.Fatalf("%+v, %v", want, err)
	}
	if err := os.Symlink("none/yet", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"none", "none/below/none", "dangling", "dangling/below"} {
		got, err := Of(filepath.Join(dir, name))
		if err != nil || got.String() != want.String() {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	// A link leads to where it points.
	if err := os.Symlink("/proc/self", filepath.Join(dir, "proc")); err != nil {
		t.Fatal(err)
	}
	if got, err := Of(filepath.Join(dir, "proc", "status")); err != nil || got.Type != "proc" || !got.Network() {
		t.Errorf("through a link: %+v, %v", got, err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if got, err := Of(filepath.Join(dir, "loop")); err == nil {
		t.Errorf("a link to itself: %+v", got)
	}
	// A relative path is one below the working directory.
	t.Chdir(dir)
	if got, err := Of("none"); err != nil || got.String() != want.String() {
		t.Errorf("relative: %v, %v", got, err)
	}
}
