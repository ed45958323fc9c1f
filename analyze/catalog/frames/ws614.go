package frames

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS614 = &rule.Rule{
	Code: "WS614", Slug: "ping-unanswered", Family: "frames", Since: "1.0.0",
	Title:    "A Ping got no Pong though the connection went on for 1.5 s or more",
	Severity: record.Warning, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "One side sent a Ping and the other never answered with a Pong, though the connection lived on long enough.",
		Why:  "The sender takes its peer for dead: Python websockets closes with 1011 'keepalive ping timeout', Engine.IO and many servers drop the connection. Users see disconnects at regular times.",
		How: "Pings and Pongs are paired by their payload; a later Pong answers earlier Pings, too, as RFC 6455 allows. Only Pings to which no Pong came until the end, 1.5 s or more later, count. " +
			"Bytes missing in the capture, and a peer that acknowledged nothing any more (WS208), are left out.",
		Alike: "A Pong that takes longer than the rest of the connection is not yet a missing one. A blocked event loop answers late or never; so does a proxy that reads frames itself and drops control frames. " +
			"After a Close frame no Pong is owed.",
		Fix: "Look at the side that does not answer: a handler that blocks the event loop, a raw implementation without Pong, a frame filter. Answering belongs to the WebSocket library, not to the application.",
	},
	References: []string{"RFC 6455 section 5.5.2", "RFC 6455 section 5.5.3"},
	Explains:   []string{"WS701", "WS708", "WS705", "WS715", "WS205"},
	Needs:      rule.Remarkable,
	Check:      checkPing,
}

const pongOverdue = 1500 * time.Millisecond

// RFC 6455 section 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send
// a Pong frame in response, unless it already received a Close frame."
func checkPing(c *record.Connection, r *rule.Reporter) {
	w := framesOf(c)
	if w == nil || w.Pings[0].Unanswered == 0 && w.Pings[1].Unanswered == 0 {
		return
	}
	if c.Facts.TCP.OneWay || r.Has("WS208") || r.Has("WS211") || r.Has("WS206") {
		return
	}
	for d := range w.Pings {
		p, by := &w.Pings[d], record.Dir(d)
		waited := livedOn(c, w).Time.Sub(p.FirstUnanswered.Time)
		if p.Unanswered == 0 || waited < pongOverdue || w.Damaged[by.Other()] || silentSide(c, by) || lostSince(c, by.Other(), p.FirstUnanswered) {
			continue
		}
		f := rule.Found{Fault: by.Other().Fault()}
		mute := wentMute(c, w, by)
		if mute || gaveUp(w, by) {
			f.Severity = record.Error
		}
		if r.Enough(f) {
			continue
		}
		f.Title = fmt.Sprintf("%s did not answer %s with a Pong within %s", known.FramesOfFirst(c, by.Other()), unansweredPings(p, by), known.Seconds(waited))
		f.Remedy = "Find out why the " + by.Other().String() + " does not answer Pings: a blocked event loop, or an implementation without Pong."
		f.Evidence = []record.Evidence{r.At(p.FirstUnanswered, "Ping of the %s without a Pong", by)}
		if p.LastUnanswered != p.FirstUnanswered {
			f.Evidence = append(f.Evidence, r.At(p.LastUnanswered, "last Ping without a Pong"))
		}
		switch {
		case by == record.Client && mute:
			f.SeenByUser = known.UserSaw(c, known.SawAbnormal)
		case by == record.Client && gaveUp(w, by):
			f.SeenByUser = known.UserSaw(c, known.SawKeepalive)
		}
		if mute {
			f.Title += fmt.Sprintf(", sent nothing else either, and the %s gave up (%s)", by, record.EndName(c.Facts.TCP.EndHow))
			f.Evidence = append(f.Evidence, r.At(c.Facts.TCP.End, "%s of the %s", record.EndName(c.Facts.TCP.EndHow), by))
		} else if f.Severity == record.Error {
			f.Title += fmt.Sprintf(", and the %s gave up: %s", by, closeName(w.FirstClose))
			f.Evidence = append(f.Evidence, r.At(w.FirstClose.Ref, "%s of the %s", closeName(w.FirstClose), by))
		}
		r.Add(f)
	}
}

// unansweredPings says which.
func unansweredPings(p *record.PingFacts, by record.Dir) string {
	switch {
	case p.Sent == 1:
		return "the " + by.String() + "'s Ping"
	case p.Unanswered == p.Sent:
		return fmt.Sprintf("any of the %s's %d Pings", by, p.Sent)
	}
	return fmt.Sprintf("%d of the %s's %d Pings", p.Unanswered, by, p.Sent)
}

// livedOn is until when a Pong could be expected.
func livedOn(c *record.Connection, w *record.WSFacts) record.Ref {
	end := c.Facts.TCP.End
	if !end.Seen() {
		end = c.Facts.CaptureEnd
	}
	if c.Facts.H2 != nil {
		for d := range c.Facts.H2.EndStream {
			if x := c.Facts.H2.EndStream[d]; x.Seen() && x.Time < end.Time {
				end = x
			}
		}
		if x := c.Facts.H2.Reset; x != nil && x.Ref.Time < end.Time {
			end = x.Ref
		}
	}
	if w.FirstClose != nil && w.FirstClose.Ref.Time < end.Time {
		end = w.FirstClose.Ref
	}
	return end
}

// silentSide: the Pings were never acknowledged, so the other side did not get them.
func silentSide(c *record.Connection, by record.Dir) bool {
	s := &c.Facts.TCP.Sides[by]
	return s.Unacked > 0 && s.UnackedFirst.Time <= c.Facts.WS.Pings[by].FirstUnanswered.Time
}

// lostSince: bytes of this side are not in the capture from the given time on; the Pong may have been among them.
func lostSince(c *record.Connection, from record.Dir, since record.Ref) bool {
	for i := range c.Facts.TCP.Gaps {
		if g := &c.Facts.TCP.Gaps[i]; g.From == from && !g.Ref.Before(since) {
			return true
		}
	}
	return false
}

// wentMute: the side that pinged ended the connection without a Close frame when
// the other had left several Pings unanswered and sent nothing at all since the
// first of them, though its kernel acknowledged them: its program hangs.
func wentMute(c *record.Connection, w *record.WSFacts, by record.Dir) bool {
	t, p := &c.Facts.TCP, &w.Pings[by]
	last := t.Sides[by.Other()].LastData
	return w.FirstClose == nil && c.Facts.H2 == nil && p.Unanswered > 1 && t.EndBy == by && (t.EndHow == "fin" || t.EndHow == "rst") &&
		last.Seen() && last.Before(p.FirstUnanswered)
}

// gaveUp: the side that pinged closed because of it, as it says.
func gaveUp(w *record.WSFacts, by record.Dir) bool {
	x := w.FirstClose
	if x == nil || x.Dir != by {
		return false
	}
	reason := strings.ToLower(x.Reason)
	return x.Code == 1011 && w.Pings[by].Answered == 0 || strings.Contains(reason, "ping") || strings.Contains(reason, "keepalive") || strings.Contains(reason, "heartbeat")
}
