package dashboard

import "fmt"

// A chart is a row of bars, drawn as SVG, with its numbers in a table.
type chart struct {
	Title, Unit string
	Bars        []bar
	Most        int
}

// A bar is one number with its place in a chart of 600 by 80.
type bar struct {
	Label               string
	N                   int
	X, Y, Width, Height float64
}

// The size of a chart.
const (
	chartWidth  = 600.0
	chartHeight = 80.0
)

// chartOf draws the minutes of an hour.
func chartOf(title, unit string, minutes []minute, number func(*minute) int) chart {
	c := chart{Title: title, Unit: unit}
	for i := range minutes {
		n := number(&minutes[i])
		c.Most = max(c.Most, n)
		at := minutes[i].at % (24 * 60)
		c.Bars = append(c.Bars, bar{Label: fmt.Sprintf("%02d:%02d", at/60, at%60), N: n})
	}
	width := chartWidth / float64(len(c.Bars))
	for i := range c.Bars {
		b := &c.Bars[i]
		b.X, b.Width = float64(i)*width, width-1
		b.Height = chartHeight * float64(b.N) / float64(max(c.Most, 1))
		b.Y = chartHeight - b.Height
	}
	return c
}

// Told lists the minutes in which there was anything, for the table.
func (c chart) Told() []bar {
	var out []bar
	for _, b := range c.Bars {
		if b.N > 0 {
			out = append(out, b)
		}
	}
	return out
}
