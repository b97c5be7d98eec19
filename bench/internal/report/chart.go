package report

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// The chart's measures, in pixels. It is as wide as a README shows it.
const (
	chartWidth  = 800
	labelWidth  = 230
	valueWidth  = 150
	barHeight   = 18
	barGap      = 6
	panelGap    = 26
	titleHeight = 28
	barWidth    = chartWidth - labelWidth - valueWidth
)

// Colours that can be read on white and on black alike.
const (
	textColour  = "#808890"
	peerColour  = "#8b949e"
	idxdbColour = "#2f81f7"
)

// WriteChart draws the rows with these ids as an SVG of bars, shorter is better.
// Rows that are not there are left out. A bar that is more than eight times as
// long as the median one is cut, and drawn as such.
func (r *Report) WriteChart(w io.Writer, ids []string) error {
	var body strings.Builder
	y := 8
	for _, id := range ids {
		i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.ID == id })
		if i >= 0 {
			y = r.Rows[i].draw(&body, y) + panelGap
		}
	}
	fmt.Fprintf(&body, `<text x="0" y="%d" class="t s">%s. Medians; shorter is better.</text>`+"\n", y, html.EscapeString(r.Environment.line()))
	height := y + 10
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="idxdb beside what one would use without it">
<style>.t{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:14px;fill:%s}.h{font-size:15px;font-weight:600}.s{font-size:12px}.o{font-weight:600;fill:%s}</style>
%s</svg>
`, chartWidth, height, chartWidth, height, textColour, idxdbColour, body.String())
	return err
}

func (e Environment) line() string {
	return fmt.Sprintf("%s, %d cores, %s, %s", e.CPU, e.Cores, e.Filesystem, e.Go)
}

// draw adds a row at y and returns where it ends.
func (r *Row) draw(b *strings.Builder, y int) int {
	var shown []Entry
	for _, e := range r.Entries {
		if e.Skipped == "" && e.Median > 0 {
			shown = append(shown, e)
		}
	}
	if len(shown) == 0 {
		return y
	}
	slices.SortStableFunc(shown, func(a, b Entry) int {
		switch {
		case a.Median < b.Median:
			return -1
		case a.Median > b.Median:
			return 1
		}
		return 0
	})
	longest := min(shown[len(shown)-1].Median, 8*shown[len(shown)/2].Median)
	y += titleHeight / 2
	fmt.Fprintf(b, `<text x="0" y="%d" class="t h">%s</text>`+"\n", y, html.EscapeString(r.Title))
	y += titleHeight - titleHeight/2
	for _, e := range shown {
		ours := strings.HasPrefix(e.Name, "idxdb")
		class, colour := "t", peerColour
		if ours {
			class, colour = "t o", idxdbColour
		}
		length, cut := max(1, e.Median/longest*barWidth), false
		if length > barWidth {
			length, cut = barWidth, true
		}
		value := Number(e.Median) + " " + r.Unit
		if e.Ratio != 0 && !e.Base {
			value += ", " + Number(e.Ratio) + "×"
		}
		middle := y + barHeight - 5
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" class="%s">%s</text>`+"\n", labelWidth-8, middle, class, html.EscapeString(e.Name))
		if e.Aside {
			length, cut, value = 0, false, value+" (not safe)"
		} else {
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n", labelWidth, y, length, barHeight, colour)
		}
		if cut {
			x := labelWidth + barWidth - 24
			fmt.Fprintf(b, `<path d="M%d %d l8 %d m5 0 l-8 -%d" stroke="%s" stroke-width="3"/>`+"\n", x, y, barHeight, barHeight, "#ffffff")
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d" class="%s">%s</text>`+"\n", labelWidth+length+6, middle, class, html.EscapeString(value))
		y += barHeight + barGap
	}
	return y
}
