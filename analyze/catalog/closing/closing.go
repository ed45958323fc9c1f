// Package closing holds the rules about how a WebSocket ends: without a Close
// frame, with one that names an error, after a timer, or unanswered
// (RFC 6455 section 7, the IANA registry of close codes).
//
// Most callers need only Rules.
package closing

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS701, WS702, WS703, WS704, WS705, WS706, WS707, WS708, WS709, WS710, WS711, WS712, WS713, WS714, WS715, WS716, WS717, WS718,
}

// openedOf returns what was seen of a WebSocket that really opened.
func openedOf(c *record.Connection) *record.WSFacts {
	if c.Facts == nil || c.Facts.WS == nil || c.Outcome == record.InvalidHandshake {
		return nil
	}
	return c.Facts.WS
}

// closedWith reports a finding where the first Close frame of the capture
// carries this code. describe adds what is particular to it.
func closedWith(c *record.Connection, r *rule.Reporter, code int, describe func(*record.ControlFrame) rule.Found) {
	if c.Facts == nil || c.Facts.WS == nil || c.Facts.WS.FirstClose == nil {
		return
	}
	x := c.Facts.WS.FirstClose
	if !x.HasCode || x.Code != code {
		return
	}
	finish(c, r, x, describe(x))
}

// finish gives a finding of a Close frame its title, evidence and message, and adds it.
func finish(c *record.Connection, r *rule.Reporter, x *record.ControlFrame, f rule.Found) {
	if r.Enough(f) {
		return
	}
	title := fmt.Sprintf("%s closed with %d%s%s", known.FramesOfFirst(c, x.Dir), x.Code, codeName(x.Code), reason(x))
	if f.Title != "" {
		title += ": " + f.Title
	}
	f.Title = title
	if f.SeenByUser == "" {
		f.SeenByUser = known.UserSaw(c, known.SawCloseCode, fmt.Sprint(x.Code))
	}
	f.Evidence = append([]record.Evidence{r.At(x.Ref, "Close %d of the %s%s", x.Code, x.Dir, reason(x))}, f.Evidence...)
	r.Add(f)
}

func reason(x *record.ControlFrame) string {
	if x.Reason == "" {
		return ""
	}
	return " " + known.Quote(x.Reason)
}

// sawBroken is what a client told of a Close frame that breaks the protocol;
// nothing of its own.
func sawBroken(c *record.Connection, by record.Dir, kind known.Kind, args ...string) string {
	if by == record.Client {
		return ""
	}
	return known.UserSaw(c, kind, args...)
}

// codeNames are those of the IANA registry of WebSocket close code numbers.
var codeNames = map[int]string{
	1000: "normal closure", 1001: "going away", 1002: "protocol error", 1003: "unsupported data", 1007: "invalid frame payload data",
	1008: "policy violation", 1009: "message too big", 1010: "mandatory extension", 1011: "internal error", 1012: "service restart",
	1013: "try again later", 1014: "bad gateway", 3000: "unauthorized", 3003: "forbidden", 3008: "timeout",
}

func codeName(code int) string {
	if name, ok := codeNames[code]; ok {
		return " (" + name + ")"
	}
	return ""
}

// accused is whom a Close with 1002, 1003 or 1007 points to: the peer of its
// sender. Where all of the peer's frames are in the capture and none breaks a
// rule, the frame alone does not prove it.
func accused(c *record.Connection, x *record.ControlFrame) (record.Fault, record.Confidence) {
	w, peer := c.Facts.WS, x.Dir.Other()
	for i := range w.Violations {
		if w.Violations[i].Dir == peer {
			return peer.Fault(), record.Certain
		}
	}
	if w.NotWebSocket != nil && w.NotWebSocketDir == peer {
		return peer.Fault(), record.Certain
	}
	if w.Damaged[peer] || !w.HandshakeSeen || w.Uninflated > 0 {
		return peer.Fault(), record.Possible
	}
	return record.FaultUnknown, record.Likely
}

// clean says what a reader should know where the peer's frames are fine.
func clean(fault record.Fault, peer record.Dir) string {
	if fault != record.FaultUnknown {
		return ""
	}
	return "no frame of the " + peer.String() + " in this capture breaks RFC 6455"
}

// Times for a timer to have had a hand in an end.
const (
	leastSilence = 3 * time.Second
	leastAge     = 30 * time.Second
	// Timers run out at whole seconds after what started them; polling, the path and a coarse clock blur that.
	wholeSecond  = 100 * time.Millisecond
	lifetimeStep = 10 * time.Second
)

// whole is the distance of d from the nearest multiple of unit.
func whole(d, unit time.Duration) time.Duration {
	return (d - d.Round(unit)).Abs()
}

// cut is an end without a Close frame: who ended it, when and how.
type cut struct {
	at  record.Ref
	by  record.Dir
	how string // FIN, RST, END_STREAM, RST_STREAM
}

// cutOf returns the end of a WebSocket that nobody closed; ok is false if it
// was closed or is still open.
func cutOf(c *record.Connection) (cut, bool) {
	w := openedOf(c)
	if w == nil || w.FirstClose != nil {
		return cut{}, false
	}
	if h := c.Facts.H2; h != nil {
		if end, ok := streamEnd(h); ok {
			return end, true
		}
	}
	t := &c.Facts.TCP
	switch t.EndHow {
	case "fin", "rst":
		return cut{t.End, t.EndBy, endName(t)}, t.End.Seen()
	}
	return cut{}, false
}

// darkCut is the end of what looks like a WebSocket inside TLS that cannot be
// read. Whether a Close frame came is not known; one would have broken the
// silence on which the rules about timers rest.
func darkCut(c *record.Connection) (cut, bool) {
	if c.Facts == nil || c.Facts.TLS == nil || c.Facts.TLS.Likeness == nil {
		return cut{}, false
	}
	t := &c.Facts.TCP
	ok := t.EndHow == "fin" || t.EndHow == "rst"
	return cut{t.End, t.EndBy, endName(t)}, ok && c.Facts.WS == nil
}

// endName is how TCP ended, as it is written.
func endName(t *record.TCPFacts) string {
	switch t.EndHow {
	case "fin":
		if t.Notified {
			return "close_notify"
		}
		return "FIN"
	case "rst":
		return "RST"
	}
	return strings.ToUpper(t.EndHow)
}

// streamEnd is the first that ended an HTTP/2 stream.
func streamEnd(h *record.H2Facts) (cut, bool) {
	var end cut
	for d := range h.EndStream {
		if x := h.EndStream[d]; x.Seen() && (!end.at.Seen() || x.Time < end.at.Time) {
			end = cut{x, record.Dir(d), "END_STREAM"}
		}
	}
	if x := h.Reset; x != nil && x.Ref.Seen() && (!end.at.Seen() || x.Ref.Time < end.at.Time) {
		end = cut{x.Ref, x.Dir, "RST_STREAM"}
	}
	return end, end.at.Seen()
}

// silenceOf is the time without data in either direction before a cut, where
// it began, and the data that ended it if the cut answers that.
func silenceOf(c *record.Connection, end cut) (d time.Duration, from, broken record.Ref) {
	t := &c.Facts.TCP
	if c.Facts.H2 != nil && c.Facts.WS.LastFrame.Seen() && end.at != t.End {
		last := c.Facts.WS.LastFrame
		return end.at.Time.Sub(last.Time), last, record.Ref{}
	}
	return t.Silence, t.SilenceFrom, t.SilenceBroken
}

// idle tells that a timer on silence explains a cut, and which defaults fit.
func idle(c *record.Connection, end cut) (silence time.Duration, fits []known.Timer, ok bool) {
	silence, _, broken := silenceOf(c, end)
	if silence < leastSilence || c.Facts.TCP.OneWay {
		return silence, nil, false
	}
	product, _ := known.ProductOf(c)
	fits = known.IdleTimers(silence, product)
	if broken.Seen() {
		// The path forgot the connection at some time in the silence: any timer that is shorter may have done it.
		if forgotten := known.ForgottenAfter(silence); len(forgotten) > 0 {
			return silence, forgotten, true
		}
	}
	return silence, fits, len(fits) > 0 || whole(silence, time.Second) <= wholeSecond || lazy(c, end, silence) > 0
}

// lazyDelay: nginx does not set a timer anew for less than 300 ms
// (nginx/nginx:src/event/ngx_event_timer.h, NGX_TIMER_LAZY_DELAY), so that the
// one which cuts may have begun with data before the last.
const (
	lazyDelay = 350 * time.Millisecond
	lazyClose = 30 * time.Millisecond
)

// lazy is by how much a timer began before the silence, where it began with the
// connection's beginning and ran for whole seconds; 0: it did not.
func lazy(c *record.Connection, end cut, silence time.Duration) time.Duration {
	var from []record.Ref
	if u := c.Facts.Upgrade; u != nil {
		from = append(from, u.RequestRef, u.ResponseRef)
	}
	for _, x := range append(from, c.Facts.TCP.Established) {
		if age := end.at.Time.Sub(x.Time); x.Seen() && age > silence && age-silence <= lazyDelay && whole(age, time.Second) <= lazyClose {
			return age - silence
		}
	}
	return 0
}

// limiter is who has to act on a limit of age. What connects to a server may be
// a proxy that has one, or a client that left after a time of its own.
func limiter(c *record.Connection, end cut) record.Fault {
	if end.by == record.Client && !known.Forwarded(c) {
		return record.FaultUnknown
	}
	return record.FaultIntermediary
}

// lifetime tells that a limit on the connection's age explains a cut in the
// middle of traffic.
func lifetime(c *record.Connection, end cut) (age time.Duration, ok bool) {
	w, t := c.Facts.WS, &c.Facts.TCP
	if w == nil {
		return 0, false
	}
	if silence, _, _ := silenceOf(c, end); silence >= leastSilence || t.LateStart || !w.HandshakeSeen {
		return 0, false
	}
	if w.Messages[0]+w.Messages[1] == 0 && w.Pings[0].Answered+w.Pings[1].Answered == 0 {
		return 0, false
	}
	for _, from := range []record.Ref{w.OpenedRef, t.SYN, t.Established} {
		if !from.Seen() {
			continue
		}
		if age := end.at.Time.Sub(from.Time); age >= leastAge-wholeSecond && whole(age, lifetimeStep) <= 2*wholeSecond {
			return age, true
		}
	}
	return 0, false
}
