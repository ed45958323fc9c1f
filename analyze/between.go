package analyze

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// between judges what only both hops of a handshake show: that the proxy
// between them acted by itself. It tells whether that is the client's verdict.
func between(front, back *record.Connection) bool {
	f, b := front.Facts, back.Facts
	byProxy := bareEnd(back) && b.TCP.EndBy == record.Client
	proxy := known.ProxyAt(front, back)
	switch {
	case f.WS == nil || b.WS == nil:
	case f.WS.FirstClose == nil && b.WS.FirstClose != nil:
		x := b.WS.FirstClose
		if x.Dir != record.Server || !bareEnd(front) || f.TCP.EndBy != record.Server || f.WS.Damaged[record.Server] {
			return false
		}
		what := fmt.Sprintf("The proxy at %s ended the WebSocket without the Close frame%s of the server behind it (hop %s, packet %d)", proxy, codeOf(x), back.ID, x.Ref.Packet)
		if front.Fault = back.Fault; back.Outcome == record.ClosedClean {
			front.Fault = record.FaultIntermediary
		}
		say(front, what)
		advise(front, "Look at the log of the proxy at "+proxy+" at this second; let it pass Close frames on before it ends a connection.")
		return true
	case f.WS.FirstClose != nil && b.WS.FirstClose == nil:
		if x := f.WS.FirstClose; byProxy && x.Dir == record.Client && !b.WS.Damaged[record.Client] {
			blame(back, fmt.Sprintf("The proxy at %s did not pass the client's Close frame%s on (hop %s, packet %d)", proxy, codeOf(x), front.ID, x.Ref.Packet))
			advise(back, "Let the proxy at "+proxy+" pass Close frames on before it ends a connection.")
		}
	case byProxy && bareEnd(front) && f.TCP.EndBy == record.Server:
		what := fmt.Sprintf("The proxy at %s ended both hops of the WebSocket without a Close frame", proxy)
		blame(back, what)
		blame(front, what+fmt.Sprintf(" (hop %s, packet %d)", back.ID, b.TCP.End.Packet))
		for _, c := range [...]*record.Connection{front, back} {
			advise(c, "Look at the log of the proxy at "+proxy+" at this second: a reload, a restart, a crash, or a time limit of its own.")
		}
		return true
	}
	return false
}

// passedOn: the client's side met just what its proxy met behind it.
func passedOn(front, back *record.Connection) bool {
	f, b := front.Facts, back.Facts
	switch {
	case front.Outcome != back.Outcome:
		return false
	case f.WS == nil || front.Outcome == record.InvalidHandshake:
		x, y := f.Upgrade, b.Upgrade
		return x != nil && y != nil && x.Response != nil && y.Response != nil && x.Response.Status == y.Response.Status
	}
	return bareEnd(front) && bareEnd(back) && f.TCP.EndBy == record.Server && b.TCP.EndBy == record.Server
}

// leftBehind tells a hop that a proxy left because another before it had ended
// both of its own that it is for that one to change.
func leftBehind(s *correlate.Story, at int) {
	p := &s.Parts[at]
	if p.Front < 0 || p.Done == nil || p.Done.Facts == nil {
		return
	}
	front := s.Parts[p.Front].Done
	if front == nil || front.Facts == nil || front.Fault != record.FaultIntermediary || p.Done.Fault != record.FaultClient && p.Done.Fault != record.FaultUnknown {
		return
	}
	if bareEnd(front) && bareEnd(p.Done) && front.Facts.TCP.EndBy == record.Client && p.Done.Facts.TCP.EndBy == record.Client {
		p.Done.Fault = front.Fault
		if p.Done.Verdict != "" {
			p.Done.Verdict = front.Verdict
		}
	}
}

// bareEnd: a WebSocket that opened was ended without a Close frame, and nothing
// but that is known of why.
func bareEnd(c *record.Connection) bool {
	if c.Outcome != record.ClosedAbnormal || len(c.Findings) == 0 {
		return false
	}
	code := c.Findings[0].Code
	return code == "WS701" || code == "WS205"
}

func codeOf(x *record.ControlFrame) string {
	if !x.HasCode {
		return ""
	}
	return fmt.Sprintf(" (%d)", x.Code)
}

// blame leaves it to the proxy to act.
func blame(c *record.Connection, what string) {
	c.Fault = record.FaultIntermediary
	say(c, what)
}

// advise says what to do about the first finding, where anybody wants to know.
func advise(c *record.Connection, remedy string) {
	if c.Verdict != "" && len(c.Findings) > 0 {
		c.Findings[0].Remedy = remedy
	}
}

// say makes this the verdict, where there is one.
func say(c *record.Connection, what string) {
	if c.Verdict != "" {
		c.Verdict, c.NextStep = what+": "+whoActs[c.Fault]+".", "" // both hops are here
	}
}
