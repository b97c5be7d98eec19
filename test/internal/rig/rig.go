// Package rig is what the test rigs in this directory have in common: seeds,
// time budgets, and a voice for what could not be tested.
package rig

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// NotTestedFile is the environment variable that names a file to which
// [NotTested] appends a line, since go test shows the output of a package that
// passed only if asked to.
const NotTestedFile = "IDXDB_NOT_TESTED"

// RequireAll is the environment variable that, if set to 1, makes [NotTested]
// fail: for machines that are known to have what the rigs need.
const RequireAll = "IDXDB_REQUIRE_RIGS"

// NotTested ends the test as skipped, and says loudly what that leaves untested
// and what is missing.
func NotTested(t testing.TB, what, missing string) {
	t.Helper()
	line := fmt.Sprintf("NOT TESTED: %s: %s (%s)", what, missing, t.Name())
	if os.Getenv(RequireAll) == "1" {
		t.Fatal(line)
	}
	fmt.Fprintln(os.Stderr, line)
	if path := os.Getenv(NotTestedFile); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		_, err = fmt.Fprintln(f, line)
		if closeErr := f.Close(); err != nil || closeErr != nil {
			t.Fatalf("%s: %v, %v", line, err, closeErr)
		}
	}
	t.Skip(line)
}

// Seed returns the seed in the environment variable name, or a random one, and
// logs it, so that a failure tells how to come back to it.
func Seed(t testing.TB, name string) uint64 {
	t.Helper()
	seed := rand.Uint64() >> 1
	if text := os.Getenv(name); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	t.Logf("seed: %s=%d", name, seed)
	return seed
}

// Duration returns the duration in the environment variable name, or def.
func Duration(t testing.TB, name string, def time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("%s=%s is not a duration such as 1h30m", name, text)
	}
	return d
}

// Int returns the number in the environment variable name, or def.
func Int(t testing.TB, name string, def int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("%s=%s is not a number above 0", name, text)
	}
	return n
}

// Env is an environment without the variables of that name, and with name=value.
func Env(name, value string) []string {
	var list []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, name+"=") {
			list = append(list, v)
		}
	}
	return append(list, name+"="+value)
}
