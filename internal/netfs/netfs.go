// Package netfs tells what kind of file system a path is on. It states facts
// about the mount and tries nothing out; what follows from them is for the
// caller to decide.
//
// On Linux it reads /proc/self/mountinfo: statfs cannot tell the kinds of FUSE,
// 9p and virtiofs apart. The mount is the one with the longest mount point
// above the path; of several on one mount point, the last. Elsewhere it asks
// the system (macOS: statfs; Windows: GetDriveType), and on systems it knows
// nothing of, every path is Unknown.
//
// Local is a list of file systems that are known to live on this machine.
// Anything else is not: every FUSE file system (also those on a local disk,
// such as ntfs-3g: the mount does not say what is behind it), and what the list
// does not know. An overlay counts as local; what its layers are on is not
// looked at, since containers cannot see it.
package netfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kind is a kind of file system.
type Kind string

// The kinds.
const (
	Local    Kind = "local"
	NFS      Kind = "nfs"
	SMB      Kind = "smb"
	Ninep    Kind = "9p"
	VirtioFS Kind = "virtiofs"
	FUSE     Kind = "fuse"
	Unknown  Kind = "unknown"
)

// FS describes the file system that a path is on. What the system does not tell
// is empty.
type FS struct {
	Kind       Kind
	Type       string   // as the kernel names it, for example "nfs4" or "fuse.sshfs"
	MountPoint string   // absolute
	Source     string   // a device, or server:/path
	Options    []string // of the mount and of the file system, as the kernel shows them
}

// Network reports whether other machines may change the file system's files
// behind this one's back, or may do so for all that is known: everything that
// is not Local is taken for a network.
func (f FS) Network() bool { return f.Kind != Local }

// String describes the file system in a few words.
func (f FS) String() string {
	s := string(f.Kind)
	if f.Type != "" && f.Type != s {
		s += " (" + f.Type + ")"
	}
	if f.MountPoint != "" {
		s += " mounted on " + f.MountPoint
	}
	return s
}

// Of returns the file system that path is on. Symbolic links are followed. What
// does not exist yet is looked for where it would be created: in the nearest
// directory above it that exists.
func Of(path string) (FS, error) {
	resolved, err := resolve(path)
	if err != nil {
		return FS{}, fmt.Errorf("file system of %s: %w", path, err)
	}
	fs, err := of(resolved)
	if err != nil {
		return FS{}, fmt.Errorf("file system of %s: %w", path, err)
	}
	return fs, nil
}

// resolve returns path absolute and without symbolic links, or the nearest
// existing directory above it.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for links := 0; ; {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil {
			return resolved, nil
		}
		if !os.IsNotExist(err) {
			return "", err
		}
		// A link to what does not exist yet: the file will be where it points.
		if target, err := os.Readlink(path); err == nil && links < 40 {
			links++
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(path), target)
			}
			path = target
			continue
		}
		parent := filepath.Dir(path)
		if parent == path {
			return "", err
		}
		path = parent
	}
}

// local lists file systems of this machine, by the names that Linux, macOS and
// the BSDs give them.
var local = map[string]bool{
	"ext2": true, "ext3": true, "ext4": true, "xfs": true, "btrfs": true, "zfs": true,
	"f2fs": true, "bcachefs": true, "jfs": true, "reiserfs": true, "nilfs2": true,
	"tmpfs": true, "ramfs": true, "rootfs": true, "devtmpfs": true, "hugetlbfs": true,
	"overlay": true, "aufs": true, "squashfs": true, "erofs": true, "iso9660": true,
	"udf": true, "vfat": true, "exfat": true, "msdos": true, "ntfs3": true, "ntfs": true,
	"hfs": true, "hfsplus": true, "apfs": true, "ufs": true, "ffs": true, "minix": true,
}

var network = map[string]Kind{
	"nfs": NFS, "nfs4": NFS,
	"cifs": SMB, "smb3": SMB, "smbfs": SMB, "smb2": SMB,
	"9p":       Ninep,
	"virtiofs": VirtioFS,
	"fuse":     FUSE, "fuseblk": FUSE, "macfuse": FUSE, "osxfuse": FUSE,
}

// kindOf returns the kind of a file system by the kernel's name for it.
func kindOf(name string) Kind {
	if local[name] {
		return Local
	}
	if kind, ok := network[name]; ok {
		return kind
	}
	if strings.HasPrefix(name, "fuse.") || strings.HasPrefix(name, "fuseblk.") {
		return FUSE
	}
	return Unknown
}
