package closing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

var WS701 = &rule.Rule{
	Code: "WS701", Slug: "closed-without-close-frame", Family: "closing", Since: "1.0.0",
	Title:    "The connection was closed without a Close frame: clients report 1006",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The open WebSocket ended by a FIN (or, over HTTP/2, by the stream's end) and nobody had sent a Close frame.",
		Why:  "The application gets code 1006 without a reason and cannot tell a restart from an error or a timeout. A message on its way may be lost.",
		How:  "No Close frame of either side is in the capture, and the first packet that ended the connection is a FIN.",
		Alike: "A process that is killed, a socket that is destroyed without a close handshake (terminate, CloseNow, destroy), a proxy that ends a tunnel by its timer or at a reload, and a browser whose tab crashed all look the same: " +
			"the side that sent the FIN is named, and a timer that fits is WS716 or WS717. A client that leaves within a second after the 101, without a frame of its own, may have refused the answer. " +
			"A Close frame that the capture lost would be hidden: gaps are named by WS102.",
		Fix: "Look at the side that sent the FIN: its log at this second. Let servers close with 1001 or 1012 when they stop, and with a code of their own for errors; let clients reconnect with growing delays.",
	},
	References: []string{"RFC 6455 section 7.1.5", "RFC 6455 section 7.1.7", "RFC 8441 section 5"},
	Explains:   []string{"WS616"},
	Needs:      rule.NoClose,
	Check:      checkNoClose,
}

// RFC 6455 section 7.1.5: "If _The WebSocket Connection is Closed_ and no Close
// control frame was received by the endpoint [...] _The WebSocket Connection
// Close Code_ is considered to be 1006."
func checkNoClose(c *record.Connection, r *rule.Reporter) {
	end, ok := cutOf(c)
	if !ok || strings.HasPrefix(end.how, "RST") || r.Has("WS208") || r.Has("WS211") {
		return
	}
	if c.Facts.TCP.OneWay {
		return // the Close may be the other side's
	}
	if end.how != "END_STREAM" && c.Facts.H2 != nil && c.Facts.H2.GoAway != nil {
		return // the GOAWAY said so
	}
	f := rule.Found{Fault: end.by.Fault()}
	if c.Facts.WS.Damaged[end.by] {
		f.Confidence = record.Possible // the Close may be in the gap
	}
	if _, aged := lifetime(c, end); aged {
		f.Fault = limiter(c, end)
	}
	refused := leftAtOnce(c, end)
	bare := refused && slices.ContainsFunc(c.Facts.Upgrade.Response.Violations, func(v http1.Violation) bool { return v.Code == http1.BareLF })
	var stall *record.Stall
	switch {
	case bare:
		f.Fault, f.Confidence = record.FaultServer, record.Likely
	case refused:
		f.Fault = record.FaultUnknown
	case c.Facts.H2 != nil:
		stall = cmp.Or(known.Starved(c.Facts.H2, end.by.Other()), known.Starved(c.Facts.H2, end.by))
		if stall != nil {
			f.Fault = stall.From.Fault()
		}
	}
	if r.Enough(f) {
		return
	}
	if end.by == record.Client && end.at.Before(c.Facts.WS.OpenedRef) && c.Facts.Upgrade != nil {
		leftBefore(c, r, end, f)
		return
	}
	f.Evidence = []record.Evidence{r.At(end.at, "%s of the %s, no Close frame of either side before it", end.how, end.by)}
	if last := c.Facts.TCP.LastData; last.Seen() && last.Before(end.at) && c.Facts.H2 == nil {
		f.Evidence = append(f.Evidence, r.At(last, "last data, of the %s, %s before", c.Facts.TCP.LastDataFrom, known.Seconds(c.Facts.TCP.Silence)))
	}
	switch open := end.at.Time.Sub(c.Facts.WS.OpenedRef.Time); {
	case bare:
		f.Title = fmt.Sprintf("%s left by %s right after the 101, whose lines end in LF alone: strict clients refuse that", known.SideFirst(c, end.by), end.how)
		f.Remedy = "Let the server end each line of its answer with CR LF (RFC 9112 section 2.2)."
	case refused: // it may never have opened, so nothing is said of what the user saw
		f.Title = fmt.Sprintf("%s left by %s %s after the 101, without a frame of its own, as clients do that refuse the answer", known.SideFirst(c, end.by), end.how, known.Seconds(open))
		f.Remedy = "Look at the log of " + known.Side(c, end.by) + " at this second: did it refuse the 101, and why? No fault of the 101 is seen here."
		f.NextStep = known.CaptureAt(c, "the client: the 101 that it received may differ from this one.")
	default:
		f.Title = fmt.Sprintf("%s ended the WebSocket by %s, without a Close frame, after %s", known.SideFirst(c, end.by), end.how, known.Seconds(open))
		describeCut(c, end, &f)
		known.AddStall(r, &f, stall)
	}
	r.Add(f)
}

// describeCut says what was cut, and where to look.
func describeCut(c *record.Connection, end cut, f *rule.Found) {
	if w := c.Facts.WS; (w.MidFrame[end.by] || w.MidMessage[end.by]) && !w.Damaged[end.by] {
		f.Title += ", in the middle of a message"
	}
	f.SeenByUser = known.UserSaw(c, known.SawAbnormal)
	f.Remedy = "Look at the log of " + known.Side(c, end.by) + " at this second; let it send a Close frame with a code before it ends a connection."
	if _, proxy := known.ProductOf(c); proxy && end.by == record.Server {
		f.Remedy = "Look at the log of " + known.Side(c, end.by) + ", and of the server behind it, at this second: a proxy ends a WebSocket without a Close frame when the server behind it does, and when it is reloaded, restarted or out of time."
	}
}

// leftBefore is for a client that had gone when the 101 came.
func leftBefore(c *record.Connection, r *rule.Reporter, end cut, f rule.Found) {
	u := c.Facts.Upgrade
	f.Title = fmt.Sprintf("%s closed the connection (%s) %s after its request, before the 101 had come", known.SideFirst(c, end.by), end.how, known.Seconds(end.at.Time.Sub(u.RequestLast.Time)))
	f.SeenByUser = known.UserSaw(c, known.SawAbnormal)
	if known.ClientOf(c).Engine == known.Chromium {
		f.SeenByUser = "Chromium: WebSocket is closed before the connection is established."
	}
	f.Remedy = "If nobody left the page or stopped the program, look for code that closes a WebSocket while it still connects (a component that is mounted twice, a timeout that is too short)."
	f.Evidence = []record.Evidence{r.At(end.at, "%s of the %s", end.how, end.by), r.At(c.Facts.WS.OpenedRef, "the 101 comes after it")}
	r.Add(f)
}

// leftAtOnce: the client ended the connection right after the 101, without a
// frame of its own, as one does that fails the connection (RFC 6455, section 4.1). So does a
// strict one where "a recipient MAY recognize a single LF as a line terminator" (RFC 9112, section 2.2).
func leftAtOnce(c *record.Connection, end cut) bool {
	u, w := c.Facts.Upgrade, c.Facts.WS
	return end.by == record.Client && !end.at.Before(w.OpenedRef) && c.Facts.H2 == nil && u != nil && u.Response != nil && !w.Damaged[record.Client] && w.Frames[record.Client] == (record.FrameCounts{}) &&
		end.at.Time.Sub(w.OpenedRef.Time) <= time.Second
}
