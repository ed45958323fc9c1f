package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Measures of the time line.
const (
	timelineWidth = 1000
	timelineLeft  = 150
	timelineRight = 985
	laneHeight    = 20
	maxLanes      = 60 // connections with a line of their own
	bins          = 120
	binsHeight    = 110
)

// lane is a connection on the time line.
type lane struct {
	id, where  string
	outcome    string
	kind       class
	start, end record.Time
	marks      []laneMark
}

type laneMark struct {
	at, until record.Time
	kind      string // request, answer, close, rst, silence
	text      string
}

// laneKinds are the events that the time line marks.
var laneKinds = map[string]string{"request": "request", "response": "answer", "close": "close", "rst": "rst", "silence": "silence"}

// addLane keeps the beginning and end of every connection, for the columns, and the marks of the first ones.
func (h *HTML) addLane(c *record.Connection, kind class) {
	group := failed
	if kind != failed {
		group = healthy
	}
	if h.perLane[group] >= maxHTMLRows {
		return
	}
	h.perLane[group]++
	l := lane{kind: kind, start: c.Started, end: max(c.Ended, c.Started)}
	if h.perLane[group] <= maxLanes {
		l.id, l.where, l.outcome = Clean(c.ID), shorten(where(c), 60), plainEnding(c)
		for i, e := range c.Events {
			kind, ok := laneKinds[e.What]
			if !ok || len(l.marks) >= maxLaneMarks {
				continue
			}
			m := laneMark{at: e.Time, kind: kind, text: Clean(strings.TrimSpace(e.What + " " + e.Text))}
			if kind == "silence" {
				m.until = l.end
				for _, next := range c.Events[i+1:] {
					if next.Time > e.Time {
						m.until = next.Time
						break
					}
				}
			}
			l.marks = append(l.marks, m)
		}
	}
	h.lanes = append(h.lanes, l)
}

// timeline is the drawing of all attempts over time.
type timeline struct {
	Width, Height int
	Label         string
	Ticks         []tick
	Bottom        int
	Columns       []bar
	Most          string
	MostY         int
	Lanes         []laneDrawing
	Note          string
	Marks         []string // kinds that occur, for the legend
	Left, Right   int
}

type tick struct {
	X            int
	Text, Anchor string
}

type bar struct {
	X, Y, W, H int
	Kind       string
	Title      string
}

type laneDrawing struct {
	Y, TextY int
	ID       string
	Bar      bar
	Marks    []markDrawing
}

type markDrawing struct {
	Kind, Path, Title string
}

func laneClass(k class) string {
	switch k {
	case failed, unidentified:
		return "failed"
	case warned:
		return "warned"
	case healthy:
		return "healthy"
	}
	return "other"
}

// timeline draws a line for each connection; where they are too many, columns
// that count them, and lines for the first that failed.
func (h *HTML) timeline(when clock) *timeline {
	if len(h.lanes) == 0 {
		return nil
	}
	first, last := h.lanes[0].start, h.lanes[0].end
	for _, l := range h.lanes {
		first, last = min(first, l.start), max(last, l.end)
	}
	scale := func(t record.Time) int {
		part := float64(t-first) / math.Max(1, float64(last-first))
		return timelineLeft + int(part*float64(timelineRight-timelineLeft))
	}
	d := &timeline{Width: timelineWidth, Left: timelineLeft, Right: timelineRight, Label: fmt.Sprintf("Time line of %s: %s failed", plural(int64(len(h.lanes)), "connection"), number(h.counts[failed]))}
	y := 10
	shown := h.lanes
	if len(h.lanes) > maxLanes {
		d.columns(h.lanes, scale, y+8)
		y += binsHeight + 24
		shown = nil
		for _, l := range h.lanes {
			if l.kind == failed && l.id != "" && len(shown) < maxLanes/2 {
				shown = append(shown, l)
			}
		}
		if len(shown) > 0 {
			d.Note = fmt.Sprintf("The columns count all connections by when they began; the lines are the first %d that failed.", len(shown))
		}
	}
	d.lanes(shown, scale, y)
	d.Bottom = y + len(shown)*laneHeight + 4
	d.Height = d.Bottom + 26
	for i := range 6 {
		t := first + (last-first)*record.Time(i)/5
		text := when.short(t)
		if last-first < 20e9 {
			text = when.exact(t)
		}
		anchor := "middle"
		if i == 5 {
			anchor = "end"
		}
		d.Ticks = append(d.Ticks, tick{scale(t), text, anchor})
	}
	return d
}

func (d *timeline) lanes(shown []lane, scale func(record.Time) int, y int) {
	used := make(map[string]bool)
	for i, l := range shown {
		top := y + i*laneHeight
		x := scale(l.start)
		drawn := laneDrawing{Y: top, TextY: top + 13, ID: shorten(l.id+" "+l.outcome, 20),
			Bar: bar{x, top + 4, max(3, scale(l.end)-x), 11, laneClass(l.kind), fmt.Sprintf("%s %s: %s, %s", l.id, l.where, l.outcome, span(record.Millis(l.end.Sub(l.start))))}}
		for _, m := range l.marks {
			used[m.kind] = true
			drawn.Marks = append(drawn.Marks, markDrawing{m.kind, markPath(m, scale, top+9), m.text})
		}
		d.Lanes = append(d.Lanes, drawn)
	}
	for _, kind := range []string{"request", "answer", "close", "rst", "silence"} {
		if used[kind] {
			d.Marks = append(d.Marks, kind)
		}
	}
}

// markPath is the shape of a mark: shapes differ, for colours do not tell everybody.
func markPath(m laneMark, scale func(record.Time) int, y int) string {
	x := scale(m.at)
	switch m.kind {
	case "request":
		return fmt.Sprintf("M%d %dl5 9h-10z", x, y-5)
	case "answer":
		return fmt.Sprintf("M%d %dl5 -9h-10z", x, y+6)
	case "close":
		return fmt.Sprintf("M%d %dh8v8h-8z", x-4, y-4)
	case "rst":
		return fmt.Sprintf("M%d %dl3 -3l3 3l3 -3l3 3l-3 3l3 3l-3 3l-3 -3l-3 3l-3 -3l3 -3z", x-6, y-3)
	}
	return fmt.Sprintf("M%d %dH%d", x, y+1, scale(m.until))
}

// columns count the connections by the time of their beginning, stacked by what became of them.
func (d *timeline) columns(lanes []lane, scale func(record.Time) int, top int) {
	var counts [bins][4]int
	order := []string{"failed", "warned", "other", "healthy"}
	width := (timelineRight - timelineLeft) / bins
	for _, l := range lanes {
		bin := min(bins-1, (scale(l.start)-timelineLeft)*bins/(timelineRight-timelineLeft))
		for k, name := range order {
			if laneClass(l.kind) == name {
				counts[bin][k]++
			}
		}
	}
	most := 1
	for _, c := range counts {
		most = max(most, c[0]+c[1]+c[2]+c[3])
	}
	for bin, c := range counts {
		y := top + binsHeight
		x := timelineLeft + bin*(timelineRight-timelineLeft)/bins
		for k, n := range c {
			if n == 0 {
				continue
			}
			height := max(1, n*binsHeight/most)
			y -= height
			d.Columns = append(d.Columns, bar{x, y, max(2, width-1), height, order[k], fmt.Sprintf("%s %s", number(int64(n)), order[k])})
		}
	}
	d.Most, d.MostY = number(int64(most)), top+10
}
