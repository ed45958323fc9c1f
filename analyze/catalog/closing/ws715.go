package closing

import (
	"fmt"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS715 = &rule.Rule{
	Code: "WS715", Slug: "close-not-answered", Family: "closing", Since: "1.0.0",
	Title:    "A Close frame was not answered by one before the TCP connection ended",
	Severity: record.Warning, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "One side sent a Close frame, and the TCP connection ended without one of the other side.",
		Why:  "The side that closed cannot know whether its last messages arrived. Browsers wait for the answer, up to 60 s in Chromium, and report 1006 or wasClean false.",
		How:  "The capture holds the Close frame, the end of TCP, and no Close frame of the other side, though it could have shown one.",
		Alike: "A side that closes TCP right after its Close frame leaves its peer no time to answer; the kernel may even reset the connection on the answer. A proxy that drops the tunnel at the first FIN swallows the answer. " +
			"A peer whose path broke cannot answer (WS208).",
		Fix: "Let the side that got the Close frame answer with one of its own before it closes TCP: every library does so unless it is told to terminate. " +
			"The side that closes should wait a few seconds for the answer before it ends TCP.",
	},
	References: []string{"RFC 6455 section 5.5.1", "RFC 6455 section 7.1.1", "RFC 6455 section 7.1.4"},
	Needs:      rule.HalfClose,
	Check:      checkNotAnswered,
}

// RFC 6455 section 5.5.1: "If an endpoint receives a Close frame and did not
// previously send a Close frame, the endpoint MUST send a Close frame in
// response."
func checkNotAnswered(c *record.Connection, r *rule.Reporter) {
	w := openedOf(c)
	if w == nil || w.FirstClose == nil || w.Closes[0] != nil && w.Closes[1] != nil {
		return
	}
	x := w.FirstClose
	silent := x.Dir.Other()
	end, ok := closedEnd(c)
	if !ok || c.Facts.TCP.OneWay || w.Damaged[silent] || w.MidFrame[silent] && w.NotWebSocket == nil {
		return
	}
	if mayAnswer(c, silent, end) {
		return
	}
	f := rule.Found{Fault: silent.Fault()}
	atOnce := end.by == x.Dir && end.at.Time.Sub(x.Ref.Time) < time.Second
	if atOnce { // it left no time for an answer
		f.Fault, f.Confidence = x.Dir.Fault(), record.Likely
	}
	if r.Enough(f) {
		return
	}
	f.Title = fmt.Sprintf("%s did not answer the %s's Close frame before the connection ended %s later", known.FramesOfFirst(c, silent), x.Dir, known.Seconds(end.at.Time.Sub(x.Ref.Time)))
	f.Remedy = "Let the " + silent.String() + " answer a Close frame with a Close frame."
	f.Evidence = []record.Evidence{r.At(x.Ref, "%s of the %s", closeText(x), x.Dir), r.At(end.at, "%s of the %s, no Close frame of the %s before it", end.how, end.by, silent)}
	if ended := x.Ref.Time.Sub(end.at.Time); ended > 0 {
		f.Title = fmt.Sprintf("%s had ended its side of the connection (%s) %s before the %s's Close frame, and could not answer it", known.SideFirst(c, silent), end.how, known.Seconds(ended), x.Dir)
		f.Remedy = "Let the " + silent.String() + " send a Close frame before it ends its side of the connection."
	}
	if atOnce {
		f.Title = fmt.Sprintf("%s closed TCP right after its Close frame, which was never answered", known.SideFirst(c, x.Dir))
		f.Remedy = "Let the " + x.Dir.String() + " wait for the other side's Close frame before it closes TCP."
	}
	r.Add(f)
}

// answerDue is how long after the closing side's end the capture has to go on
// for a missing answer to mean anything.
const answerDue = time.Second

// mayAnswer: only the side that sent the Close has ended its direction of the
// HTTP/2 stream, and the capture ends before the other could.
func mayAnswer(c *record.Connection, silent record.Dir, end cut) bool {
	h := c.Facts.H2
	return h != nil && h.Reset == nil && !h.EndStream[silent].Seen() && !h.TCPEnd.Seen() && c.Facts.CaptureEnd.Time.Sub(end.at.Time) < answerDue
}

// closedEnd is the end of a connection on which a Close frame was sent.
func closedEnd(c *record.Connection) (cut, bool) {
	if h := c.Facts.H2; h != nil {
		if end, ok := streamEnd(h); ok {
			return end, true
		}
	}
	t := &c.Facts.TCP
	return cut{t.End, t.EndBy, endName(t)}, t.End.Seen() && (t.EndHow == "fin" || t.EndHow == "rst")
}

func closeText(x *record.ControlFrame) string {
	if !x.HasCode {
		return "Close without a code"
	}
	return fmt.Sprintf("Close %d", x.Code)
}
