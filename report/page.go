package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// page lays text out for a terminal. Everything that comes from a result goes
// through Clean here or in the words that are put together before: nothing
// reaches the terminal otherwise.
type page struct {
	w     io.Writer
	buf   bytes.Buffer
	width int
	color bool
}

func newPage(w io.Writer, o Options) *page { return &page{w: w, width: o.width(), color: o.Color} }

// paint are the SGR parameters of ECMA-48 for what is worth a colour.
type paint string

const (
	plain  paint = ""
	bold   paint = "1"
	faint  paint = "2"
	red    paint = "1;31"
	yellow paint = "1;33"
	green  paint = "1;32"
)

func (p *page) paint(s string, with paint) string {
	if !p.color || with == plain || s == "" {
		return s
	}
	return "\x1b[" + string(with) + "m" + s + "\x1b[0m"
}

// blank leaves one line free, but none at the top.
func (p *page) blank() {
	if p.buf.Len() > 0 {
		p.buf.WriteByte('\n')
	}
}

// paragraph wraps text with an indent.
func (p *page) paragraph(indent int, text string, with paint) {
	for _, line := range cleanLines(text) {
		for _, part := range wrap(line, p.width-indent) {
			p.buf.WriteString(strings.Repeat(" ", indent) + p.paint(part, with) + "\n")
		}
	}
}

// labelWidth is the column in which the texts behind labels begin.
const labelWidth = 16

// labelled writes a label and, beside it, wrapped text; nothing if there is no text.
func (p *page) labelled(label, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	first := true
	for _, line := range cleanLines(text) {
		for _, part := range wrap(line, p.width-labelWidth) {
			p.label(label, first)
			p.buf.WriteString(part + "\n")
			first = false
		}
	}
}

// verbatim is labelled for text that people copy: it is not wrapped.
func (p *page) verbatim(label, text string) {
	if text != "" {
		p.label(label, true)
		p.buf.WriteString(Clean(text) + "\n")
	}
}

func (p *page) label(label string, first bool) {
	if !first {
		label = ""
	}
	p.buf.WriteString("  " + p.paint(label, faint) + strings.Repeat(" ", max(1, labelWidth-2-width(label))))
}

// heading is a line of its own above a section.
func (p *page) heading(text string, with paint) {
	p.blank()
	p.paragraph(0, text, with)
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.buf, format+"\n", args...) }

// column of a grid.
type column struct {
	title string
	max   int  // widest it may be; 0 is what is left of the page: one column has it
	right bool // numbers
}

// maxCellLines is how tall a cell may be: a URL of 8 KiB shall not fill the screen.
const maxCellLines = 3

// grid lays out rows of cleaned cells in columns that fit the page: each has
// the width of its widest cell up to its limit, the elastic one gets what is left.
func (p *page) grid(columns []column, rows [][]string, with func(row, column int) paint) {
	const gap = 2
	widths := make([]int, len(columns))
	left, elastic := p.width, -1
	for i, c := range columns {
		widths[i] = width(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], width(row[i]))
		}
		if c.max == 0 {
			elastic = i
			continue
		}
		widths[i] = min(widths[i], max(c.max, width(c.title)))
		left -= widths[i]
	}
	if left -= gap * (len(columns) - 1); elastic >= 0 {
		widths[elastic] = min(widths[elastic], max(left, 12))
	}
	table := tablewriter.NewTable(&p.buf, tablewriter.WithConfig(gridConfig(columns, widths)),
		tablewriter.WithRenderer(renderer.NewBlueprint(gridStyle())))
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = p.paint(c.title, faint)
	}
	table.Header(titles)
	for r, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			lines := wrap(cell, widths[i])
			if len(lines) > maxCellLines {
				lines = append(lines[:maxCellLines-1:maxCellLines-1], shorten(lines[maxCellLines-1]+"…", widths[i]))
			}
			for j := range lines {
				if with != nil {
					lines[j] = p.paint(lines[j], with(r, i))
				}
			}
			cells[i] = strings.Join(lines, "\n")
		}
		_ = table.Append(cells) // writes to memory only
	}
	_ = table.Render()
}

func gridConfig(columns []column, widths []int) tablewriter.Config {
	perColumn := tw.NewMapper[int, int]()
	align := make([]tw.Align, len(columns))
	for i, c := range columns {
		perColumn.Set(i, widths[i]+2) // the padding counts
		if align[i] = tw.AlignLeft; c.right {
			align[i] = tw.AlignRight
		}
	}
	padding := tw.CellPadding{Global: tw.Padding{Right: "  ", Overwrite: true}}
	return tablewriter.Config{
		Header: tw.CellConfig{
			Formatting:   tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
			Alignment:    tw.CellAlignment{PerColumn: align},
			ColMaxWidths: tw.CellWidth{PerColumn: perColumn},
			Padding:      padding,
		},
		Row: tw.CellConfig{
			Formatting:   tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
			Alignment:    tw.CellAlignment{PerColumn: align},
			ColMaxWidths: tw.CellWidth{PerColumn: perColumn},
			Padding:      padding,
		},
		Behavior: tw.Behavior{TrimSpace: tw.Off},
	}
}

// gridStyle has no lines at all: it survives being pasted into a ticket.
func gridStyle() tw.Rendition {
	return tw.Rendition{
		Borders: tw.BorderNone,
		Symbols: tw.NewSymbols(tw.StyleNone),
		Settings: tw.Settings{
			Lines:      tw.LinesNone,
			Separators: tw.SeparatorsNone,
		},
	}
}

// flush writes the page, without spaces at the ends of its lines.
func (p *page) flush() error {
	lines := strings.Split(p.buf.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	_, err := io.WriteString(p.w, strings.Join(lines, "\n"))
	return err
}
