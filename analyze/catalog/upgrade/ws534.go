package upgrade

import (
	"fmt"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS534 = &rule.Rule{
	Code: "WS534", Slug: "no-response", Family: "upgrade", Since: "1.0.0",
	Title:    "The request was acknowledged but no response came",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The Upgrade request arrived, for it was acknowledged at the TCP level, but not one byte of an answer came before the client gave up or the capture ended.",
		Why:  "The kernel of the other side acknowledges, the program behind it does not answer: it is stuck, overloaded, waits for something else, or does not accept connections at all.",
		How:  "The request's bytes are acknowledged, the other side sends no data, and the capture shows both directions without a gap that would explain it. The client left after its own timer: Chromium waits 240 s, Firefox 20 s, Python websockets 10 s.",
		Alike: "A firewall that drops the answer on its way back gives the same picture at the client; a later sequence number from the server then shows that it did answer. " +
			"A proxy that cannot reach its backend also stays silent until its timer. A capture at the server tells these apart. A client that leaves within a second has hardly waited: then it is named.",
		Fix: "Look at the program that owns the port: is it accepting (a full backlog shows in ss -ltn), is a thread or an event loop blocked, does the log show the request? If the server did answer, look for what drops it on the path.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9293 section 3.4"},
	Needs:      rule.Unanswered,
	Check:      checkNoResponse,
}

// waitedEnough: without an end of the connection, an answer may still have been
// on its way when the capture ended.
const waitedEnough = time.Second

func checkNoResponse(c *record.Connection, r *rule.Reporter) {
	u := unanswered(c)
	if u == nil || !u.RequestAcked && c.Facts.H2 == nil {
		return
	}
	if r.Has("WS206") || r.Has("WS410") || len(c.Facts.TCP.Resets) > 0 && serverReset(c) || c.Facts.H2 != nil && h2Ended(c) {
		return
	}
	end, how := whoLeft(c)
	if how == "" {
		return
	}
	waited := u.Waited
	if waited == 0 && end.Seen() {
		waited = end.Time.Sub(u.RequestLast.Time)
	}
	if how == "the capture ended" && waited < waitedEnough {
		return
	}
	lost, ok := lostAnswer(c)
	f := rule.Found{Fault: record.FaultServer, Confidence: record.Likely}
	if u.RequestCut {
		f.Fault, f.Confidence = record.FaultClient, record.Certain
	}
	hasty := how == "the client gave up" && waited < waitedEnough && !ok && !u.RequestCut
	switch {
	case ok:
		f.Fault = record.FaultIntermediary
	case hasty:
		f.Fault = record.FaultClient
	}
	if r.Enough(f) {
		return
	}
	f.Title = known.Endpoint(c) + " acknowledged " + target(u) + " but sent no response: " + how + " after " + known.Seconds(waited)
	f.Remedy = "Look at the program behind this port: is it accepting, is it blocked, does its log show the request? If it did answer, look for what drops the answer on the path."
	f.SeenByUser = known.UserSaw(c, known.SawNoAnswer)
	f.NextStep = known.CaptureAt(c, "the server as well: it shows whether an answer was sent.")
	f.Evidence = []record.Evidence{r.At(u.RequestRef, "%s", target(u)), r.At(end, "%s after %s", how, known.Seconds(waited))}
	if client := known.ClientOf(c); how == "the client gave up" && client.Timeout > 0 && (waited-client.Timeout).Abs() < time.Second {
		f.Title += ", the limit of " + string(client.Engine)
	}
	if hasty {
		f.Title = known.SideFirst(c, record.Client) + " gave up " + known.Seconds(waited) + " after " + target(u) + ", before a response had come"
		f.Remedy = "If nobody left the page or stopped the program, look for code that closes a WebSocket while it still connects (a component that is mounted twice, a timeout that is too short)."
		f.SeenByUser, f.NextStep = "", ""
	}
	if u.RequestCut {
		f.Title = target(u) + " of the client" + neverEnded + ", so it got no response: " + how + " after " + known.Seconds(waited)
		f.Remedy, f.NextStep = endTheHead, ""
	}
	if ok {
		f.Title = fmt.Sprintf("%s sent %d bytes in answer to %s that never arrived: they were lost on the path", known.Endpoint(c), lost.Length, target(u))
		f.Evidence = append(f.Evidence, r.At(lost.Ref, "its next sequence number is %d bytes further on", lost.Length))
		f.Remedy = "The server did answer: look for the firewall or device that drops the answer on the path."
		f.NextStep = ""
	}
	r.Add(f)
}

// serverReset tells that a RST of the server ended the wait: WS204 says that.
func serverReset(c *record.Connection) bool {
	for i := range c.Facts.TCP.Resets {
		if reset := &c.Facts.TCP.Resets[i]; reset.From == record.Server && !reset.AfterOtherFIN {
			return true
		}
	}
	return false
}

// h2Ended tells that the server ended the stream or the connection, or never
// allowed the request: WS560 to WS562 say that.
func h2Ended(c *record.Connection) bool {
	h := c.Facts.H2
	return h.GoAway != nil || h.Reset != nil && h.Reset.Dir == record.Server || h.EndStream[record.Server].Seen() ||
		h.SettingsRef.Seen() && !h.ConnectEnabled
}

// whoLeft tells how the wait for an answer ended: by the client, or by the end
// of the capture. An empty text means in another way.
func whoLeft(c *record.Connection) (end record.Ref, how string) {
	f := c.Facts
	switch {
	case f.H2 != nil && f.H2.Reset != nil && f.H2.Reset.Dir == record.Client:
		return f.H2.Reset.Ref, "the client gave up"
	case f.TCP.End.Seen() && f.TCP.EndBy == record.Client:
		return f.TCP.End, "the client gave up"
	case f.TCP.End.Seen():
		return f.TCP.End, ""
	case f.CaptureEnd.Seen():
		return f.Last, "the capture ended"
	}
	return f.Last, ""
}

// lostAnswer finds bytes of the server that nobody received.
func lostAnswer(c *record.Connection) (record.Gap, bool) {
	for i := range c.Facts.TCP.Gaps {
		if g := &c.Facts.TCP.Gaps[i]; g.From == record.Server && g.Unacked && g.Length > 0 {
			return *g, true
		}
	}
	return record.Gap{}, false
}
