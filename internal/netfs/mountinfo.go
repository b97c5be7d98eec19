package netfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// find returns the mount that path is on, by the text of a mountinfo file
// (proc_pid_mountinfo(5)). path is absolute and clean.
func find(mountinfo io.Reader, path string) (FS, error) {
	best, found := FS{}, false
	lines := bufio.NewReader(mountinfo)
	for {
		// Lines may be long: an overlay names all its layers.
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return FS{}, err
		}
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			fs, parseErr := parseLine(line)
			if parseErr != nil {
				return FS{}, parseErr
			}
			// Mounts come in the order they were made: of those on one mount
			// point, the last one hides the others.
			if within(path, fs.MountPoint) && (!found || len(fs.MountPoint) >= len(best.MountPoint)) {
				best, found = fs, true
			}
		}
		if err != nil {
			break
		}
	}
	if !found {
		return FS{}, fmt.Errorf("no mount holds %s", path)
	}
	best.Kind = kindOf(best.Type)
	return best, nil
}

// parseLine reads
//
//	36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// where any number of optional fields come before the "-".
func parseLine(line string) (FS, error) {
	fields := strings.Split(line, " ")
	dash := -1
	for i := 6; i < len(fields); i++ {
		if fields[i] == "-" {
			dash = i
			break
		}
	}
	if dash < 0 || len(fields) < dash+4 {
		return FS{}, fmt.Errorf("a line of mountinfo is malformed: %q", line)
	}
	fs := FS{
		MountPoint: unescape(fields[4]),
		Type:       unescape(fields[dash+1]),
		Source:     unescape(fields[dash+2]),
	}
	seen := map[string]bool{}
	for _, list := range []string{fields[5], strings.Join(fields[dash+3:], " ")} {
		for o := range strings.SplitSeq(list, ",") {
			if o = unescape(o); o != "" && !seen[o] {
				seen[o] = true
				fs.Options = append(fs.Options, o)
			}
		}
	}
	return fs, nil
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	if dir == "/" || path == dir {
		return true
	}
	return strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}

// unescape undoes the kernel's octal escapes of space, tab, newline, backslash
// and #.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] <= '3' && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
