package netfs

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

func of(path string) (FS, error) {
	volume := filepath.VolumeName(path)
	fs := FS{Kind: Unknown, MountPoint: volume + `\`}
	if strings.HasPrefix(volume, `\\`) && !strings.HasPrefix(volume, `\\?\`) && !strings.HasPrefix(volume, `\\.\`) {
		fs.Kind, fs.Source = SMB, volume // or another redirector: all are remote
		return fs, nil
	}
	root, err := windows.UTF16PtrFromString(fs.MountPoint)
	if err != nil {
		return FS{}, err
	}
	switch windows.GetDriveType(root) {
	case windows.DRIVE_FIXED, windows.DRIVE_REMOVABLE, windows.DRIVE_RAMDISK, windows.DRIVE_CDROM:
		fs.Kind = Local
	case windows.DRIVE_REMOTE:
		fs.Kind = SMB
	}
	return fs, nil
}
