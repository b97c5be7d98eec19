package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var err error
	out := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	e := r.Environment
	out("%s\n%s, %d cores, %s of memory, %s, %s\nload before the run: %s\n", e.Date, e.CPU, e.Cores, bytesText(e.Memory), e.System, e.Go, e.Load)
	out("files on %s\n", e.Filesystem)
	for _, name := range slices.Sorted(maps.Keys(e.Versions)) {
		out("%s\n", e.Versions[name])
	}
	for i := range r.Rows {
		if err == nil {
			err = r.Rows[i].WriteText(w)
		}
	}
	if len(r.Limits) > 0 && err == nil {
		err = writeLimits(w, r.Limits)
	}
	for i := range r.Curves {
		if err == nil {
			err = r.Curves[i].WriteText(w)
		}
	}
	if err == nil {
		err = r.writeVerdicts(w)
	}
	return err
}

// WriteText prints one row as a table.
func (r *Row) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", r.Title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, e := range r.Entries {
		// The first column is padded here, for it is aligned to the left.
		name := fmt.Sprintf("  %-*s", r.nameWidth(), e.Name)
		if e.Skipped != "" {
			fmt.Fprintf(t, "%s\t–\t\t%s\t\t\n", name, e.Skipped)
			continue
		}
		ratio, spread, cpu := "", "", ""
		if e.Ratio != 0 {
			ratio = Number(e.Ratio) + "×"
		}
		if len(e.Samples) > 1 {
			spread = fmt.Sprintf("(%s … %s)", Number(e.Low), Number(e.High))
		}
		if e.CPU > 0 {
			cpu = "cpu " + Number(e.CPU) + " ms"
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\t\n", name, Number(e.Median), r.Unit, ratio, spread, cpu)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, v := range r.Verdicts {
		fmt.Fprintf(w, "  → %s\n", v)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
	return nil
}

func (r *Row) nameWidth() (n int) {
	for _, e := range r.Entries {
		n = max(n, len([]rune(e.Name)))
	}
	return n
}

// String returns the verdict in one line.
func (v Verdict) String() string {
	sign := "≤"
	if v.AtLeast {
		sign = "≥"
	}
	wanted := fmt.Sprintf("limit %s %s%s, aim %s%s", sign, Number(v.Limit), v.Unit, Number(v.Aim), v.Unit)
	if v.Open != "" {
		figure := ""
		if v.Measured != 0 {
			figure = Number(v.Measured) + v.Unit + ", "
		}
		return fmt.Sprintf("%s: %snot judged: %s (%s)", v.What, figure, v.Open, wanted)
	}
	verdict := "ok"
	switch {
	case !v.OK():
		verdict = "MISSED"
	case v.reaches(v.Aim):
		verdict = "ok, aim reached"
	}
	return fmt.Sprintf("%s: %s%s, %s: %s", v.What, Number(v.Measured), v.Unit, wanted, verdict)
}

func (r *Report) writeVerdicts(w io.Writer) error {
	var ok, missed, open int
	fmt.Fprintf(w, "\nwhat is to be reached\n")
	for _, row := range r.Rows {
		for _, v := range row.Verdicts {
			switch {
			case v.Open != "":
				open++
			case v.OK():
				ok++
			default:
				missed++
			}
			fmt.Fprintf(w, "  %s\n", v)
		}
	}
	_, err := fmt.Fprintf(w, "%d ok, %d missed, %d not judged\n", ok, missed, open)
	return err
}

func writeLimits(w io.Writer, limits []Limit) error {
	fmt.Fprintf(w, "\nlimits of this machine, and how close the stages are\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, l := range limits {
		share := ""
		if l.Bound > 0 {
			share = fmt.Sprintf("%.0f %% of %s", 100*l.Speed/l.Bound, l.Of)
		}
		fmt.Fprintf(t, "  %-42s\t%s %s\t%s\t\n", l.Stage, Number(l.Speed), l.Unit, share)
	}
	return t.Flush()
}

// WriteText prints the curve as a table.
func (c *Curve) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", c.Title)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "  %s\t\n", strings.Join(c.Columns, "\t"))
	for _, p := range c.Points {
		for _, x := range p {
			text := Number(x)
			if x < 0 {
				text = "–"
			}
			fmt.Fprintf(t, "%s\t", text)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, note := range c.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
	return nil
}

// Number prints x with three significant digits, or all digits of a large one.
func Number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x >= 100 || x <= -100:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case x >= 0.1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'f', 3, 64)
}

func bytesText(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.0f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}
