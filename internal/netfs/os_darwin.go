package netfs

import "golang.org/x/sys/unix"

func of(path string) (FS, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return FS{}, err
	}
	fs := FS{
		Type:       unix.ByteSliceToString(st.Fstypename[:]),
		MountPoint: unix.ByteSliceToString(st.Mntonname[:]),
		Source:     unix.ByteSliceToString(st.Mntfromname[:]),
	}
	fs.Kind = kindOf(fs.Type)
	if fs.Kind == Local && st.Flags&unix.MNT_LOCAL == 0 {
		fs.Kind = Unknown
	}
	return fs, nil
}
