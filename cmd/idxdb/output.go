package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"unicode/utf16"
	"unicode/utf8"
)

// errBrokenPipe is a write to a stdout that nobody reads any more.
var errBrokenPipe = errors.New("the reader of the output has gone")

// output is stdout. It tells its own broken pipe from any other.
type output struct{ w io.Writer }

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return n, errBrokenPipe
	}
	if err != nil {
		return n, fmt.Errorf("write the output: %w", err)
	}
	return n, nil
}

// print writes v as JSON if that was asked for, else the text that human
// writes.
func (a *app) print(v any, human func(w io.Writer)) error {
	if a.json {
		return writeJSON(a.stdout, v)
	}
	var b bytes.Buffer
	human(&b)
	_, err := a.stdout.Write(b.Bytes())
	return err
}

// confirm is print for what a person need not read: --quiet leaves it out.
func (a *app) confirm(v any, format string, args ...any) error {
	if a.quiet && !a.json {
		return nil
	}
	return a.print(v, func(w io.Writer) { fmt.Fprintln(w, printable(fmt.Sprintf(format, args...))) })
}

// writeJSON writes v as one line of JSON, in which every character that a
// terminal could act on is escaped.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := w.Write(append(escapeJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), '\n'))
	return err
}

// escapeJSON writes what is not printable in src, which is JSON, as \u escapes.
// The encoder has already done so for ASCII.
func escapeJSON(src []byte) []byte {
	dst := make([]byte, 0, len(src))
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		switch {
		case r == 0x7f || r > 0xffff && !strconv.IsPrint(r):
			for _, unit := range utf16.AppendRune(nil, r) {
				dst = fmt.Appendf(dst, `\u%04x`, unit)
			}
		case r > 0x7f && !strconv.IsPrint(r):
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, src[:n]...)
		}
		src = src[n:]
	}
	return dst
}

// printable returns s with everything escaped, as in a Go string, that a
// terminal could act on or would not show: a store may hold what somebody hostile
// put there.
func printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[n:]
	}
	return b.String()
}

// clip returns s in at most width characters.
func clip(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// A table is aligned columns of text. The last column may be of any width.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, headings ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(headings...)
	return t
}

func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = printable(cell) // no tab is left to be taken for a border
	}
	// The buffer behind it takes every write.
	_, _ = io.WriteString(t.w, strings.Join(cells, "\t")+"\n")
}

func (t table) flush() { _ = t.w.Flush() }
