package filelock

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/idxdb/idxdb"
)

const (
	maxRecord  = 4096 // bytes of the lock file that are looked at
	maxCommand = 512  // bytes of the command line that are written down
)

// Self returns this process as the holder of a lock, doing operation since now.
func Self(operation string) idxdb.Holder {
	h := self()
	h.Operation = operation
	h.Since = time.Now().UTC()
	return h
}

var self = sync.OnceValue(func() idxdb.Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return idxdb.Holder{User: userName(), Host: host, PID: os.Getpid(), Command: CommandLine(os.Args)}
})

func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return strconv.Itoa(os.Getuid())
}

// CommandLine joins args for people to read, cut if they are long, and without
// what URLs among them may give away: others read it.
func CommandLine(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		// An option's value may be a URL too: --store=redis://…
		if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") {
			words[i] = name + "=" + idxdb.Redact(value)
		} else {
			words[i] = idxdb.Redact(arg)
		}
	}
	line := strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
	if len(line) > maxCommand {
		cut := maxCommand - len("…")
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		line = line[:cut] + "…"
	}
	return line
}

// writeRecord puts h into the lock file. It returns no error, because the lock
// is held with or without a record, and a full disk must not keep anyone from
// deleting things.
func writeRecord(path string, h idxdb.Holder) {
	text, err := json.Marshal(h)
	if err != nil || len(text) >= maxRecord {
		return
	}
	text = append(text, '\n')
	f, err := os.OpenFile(path, os.O_WRONLY|openFlags, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.WriteAt(text, recordOffset); err == nil {
		_ = f.Truncate(recordOffset + int64(len(text)))
	}
}

func clearRecord(path string) {
	if f, err := os.OpenFile(path, os.O_WRONLY|openFlags, 0); err == nil {
		_ = f.Truncate(recordOffset)
		f.Close()
	}
}

// readRecord returns the record in the lock file, or the zero Holder, which
// reads "a process that left no record".
func readRecord(path string) idxdb.Holder {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return idxdb.Holder{}
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, recordOffset, maxRecord))
	if err != nil {
		return idxdb.Holder{}
	}
	var h idxdb.Holder
	// Only the first value counts: the end of a longer, older record may still
	// stand behind it.
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&h); err != nil || h.PID <= 0 {
		return idxdb.Holder{}
	}
	h.User, h.Host = printable(h.User), printable(h.Host)
	h.Command, h.Operation = printable(h.Command), printable(h.Operation)
	return h
}

// printable takes out what could play tricks on a terminal: anyone who may write
// the lock file may write anything into it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
