// Package report renders results: the table for people, JSON and JSON Lines
// for programs, the story of one connection and the text of a finding. It
// knows results only (analyze/record), never packets: a saved result renders
// into every format.
//
// Most callers need only [New], which gives a [Renderer] by the name of its
// format, and [Read], which feeds a saved result to one.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Renderer lays out a result that it is given piece by piece. Nothing is
// complete before Close, which does not close the writer.
type Renderer interface {
	record.Sink
	Close() error
}

// Options are what renderers may be told. The zero Options give a table of
// DefaultWidth columns in UTC without colour.
type Options struct {
	Tool record.Tool
	// Width of the terminal in columns; 0 means DefaultWidth.
	Width int
	// Color allows escape sequences for colour; nothing depends on them.
	Color bool
	// Location is where times for people are; nil means UTC.
	Location *time.Location
	// Failed leaves out what is healthy; counts still count it.
	Failed bool
	// Stream writes each line of NDJSON at once, for who reads while it is made.
	Stream bool
}

// DefaultWidth is the width of a table that goes to no terminal.
const DefaultWidth = 100

// minWidth is the narrowest terminal that gets its own layout; a narrower one wraps by itself.
const minWidth = 60

func (o Options) width() int {
	switch {
	case o.Width == 0:
		return DefaultWidth
	case o.Width < minWidth:
		return minWidth
	}
	return o.Width
}

func (o Options) location() *time.Location {
	if o.Location == nil {
		return time.UTC
	}
	return o.Location
}

// formats are the names that New knows, the default first.
var formats = []string{"table", "json", "ndjson", "html", "markdown", "csv"}

// Formats are the names of the formats, the default one first.
func Formats() []string { return append([]string(nil), formats...) }

// New makes the renderer of a format, which writes to w.
func New(format string, w io.Writer, o Options) (Renderer, error) {
	var r Renderer
	switch format {
	case "table":
		return NewTable(w, o), nil // leaves out what is healthy itself, but counts it
	case "json":
		r = NewJSON(w, o)
	case "ndjson":
		r = NewNDJSON(w, o)
	case "html":
		return NewHTML(w, o), nil
	case "markdown":
		return NewMarkdown(w, o), nil
	case "csv":
		r = NewCSV(w, o)
	default:
		return nil, fmt.Errorf("no output format %q: there are %s", format, strings.Join(formats, ", "))
	}
	if o.Failed {
		r = onlyFailed{r}
	}
	return r, nil
}

// onlyFailed leaves out the connections that worked or of which nothing is known.
type onlyFailed struct{ Renderer }

func (o onlyFailed) Connection(c *record.Connection) error {
	if kind, _ := classify(c); kind != failed && kind != unidentified {
		return nil
	}
	return o.Renderer.Connection(c)
}

func (o onlyFailed) Made(by record.Tool) { tee{o.Renderer}.Made(by) }

// Tee gives everything to several renderers, in order. It stops at the first
// error, except that Close closes all and gives the first error.
func Tee(to ...Renderer) Renderer {
	if len(to) == 1 {
		return to[0]
	}
	return tee(to)
}

type tee []Renderer

func (t tee) each(do func(Renderer) error) error {
	for _, r := range t {
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

func (t tee) Connection(c *record.Connection) error {
	return t.each(func(r Renderer) error { return r.Connection(c) })
}

func (t tee) Pattern(p record.Pattern) error {
	return t.each(func(r Renderer) error { return r.Pattern(p) })
}

func (t tee) Capture(c record.Capture) error {
	return t.each(func(r Renderer) error { return r.Capture(c) })
}

func (t tee) Rule(code string, rule record.Rule) error {
	return t.each(func(r Renderer) error { return r.Rule(code, rule) })
}

func (t tee) Summary(s record.Summary) error {
	return t.each(func(r Renderer) error { return r.Summary(s) })
}

func (t tee) Close() error {
	var first error
	for _, r := range t {
		if err := r.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (t tee) Made(by record.Tool) {
	for _, r := range t {
		if r, ok := r.(maker); ok {
			r.Made(by)
		}
	}
}
