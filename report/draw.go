package report

import (
	"fmt"
	"strings"
)

// Measures of the ladder, in units of its view box.
const (
	ladderWidth  = 760
	ladderLeft   = 120 // the column of packets and times
	ladderHead   = 44
	rungHeight   = 40
	noteHeight   = 17
	brokeHeight  = 30
	ladderLetter = 68 // letters that fit between the lifelines
	letterWidth  = 7  // at most, on average
)

// ladderDrawing is a ladder with the places of its parts.
type ladderDrawing struct {
	Width, Height int
	Label         string
	Lives         []ladderLife
	Rungs         []ladderRung
	Wide, Middle  int // of bands, of texts
}

type ladderLife struct {
	X, Y2         int
	Role, Address string
}

type ladderRung struct {
	Y, Top, Height   int
	TextX            int
	Packet, After    string
	Wait             string
	X1, X2           int
	Head             string // points of the arrow's head
	Cross            string // path of the cross where it was lost
	Text, Note       string
	Broke            string
	BrokeY           int
	Proof, Span      bool
	What             string // for the table
	TextY, NoteY     int
	Place, BoxHeight int
}

// draw places the parts of a ladder.
func draw(l *ladder) *ladderDrawing {
	d := &ladderDrawing{Width: ladderWidth, Wide: ladderWidth - ladderLeft}
	n := len(l.names)
	x := make([]int, n)
	for i := range l.names {
		x[i] = ladderLeft + 100 + i*(ladderWidth-ladderLeft-200)/max(1, n-1)
	}
	d.Middle = (x[0] + x[n-1]) / 2
	y := ladderHead
	for i := range l.steps {
		r := rung(&l.steps[i], x, y, d.Middle)
		d.Rungs = append(d.Rungs, r)
		y += r.Height
	}
	d.Height = y + 12
	for i, name := range l.names {
		role, address := name, ""
		if k := strings.LastIndexByte(name, ' '); k > 0 && name != "in between" {
			role, address = name[:k], name[k+1:]
		}
		d.Lives = append(d.Lives, ladderLife{x[i], d.Height - 6, shorten(role, 30), shorten(address, 38)})
	}
	d.Label = fmt.Sprintf("Ladder diagram of %s between %s", plural(int64(len(l.steps)), "step"), strings.Join(l.names, ", "))
	return d
}

func rung(s *step, x []int, y, middle int) ladderRung {
	r := ladderRung{Top: y, TextX: middle, TextY: y + 16, Y: y + 24, Height: rungHeight, Text: shorten(s.label(), ladderLetter), What: s.label(), Proof: s.proof, After: s.after}
	if s.packet != 0 {
		r.Packet = fmt.Sprint(s.packet)
		if s.file != "" {
			r.Packet += " of " + s.file
		}
	}
	if s.wait != "" {
		r.Wait = s.wait + " later"
	}
	if s.span || s.rest > 0 {
		r.Span = true
		r.TextY = y + 21
	} else {
		r.arrow(x[s.from], x[s.to], s.lost)
		if center := (x[s.from] + x[s.to]) / 2; len(r.Text)*letterWidth < max(x[s.from], x[s.to])-min(x[s.from], x[s.to]) {
			r.TextX = center
		}
	}
	r.BoxHeight = r.Height - 6
	if s.note != "" {
		r.Note, r.NoteY = shorten(s.note, 90), y+r.Height-2
		r.Height += noteHeight - 5
		r.BoxHeight = r.Height - 4
	}
	if s.broke != "" {
		r.Broke, r.BrokeY = "It broke here: "+shorten(s.broke, 60), y+r.Height
		r.Height += brokeHeight + 6
	}
	return r
}

// arrow points from one lifeline to another, or half the way where what was sent never arrived.
func (r *ladderRung) arrow(from, to int, lost bool) {
	side := 1
	if to < from {
		side = -1
	}
	if lost {
		to = from + (to-from)*3/5
		r.Cross = fmt.Sprintf("M%d %dl12 12m0 -12l-12 12", to-6+6*side, r.Y-6)
	}
	r.X1, r.X2 = from, to-7*side
	r.Head = fmt.Sprintf("%d,%d %d,%d %d,%d", to, r.Y, to-10*side, r.Y-5, to-10*side, r.Y+5)
}
