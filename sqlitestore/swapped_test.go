//go:build linux

package sqlitestore_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
	"golang.org/x/sys/unix"
)

// TestBackupPutInPlaceOfAnOpenStore: the log of the file that was there before
// must not be replayed into the backup, and what was saved is in the file that was
// moved away. The backup is opened once the user has given the log up.
func TestBackupPutInPlaceOfAnOpenStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	must(t, s.Close())
	backup, moved := path+".backup", path+".moved"
	must(t, os.WriteFile(backup, []byte(snapshot(t, path)), 0o644))

	s, idle := open(t, path), open(t, path)
	for i := range 50 {
		save(t, s, "key", document(uint64(i), 100))
	}
	last := load(t, s, "key", 0)
	must(t, os.Rename(path, moved))
	must(t, os.Rename(backup, path))

	wantRefused(t, path) // before the old ones know
	must(t, os.Remove(path+"-wal"))
	must(t, os.Remove(path+"-shm"))
	after := open(t, path)
	if got := load(t, after, "key", 0); got != `{"a":1}` {
		t.Errorf("the backup has %.100s", got)
	}
	save(t, after, "key", `{"a":2}`)
	_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(`{"a":3}`)}, idxdb.SaveOptions{})
	if !errors.Is(err, idxdb.ErrReplaced) {
		t.Errorf("save to the old file: %v, want ErrReplaced", err)
	}
	if _, err := idle.Vacuum(ctx, nil); !errors.Is(err, idxdb.ErrReplaced) {
		t.Errorf("vacuum of the old file: %v, want ErrReplaced", err)
	}
	must(t, s.Close())
	must(t, idle.Close())
	clean(t, after)
	if got := load(t, after, "key", 0); got != `{"a":2}` {
		t.Errorf("the new file has %.100s", got)
	}
	old := open(t, moved)
	clean(t, old)
	if got := load(t, old, "key", 0); got != last {
		t.Errorf("the file that was moved away has %.100s", got)
	}
}

// TestCloseOfAMovedStore: SQLite itself does not bring the log into a file that
// was moved.
func TestCloseOfAMovedStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	must(t, os.Rename(path, path+".moved"))
	must(t, s.Close())
	if got := load(t, open(t, path+".moved"), "key", 0); got != `{"a":1}` {
		t.Errorf("the moved file has %s", got)
	}
	// And a new store in its place begins empty, and says what it found.
	next, warnings := openWarned(t, path)
	if got := names(t, next); got != "" {
		t.Errorf("a new store has %s", got)
	}
	aside := wantAside(t, path)
	if len(*warnings) != 1 || !strings.Contains((*warnings)[0], aside) {
		t.Errorf("the log is %s, the warnings are %q", aside, *warnings)
	}
}

// TestLogOfAnotherStore: a store with another lineage is put in the place of one
// whose process was killed. The log cannot be its own.
func TestLogOfAnotherStore(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		path := killed(t)
		log := snapshot(t, path+"-wal")
		must(t, os.Rename(newFile(t), path))
		var warnings []string
		s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{
			ReadOnly: readOnly,
			Warn:     func(text string) { warnings = append(warnings, text) },
		})
		must(t, err)
		if got := names(t, s); got != "key" {
			t.Errorf("the other store has %s", got)
		}
		clean(t, s)
		must(t, s.Close())
		aside := wantAside(t, path)
		if snapshot(t, aside) != log {
			t.Error("what was put aside is not the log")
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], aside) || !strings.Contains(warnings[0], path+"-wal had") {
			t.Errorf("warnings %q", warnings)
		}
	}
}

// TestLogOfAKilledProcess: whether the file that was put in place is the same one
// or an older one, nobody opens it before the user has said.
func TestLogOfAKilledProcess(t *testing.T) {
	for name, test := range map[string]struct {
		replace string // $S is the store, $B a backup of it
		settle  string // "" is the command in the message that begins so
		want    string
	}{
		"CopyKept":   {"cp $S $S.t && mv $S.t $S", "cp ", "first saved0 saved1 saved2"},
		"CopyGiven":  {"cp $S $S.t && mv $S.t $S", "rm ", "first"},
		"BackupUsed": {"mv $B $S", "rm ", "first"},
	} {
		t.Run(name, func(t *testing.T) {
			path := killed(t)
			shell(t, path, test.replace)
			before, log := snapshot(t, path), snapshot(t, path+"-wal")
			text := wantRefused(t, path)
			if snapshot(t, path) != before || snapshot(t, path+"-wal") != log {
				t.Error("the refusal changed the files")
			}
			// A user pastes what the message says.
			at := strings.Index(text, ": "+test.settle)
			if at < 0 {
				t.Fatalf("no command that begins with %q in: %s", test.settle, text)
			}
			command, _, _ := strings.Cut(text[at+2:], ". If")
			shell(t, path, command)
			s := open(t, path)
			if got := names(t, s); got != test.want {
				t.Errorf("the store has %s, want %s", got, test.want)
			}
			clean(t, s)
			save(t, s, "next", `{"a":1}`)
			must(t, s.Close())
			if got, want := names(t, open(t, path)), strings.Replace(test.want, "first", "first next", 1); got != want {
				t.Errorf("opened again, the store has %s, want %s", got, want)
			}
		})
	}
}

// TestLogBesideUnreadableFile: what cannot be read proves nothing.
func TestLogBesideUnreadableFile(t *testing.T) {
	path := killed(t)
	other := newFile(t)
	execSQL(t, other, "UPDATE meta SET checksum = x'00'")
	must(t, os.Rename(other, path))
	wantRefused(t, path)
}

// TestLogWithUnknownLineage: an owner without a lineage proves nothing either.
func TestLogWithUnknownLineage(t *testing.T) {
	path := killed(t)
	var buf [256]byte
	n, err := unix.Getxattr(path+"-wal", "user.idxdb.database", buf[:])
	must(t, err)
	fields := strings.Fields(string(buf[:n]))
	if len(fields) != 3 {
		t.Fatalf("the log belongs to %q", buf[:n])
	}
	must(t, unix.Setxattr(path+"-wal", "user.idxdb.database", []byte(fields[0]+" "+fields[1]), 0))
	must(t, os.Rename(newFile(t), path))
	wantRefused(t, path)
}

// TestEmptyLogOfAnotherFile: a log without commits is in nobody's way.
func TestEmptyLogOfAnotherFile(t *testing.T) {
	path := killed(t)
	must(t, os.Truncate(path+"-wal", 0))
	shell(t, path, "mv $B $S")
	s, warnings := openWarned(t, path)
	if got := names(t, s); got != "first" || len(*warnings) != 0 {
		t.Errorf("the store has %s, the warnings are %q", got, *warnings)
	}
}

// TestKilledProcessItself: nothing is in the way of who opens the file where it is.
func TestKilledProcessItself(t *testing.T) {
	s, warnings := openWarned(t, killed(t))
	if got := names(t, s); got != "first saved0 saved1 saved2" || len(*warnings) != 0 {
		t.Errorf("the store has %s, the warnings are %q", got, *warnings)
	}
}

// TestCopiedLogIsClaimed: the note on a log that was copied, attributes and all,
// names another log. Whoever opens it writes a new one.
func TestCopiedLogIsClaimed(t *testing.T) {
	path := killed(t)
	shell(t, path, "cp -a $S-wal $S.t && mv $S.t $S-wal")
	c := startChild(t, "saver", path)
	if got := c.answer(); got != "ready" {
		t.Fatalf("the child said %q", got)
	}
	c.signal(syscall.SIGKILL)
	_ = c.cmd.Wait() // "signal: killed"
	shell(t, path, "mv $B $S")
	wantRefused(t, path)
}

// TestSchemeWarns: the warning reaches who opens a store by its URL.
func TestSchemeWarns(t *testing.T) {
	path := killed(t)
	must(t, os.Rename(newFile(t), path))
	var warnings []string
	var mux idxdb.Mux
	mux.Register(sqlitestore.SchemeWarn(func(text string) { warnings = append(warnings, text) }))
	s, err := mux.Open(ctx, "sqlite:"+path, idxdb.OpenOptions{ReadOnly: true})
	must(t, err)
	must(t, s.Close())
	if len(warnings) != 1 {
		t.Errorf("warnings %q", warnings)
	}
}

// TestLogInTheWay: what cannot be put aside is not used.
func TestLogInTheWay(t *testing.T) {
	path := killed(t)
	must(t, os.Rename(newFile(t), path))
	must(t, os.Remove(path+"-shm"))
	must(t, os.MkdirAll(path+"-shm/full", 0o755))
	for range 2 { // the first time leaves nothing half done
		wantRefused(t, path)
	}
}

func TestHardLinkAdvice(t *testing.T) {
	path := killed(t)
	must(t, os.Link(path, path+".link"))
	_, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	if !errors.Is(err, idxdb.ErrUnsupported) || !strings.Contains(err.Error(), path+"-wal") {
		t.Errorf("a file with two names: %v, want ErrUnsupported with a word on the log", err)
	}
	must(t, os.Remove(path+".link"))
	if got := names(t, open(t, path)); got != "first saved0 saved1 saved2" {
		t.Errorf("with one name again, the store has %s", got)
	}
}

func TestLogDeletedUnderAnOpenStore(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm"} {
		path := filepath.Join(t.TempDir(), "team.idx")
		s := open(t, path)
		save(t, s, "key", `{"a":1}`)
		must(t, os.Remove(path+suffix))
		_, err := s.Save(ctx, "key", idxdb.Documents{State: strings.NewReader(`{"a":2}`)}, idxdb.SaveOptions{})
		if !errors.Is(err, idxdb.ErrReplaced) {
			t.Errorf("%s deleted: %v, want ErrReplaced", suffix, err)
		}
	}
}

// TestCopyWithItsLog: a log that was copied together with its file, attributes
// and all, is that file's.
func TestCopyWithItsLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	save(t, s, "key", `{"a":1}`)
	copied := filepath.Join(t.TempDir(), "copy.idx")
	// Another process: closing the files would drop this one's locks.
	for _, suffix := range []string{"", "-wal"} {
		if out, err := exec.Command("cp", "-a", path+suffix, copied+suffix).CombinedOutput(); err != nil {
			t.Fatalf("cp -a: %v: %s", err, out)
		}
	}
	if got := load(t, open(t, copied), "key", 0); got != `{"a":1}` {
		t.Errorf("the copy has %s", got)
	}
}

func init() {
	// saver PATH: each line is a key to save.
	roles["saver"] = func(args []string, say func(...any), lines *bufio.Scanner) {
		s, err := sqlitestore.Open(ctx, args[0], sqlitestore.Options{})
		if err != nil {
			say(err)
			return
		}
		say("ready")
		for lines.Scan() {
			_, err := s.Save(ctx, lines.Text(), idxdb.Documents{State: strings.NewReader(`{"a":1}`)}, idxdb.SaveOptions{})
			say("saved", err)
		}
	}
}

// killed returns the path of a store with the key first in its file and three more
// in its log only, since the process that saved them was killed. Beside it lies a
// backup without those, named PATH.backup.
func killed(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a team's.idx")
	s := open(t, path)
	save(t, s, "first", `{"a":1}`)
	must(t, s.Close())
	must(t, os.WriteFile(path+".backup", []byte(snapshot(t, path)), 0o644))
	c := startChild(t, "saver", path)
	if got := c.answer(); got != "ready" {
		t.Fatalf("the child said %q", got)
	}
	for i := range 3 {
		c.expect(fmt.Sprint("saved", i), "saved <nil>")
	}
	c.signal(syscall.SIGKILL)
	_ = c.cmd.Wait() // "signal: killed"
	return path
}

// shell runs a command in the store's directory. $S is the store, $B its backup.
func shell(t *testing.T, path, command string) {
	t.Helper()
	command = strings.NewReplacer("$S", `"$S"`, "$B", `"$S".backup`).Replace(command)
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = filepath.Dir(path), append(os.Environ(), "S="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

// wantRefused opens the store in vain, for writing and for reading, and returns
// what the error says.
func wantRefused(t *testing.T, path string) string {
	t.Helper()
	var text string
	for _, opts := range []sqlitestore.Options{{ReadOnly: true}, {Create: true}} {
		s, err := sqlitestore.Open(ctx, path, opts)
		if err == nil {
			must(t, s.Close())
		}
		if !errors.Is(err, idxdb.ErrReplaced) {
			t.Fatalf("open %+v: %v, want ErrReplaced", opts, err)
		}
		text = err.Error()
	}
	return text
}

func openWarned(t *testing.T, path string) (*sqlitestore.Store, *[]string) {
	t.Helper()
	var warnings []string
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{
		Create: true,
		Warn:   func(text string) { warnings = append(warnings, text) },
	})
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, &warnings
}

// wantAside returns the name of the one log that was put aside.
func wantAside(t *testing.T, path string) string {
	t.Helper()
	list, err := filepath.Glob(path + "-wal.replaced-*")
	must(t, err)
	if len(list) != 1 {
		t.Fatalf("put aside: %q", list)
	}
	return list[0]
}

func names(t *testing.T, s *sqlitestore.Store) string {
	t.Helper()
	var list []string
	for v, err := range s.List(ctx, idxdb.ListOptions{}) {
		must(t, err)
		list = append(list, v.Key)
	}
	return strings.Join(list, " ")
}
