package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/idxdb/idxdb/internal/filelock"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script show every command and every exit code. Besides
// what testscript has, they use:
//
//	exits CODE idxdb ARG...      run it, and demand this exit code
//	json FILE PATH [VALUE]       the JSON in FILE has this VALUE at PATH ("0.key"); without VALUE, anything
//	jsonfields FILE PATH NAME... the object at PATH has these fields and no other
//	jsonenv VAR FILE PATH        set VAR to the text or number at PATH
//	goenv VAR STRING             set VAR to a string in Go's syntax, for odd bytes
//	genjson SIZE SEED FILE       make a JSON document of about SIZE bytes
//	damage FILE                  overwrite 64 bytes in the middle of FILE
//	snapshot NAME FILE...        remember the bytes of files and of all files in directories
//	[!] unchanged NAME           they still are what they were
//	hold FILE                    hold this lock file until the script ends
//	mkfifo FILE                  make a named pipe
//	signal SIG CODE (FIFO|-) idxdb ARG...
//	                             run it, write half a document to FIFO or its stdin, send SIG,
//	                             and demand this exit code
//	stuck SIG CODE idxdb ARG...  run it, read one byte of its stdout and no more, send SIG,
//	                             and demand this exit code
//	watched CODE KEY idxdb ARG... run it, save KEY until it writes a line to stdout (or stderr, if the
//	                             store is watched with --exec false), interrupt it, and demand this exit code
//	brokenpipe CODE idxdb ARG... run it, read one byte of its stdout, close that
//
// Those in script/both run once for each kind of store, which $IDXDB_STORE names.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"idxdb": main})
}

func TestScripts(t *testing.T) {
	runScripts(t, "testdata/script", "", nil)
}

func TestScriptsSQLite(t *testing.T) {
	runScripts(t, "testdata/script/sqlite", "sqlite:team.idx", nil)
}

func TestScriptsFile(t *testing.T) {
	runScripts(t, "testdata/script/file", "file:team", nil)
}

func TestScriptsBoth(t *testing.T) {
	for name, store := range map[string]string{"sqlite": "sqlite:team.idx", "file": "file:team"} {
		t.Run(name, func(t *testing.T) {
			runScripts(t, "testdata/script/both", store, func(cond string) (bool, error) {
				switch cond {
				case "sqlite", "file":
					return cond == name, nil
				}
				return false, fmt.Errorf("unknown condition %q", cond)
			})
		})
	}
}

func runScripts(t *testing.T, dir, store string, condition func(string) (bool, error)) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           condition,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("LocalAppData", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_DATA_HOME", "")
			e.Setenv("CONTEXT_CONNECTORS_STORE_PATH", "")
			e.Setenv("TZ", "UTC")
			e.Setenv("IDXDB_STORE", store)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each command sleeps a second
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":      cmdExits,
			"json":       cmdJSON,
			"jsonfields": cmdJSONFields,
			"jsonenv":    cmdJSONEnv,
			"goenv":      cmdGoEnv,
			"genjson":    cmdGenJSON,
			"damage":     cmdDamage,
			"snapshot":   cmdSnapshot,
			"unchanged":  cmdUnchanged,
			"hold":       cmdHold,
			"mkfifo":     cmdMkfifo,
			"signal":     cmdSignal,
			"stuck":      cmdStuck,
			"brokenpipe": cmdBrokenPipe,
			"watched":    cmdWatched,
		},
	})
}

// want ends the script unless a command has the arguments it needs.
func want(ts *testscript.TestScript, neg, ok bool) {
	if neg || !ok {
		ts.Fatalf("wrong use of the command")
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 2)
	err := ts.Exec(args[1], args[2:]...)
	checkExit(ts, args[0], err)
}

func checkExit(ts *testscript.TestScript, want string, err error) {
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, not %s", code, want)
	}
}

// lookup returns what is at path, names and indexes with dots between them, in
// the one JSON value that file is.
func lookup(ts *testscript.TestScript, file, path string) any {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
		ts.Fatalf("%s is not JSON: %v", file, err)
	}
	if path == "." {
		return v
	}
	for step := range strings.SplitSeq(path, ".") {
		var ok bool
		switch x := v.(type) {
		case map[string]any:
			v, ok = x[step]
		case []any:
			if step == "length" {
				v, ok = float64(len(x)), true
				break
			}
			if i, err := strconv.Atoi(step); err == nil && i < len(x) {
				v, ok = x[i], true
			}
		}
		if !ok {
			ts.Fatalf("%s has nothing at %s", file, path)
		}
	}
	return v
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2 || len(args) == 3)
	got := lookup(ts, args[0], args[1])
	if len(args) == 2 {
		return
	}
	var v any
	if err := json.Unmarshal([]byte(args[2]), &v); err != nil {
		ts.Fatalf("%s is not JSON: %v", args[2], err)
	}
	if !reflect.DeepEqual(got, v) {
		text, _ := json.Marshal(got) // it came from JSON
		ts.Fatalf("%s has %s at %s, not %s", args[0], text, args[1], args[2])
	}
}

func cmdJSONFields(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 2)
	object, ok := lookup(ts, args[0], args[1]).(map[string]any)
	if !ok {
		ts.Fatalf("%s has no object at %s", args[0], args[1])
	}
	got, names := slices.Sorted(maps.Keys(object)), slices.Sorted(slices.Values(args[2:]))
	if !slices.Equal(got, names) {
		ts.Fatalf("%s has the fields %q at %s, not %q", args[0], got, args[1], names)
	}
}

func cmdJSONEnv(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 3)
	ts.Setenv(args[0], fmt.Sprint(lookup(ts, args[1], args[2])))
}

func cmdGoEnv(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2)
	s, err := strconv.Unquote(args[1])
	ts.Check(err)
	ts.Setenv(args[0], s)
}

func cmdGenJSON(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 3)
	size, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), generate(size, args[1]), 0o666))
}

// generate makes a JSON document of about size bytes that does not compress to
// nothing. Different seeds make different documents.
func generate(size int, seed string) []byte {
	doc := []byte(`{"blobs":[`)
	for i := 0; len(doc) < size; i++ {
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = fmt.Appendf(doc, `"%x"`, sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, i)))
	}
	return append(doc, "]}\n"...)
}

func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1)
	data := []byte(ts.ReadFile(args[0]))
	for i := range 64 {
		data[len(data)/2+i] ^= 0x5a
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o666))
}

func cmdSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 2)
	ts.Setenv("snapshot_"+args[0], strings.Join(args[1:], "\n"))
	ts.Setenv("snapshot_"+args[0]+"_is", digest(ts, args[1:]))
}

func cmdUnchanged(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, false, len(args) == 1)
	paths := ts.Getenv("snapshot_" + args[0])
	if paths == "" {
		ts.Fatalf("there is no snapshot %s", args[0])
	}
	before, now := ts.Getenv("snapshot_"+args[0]+"_is"), digest(ts, strings.Split(paths, "\n"))
	if (before == now) == neg {
		ts.Fatalf("before:\n%s\nnow:\n%s", before, now)
	}
}

// digest returns the path and digest of each file in paths, one a line.
func digest(ts *testscript.TestScript, paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		ts.Check(filepath.WalkDir(ts.MkAbs(path), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%x %s\n", sha256.Sum256(data), path)
			return err
		}))
	}
	return b.String()
}

func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1)
	lock := filelock.New(ts.MkAbs(args[0]), filelock.Options{Create: true})
	release, err := lock.Acquire(context.Background(), "vacuum")
	ts.Check(err)
	ts.Defer(func() {
		if err := errors.Join(release(), lock.Close()); err != nil {
			ts.Logf("give the lock back: %v", err)
		}
	})
}

func cmdBrokenPipe(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 2)
	cmd := command(ts, args[1:])
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, 1))
	ts.Check(err)
	ts.Check(stdout.Close())
	checkExit(ts, args[0], cmd.Wait())
	if stderr.Len() > 0 {
		ts.Fatalf("it complained: %s", &stderr)
	}
}

// command is one of the script's programs, to be started by hand.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path, err := exec.LookPath(filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], args[0]))
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "PATH", "TZ", "TMPDIR", "IDXDB_STORE", "GOCOVERDIR", "GORACE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}
