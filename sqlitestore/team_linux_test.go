package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

func init() { roles["member"] = member }

// member becomes another user and does with a store what it is told.
func member(args []string, say func(...any), lines *bufio.Scanner) {
	path := args[0]
	uid, _ := strconv.Atoi(args[1])
	group, _ := strconv.Atoi(args[2])
	if err := errors.Join(syscall.Setgroups([]int{group}), syscall.Setresgid(uid, uid, uid), syscall.Setresuid(uid, uid, uid)); err != nil {
		say(err)
		return
	}
	say("ready")
	var s *sqlitestore.Store
	var l idxdb.Lease
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		var err error
		answer := "ok"
		switch verb {
		case "open", "read": // to change it, or only to read
			s, err = sqlitestore.Open(ctx, path, sqlitestore.Options{Create: verb == "open", ReadOnly: verb == "read"})
		case "save":
			_, err = saveWith(s, "key", rest, idxdb.SaveOptions{})
		case "load":
			var doc *idxdb.Document
			if doc, err = s.Load(context.Background(), "key", idxdb.LoadOptions{}); err == nil {
				var content []byte
				content, err = io.ReadAll(doc.Body)
				answer = string(content)
				doc.Body.Close()
			}
		case "vacuum":
			_, err = s.Vacuum(ctx, nil)
		case "lease":
			l, err = s.Lease(ctx, "key", idxdb.LeaseOptions{})
		case "release":
			err = l.Release(ctx)
		case "close":
			err = s.Close()
		}
		switch {
		case errors.Is(err, idxdb.ErrReadOnly):
			say("read-only: " + err.Error())
		case errors.Is(err, idxdb.ErrReplaced):
			say("replaced: " + err.Error())
		case errors.Is(err, fs.ErrPermission):
			say("permission: " + err.Error())
		case err != nil:
			say("error: " + err.Error())
		default:
			say(answer)
		}
	}
}

const teamGroup = 4711

// startMember starts a process of the user with this uid, in the team's group or
// another one.
func startMember(t *testing.T, path string, uid, group int, umask string) *child {
	t.Helper()
	// The program can be started only by root, so the child changes its user
	// itself; its umask counts from its start.
	cmd := exec.Command("sh", "-c", `umask "$1"; exec "$0"`, os.Args[0], umask)
	c := startChildCommand(t, cmd, "member", path, fmt.Sprint(uid), fmt.Sprint(group))
	if got := c.answer(); got != "ready" {
		t.Fatalf("user %d: %s", uid, got)
	}
	return c
}

// teamDirectory makes a directory that belongs to the group.
func teamDirectory(t *testing.T, mode uint32) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: files of a team; that takes root, to be several users")
	}
	dir, err := os.MkdirTemp("", "team") // the parents of t.TempDir are closed to others
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chown(dir, 65534, teamGroup))
	must(t, syscall.Chmod(dir, mode))
	return filepath.Join(dir, "team.idx")
}

// checkTeamFiles makes sure that the group can use every file beside the store.
func checkTeamFiles(t *testing.T, path string, mode fs.FileMode, want ...string) {
	t.Helper()
	seen := map[string]bool{}
	must(t, filepath.WalkDir(filepath.Dir(path), func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == filepath.Dir(path) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, path)
		if filepath.Dir(p) == path+".leases" {
			name = ".leases/"
		}
		seen[name] = true
		needs := mode
		if d.IsDir() {
			needs = fs.ModeDir | fs.ModeSetgid | 0o770
			info = dirInfo{info}
		}
		if gid := info.Sys().(*syscall.Stat_t).Gid; gid != teamGroup || info.Mode() != needs {
			t.Errorf("%q has mode %v and group %d, want %v and %d", name, info.Mode(), gid, needs, teamGroup)
		}
		return nil
	}))
	for _, name := range want {
		if !seen[name] {
			t.Errorf("there is no %q", name)
		}
	}
}

// dirInfo is a directory without the permissions of others, who may look into it.
type dirInfo struct{ fs.FileInfo }

func (d dirInfo) Mode() fs.FileMode { return d.FileInfo.Mode() &^ 0o007 }

// TestTeam has two users take turns in each order, with umasks that would keep the
// other one out.
func TestTeam(t *testing.T) {
	for _, umask := range []string{"077", "022"} {
		t.Run("umask"+umask, func(t *testing.T) {
			path := teamDirectory(t, 0o2770)
			a, b := startMember(t, path, 65534, teamGroup, umask), startMember(t, path, 1, teamGroup, umask)
			a.expect("open", "ok")
			a.expect("save 1", "ok")
			checkTeamFiles(t, path, 0o660, "", "-wal", "-shm", ".lock")
			b.expect("open", "ok")
			b.expect("load", "1")
			b.expect("save 2", "ok")
			a.expect("load", "2")
			a.expect("close", "ok")
			b.expect("save 3", "ok")
			b.expect("vacuum", "ok")
			b.expect("close", "ok")

			// Now the other one makes the files that exist only while it is open.
			b.expect("open", "ok")
			b.expect("save 4", "ok")
			checkTeamFiles(t, path, 0o660, "", "-wal", "-shm", ".lock")
			a.expect("open", "ok")
			a.expect("save 5", "ok")
			b.expect("load", "5")

			a.expect("lease", "ok")
			checkTeamFiles(t, path, 0o660, "", "-wal", "-shm", ".lock", ".leases", ".leases/")
			if got := b.ask("save 6"); !strings.Contains(got, "the lease on") {
				t.Errorf("without the lease, a save ends with %s", got)
			}
			a.expect("release", "ok")
			b.expect("lease", "ok")
			b.kill()
			a.expect("lease", "ok") // its file was used by both
			a.expect("release", "ok")
			a.expect("close", "ok")
			checkTeamFiles(t, path, 0o660, "", ".lock")
		})
	}
}

// TestReaderWithoutPermissionToWrite is for users who may read the file, but are
// not in the group.
func TestReaderWithoutPermissionToWrite(t *testing.T) {
	path := teamDirectory(t, 0o2775)
	a := startMember(t, path, 65534, teamGroup, "002")
	guest := startMember(t, path, 2, 2, "022")
	a.expect("open", "ok")
	a.expect("save 1", "ok")
	checkTeamFiles(t, path, 0o664, "", "-wal", "-shm", ".lock")

	// While somebody has it open, it can be read: the files that SQLite needs for
	// it are there.
	guest.expect("read", "ok")
	guest.expect("load", "1")
	a.expect("save 2", "ok")
	guest.expect("load", "2")
	a.expect("vacuum", "ok")
	guest.expect("load", "2")
	guest.expect("close", "ok")
	guest.expect("open", "ok") // it may still turn out that it only reads
	for _, change := range []string{"save 9", "vacuum", "lease"} {
		if got := guest.ask(change); !strings.HasPrefix(got, "read-only: ") || !strings.Contains(got, "needs write permission on its lock file and directory") {
			t.Errorf("%s by a guest: %s", change, got)
		}
	}
	guest.expect("close", "ok")

	// While nobody has, it can be read as it is.
	a.expect("close", "ok")
	guest.expect("read", "ok")
	guest.expect("load", "2")
	a.expect("open", "ok")
	a.expect("save 3", "ok")
	if got := guest.ask("load"); !strings.HasPrefix(got, "replaced: ") || !strings.Contains(got, "open it again") {
		t.Errorf("a guest whose file was opened by somebody who writes: %s", got)
	}
	guest.expect("close", "ok")
	guest.expect("read", "ok")
	guest.expect("load", "3")

	// It does not keep the others from anything.
	a.expect("save 4", "ok")
	a.expect("vacuum", "ok")
	a.expect("close", "ok")
	guest.expect("close", "ok")

	// What a killed writer leaves open can be read too.
	a.expect("open", "ok")
	a.expect("save 5", "ok")
	a.kill()
	guest.expect("read", "ok")
	guest.expect("load", "5")
	b := startMember(t, path, 1, teamGroup, "002")
	b.expect("open", "ok")
	b.expect("save 6", "ok")
	guest.expect("load", "6")
	guest.expect("close", "ok")
	b.expect("close", "ok")
	checkTeamFiles(t, path, 0o664, "", ".lock")

	// A guest that closes last cannot tidy up; the next one to write can.
	b.expect("open", "ok")
	b.expect("save 7", "ok")
	guest.expect("read", "ok")
	guest.expect("load", "7")
	b.expect("close", "ok")
	guest.expect("load", "7")
	guest.expect("close", "ok")
	checkTeamFiles(t, path, 0o664, "", "-wal", "-shm", ".lock")
	guest.expect("read", "ok")
	guest.expect("load", "7")
	guest.expect("close", "ok")
	b.expect("open", "ok")
	b.expect("save 8", "ok")
	b.expect("close", "ok")
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the next close, the log is still there: %v", err)
	}
}

// TestStranger may not even look.
func TestStranger(t *testing.T) {
	path := teamDirectory(t, 0o2770)
	a := startMember(t, path, 65534, teamGroup, "022")
	a.expect("open", "ok")
	a.expect("save 1", "ok")
	stranger := startMember(t, path, 2, 2, "022")
	for _, how := range []string{"read", "open"} {
		if got := stranger.ask(how); !strings.HasPrefix(got, "permission: ") {
			t.Errorf("%s: %s", how, got)
		}
	}
}
