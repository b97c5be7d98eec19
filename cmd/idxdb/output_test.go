package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"owner/repo@main", "owner/repo@main"},
		{`ключ "x" \n 100%`, `ключ "x" \n 100%`},
		{"a\nb\tc\x00", `a\nb\tc\x00`},
		{"\x1b[31mred\x1b]0;title\a", `\x1b[31mred\x1b]0;title\a`},
		{"bad\xff\xc3", `bad\xff\xc3`},
		{"\u009b31m", `\u009b31m`},
		{"user\u202etxt.exe", `user\u202etxt.exe`},
		{"\U000e0041", `\U000e0041`},
		{"a�b", "a�b"}, // written so, not a mistake
	}
	for _, test := range tests {
		if got := printable(test.in); got != test.want {
			t.Errorf("printable(%q) = %q; want %q", test.in, got, test.want)
		}
	}
}

func TestWriteJSONHidesNothingAndEscapesControls(t *testing.T) {
	in := "a<b>\n\x1b[0m\x7f\u009b \u202e \U000e0041 ключ 😀"
	var b bytes.Buffer
	if err := writeJSON(&b, in); err != nil {
		t.Fatal(err)
	}
	want := `"a<b>\n\u001b[0m\u007f\u009b \u202e \udb40\udc41 ключ 😀"` + "\n"
	if b.String() != want {
		t.Errorf("got  %s want %s", &b, want)
	}
	var back string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != in {
		t.Errorf("read back as %q, %v", back, err)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[0m\xff\u009b")
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) {
			t.Errorf("printable(%q) is not UTF-8", s)
		}
		if again := printable(got); again != got {
			t.Errorf("printable(%q) = %q, which is not printable", s, got)
		}
		var b bytes.Buffer
		if err := writeJSON(&b, s); err != nil {
			t.Fatal(err)
		}
		if line := strings.TrimSuffix(b.String(), "\n"); printable(line) != line {
			t.Errorf("JSON %q is not printable", line)
		}
		var back string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("JSON of %q is read back as %q, %v", s, back, err)
		}
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestOutputErrors(t *testing.T) {
	broken := fmt.Errorf("write /dev/stdout: %w", syscall.EPIPE)
	if _, err := (&output{failingWriter{broken}}).Write(nil); !errors.Is(err, errBrokenPipe) {
		t.Errorf("broken pipe: %v", err)
	}
	full := errors.New("disk is full")
	if _, err := (&output{failingWriter{full}}).Write(nil); !errors.Is(err, full) || errors.Is(err, errBrokenPipe) {
		t.Errorf("full disk: %v", err)
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	tab := newTable(&b, "A", "BB")
	tab.row("long\tone", "x\ny")
	tab.flush()
	want := "A          BB\nlong\\tone  x\\ny\n"
	if b.String() != want {
		t.Errorf("got %q; want %q", &b, want)
	}
}

func TestClip(t *testing.T) {
	tests := []struct {
		in    string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ключи", 4, "клю…"}, {"", 1, ""}}
	for _, test := range tests {
		if got := clip(test.in, test.width); got != test.want {
			t.Errorf("clip(%q, %d) = %q; want %q", test.in, test.width, got, test.want)
		}
	}
}

// An app prints to nobody, and says so.
func TestConfirmReportsWriteErrors(t *testing.T) {
	full := errors.New("disk is full")
	a := &app{stdout: failingWriter{full}, stderr: io.Discard}
	if err := a.confirm(1, "done"); !errors.Is(err, full) {
		t.Errorf("confirm: %v", err)
	}
	a.json = true
	if err := a.confirm(1, "done"); !errors.Is(err, full) {
		t.Errorf("confirm as JSON: %v", err)
	}
	a.json, a.quiet = false, true
	if err := a.confirm(1, "done"); err != nil {
		t.Errorf("confirm wrote although it is to be quiet: %v", err)
	}
}
