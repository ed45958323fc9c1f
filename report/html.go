package report

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// What the HTML report holds, whatever the size of a result. The rest is counted.
const (
	// maxHTMLRows is how many connections of those that failed, and of the others, have a row.
	maxHTMLRows = 15000
	// maxDetails is how many connections are told in full.
	maxDetails = 150
	// maxDetailsOfCause is how many of one cause: the rarer ones shall be told, too.
	maxDetailsOfCause = 25
	// maxDetailsOther is how many connections of each other kind: healthy, warned, undecided, unidentified.
	maxDetailsOther = 12
	// maxLaneMarks is how many steps the time line marks of one connection.
	maxLaneMarks = 40
)

// HTML is the format for people who were not there: one file without any
// other, which opens in a browser and prints. No script in it but its own can
// run, and nothing is ever loaded.
type HTML struct {
	*view
	o       Options
	w       io.Writer
	rows    []htmlRow
	perKind [classes]int // rows
	more    [classes]int64
	details []htmlTold
	anchors map[string]string // of details by connection
	told    map[string]int    // details by cause
	lanes   []lane
	perLane [classes]int
}

// htmlRow is a connection in the table. Its texts are cleaned.
type htmlRow struct {
	id, client, where, outcome, cause, actor, title string
	kind                                            class
	started                                         record.Time
	ms                                              float64
}

// htmlTold is a connection that the page tells in full.
type htmlTold struct {
	c    *record.Connection
	kind class
}

// NewHTML makes a page, which is written at Close.
func NewHTML(w io.Writer, o Options) *HTML {
	return &HTML{view: newView(), o: o, w: w, told: make(map[string]int), anchors: make(map[string]string)}
}

// Made names the tool that made the result.
func (h *HTML) Made(by record.Tool) { h.o.Tool = by }

// Connection keeps a row of a connection, and if there is room all of it.
func (h *HTML) Connection(c *record.Connection) error {
	if err := h.view.Connection(c); err != nil {
		return err
	}
	kind, main := classify(c)
	if h.o.Failed && kind != failed && kind != unidentified {
		return nil
	}
	h.addLane(c, kind)
	group := healthy
	if kind == failed { // they have room of their own
		group = failed
	}
	if h.perKind[group] >= maxHTMLRows {
		h.more[kind]++
		return nil
	}
	h.perKind[group]++
	h.rows = append(h.rows, h.row(c, kind, main))
	return nil
}

func (h *HTML) row(c *record.Connection, kind class, main int) htmlRow {
	r := htmlRow{id: Clean(c.ID), client: c.Client.String(), where: shorten(where(c), 160), outcome: plainEnding(c), actor: actor(c.Fault),
		kind: kind, started: c.Started, ms: c.DurationMS}
	key := kindName(kind)
	if main >= 0 {
		f := &c.Findings[main]
		r.cause = Clean(strings.TrimSpace(f.Code + " " + f.Slug))
		r.title = shorten(Clean(sentence(f.Title)), 200)
		switch kind {
		case failed:
			key = r.cause
		case warned:
			r.actor = actor(f.Fault)
		}
	}
	if kind == healthy {
		r.actor = ""
	}
	room := maxDetailsOther
	if kind == failed {
		room = maxDetailsOfCause
	}
	if kind != opaque && h.told[key] < room && len(h.details) < maxDetails {
		h.told[key]++
		h.details = append(h.details, htmlTold{withoutFacts(c), kind})
	}
	return r
}

// kindName is a class in words, and the value of a filter.
func kindName(k class) string {
	return [classes]string{"worked", "worked, with a warning", "failed", "not decided", "encrypted", "not identified"}[k]
}

// kindOrder puts first what is read first.
var kindOrder = [classes]int{failed: 0, unidentified: 1, undecided: 2, warned: 3, opaque: 4, healthy: 5}

// kindPaint is the CSS class of a class.
func kindPaint(k class) string {
	return [classes]string{"good", "warn", "bad", "other", "other", "bad"}[k]
}

// Close writes the page.
func (h *HTML) Close() error {
	h.view.finish()
	slices.SortStableFunc(h.rows, func(a, b htmlRow) int {
		return cmp.Or(cmp.Compare(kindOrder[a.kind], kindOrder[b.kind]), cmp.Compare(a.started, b.started))
	})
	slices.SortStableFunc(h.details, func(a, b htmlTold) int {
		return cmp.Or(cmp.Compare(kindOrder[a.kind], kindOrder[b.kind]), cmp.Compare(a.c.Started, b.c.Started))
	})
	for i, d := range h.details {
		h.anchors[Clean(d.c.ID)] = fmt.Sprintf("c%d", i+1)
	}
	slices.SortStableFunc(h.lanes, func(a, b lane) int { return cmp.Compare(a.start, b.start) })
	w := bufio.NewWriterSize(h.w, flushAt)
	if err := htmlTemplate().Execute(w, h.htmlPage()); err != nil {
		return err
	}
	return w.Flush()
}

//go:embed assets/report.tmpl
var htmlText string

//go:embed assets/report.css
var htmlStyle string

//go:embed assets/report.js
var htmlScript string

func htmlTemplate() *template.Template {
	return template.Must(template.New("report").Parse(htmlText))
}

// contentPolicy allows the page's own script and style, known by their hashes, and nothing else.
func contentPolicy() string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		hashSource(htmlScript), hashSource(htmlStyle))
}

// hashSource is the hash of an inline script or style as a policy names it (CSP level 3, section 6.7.2.8).
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
