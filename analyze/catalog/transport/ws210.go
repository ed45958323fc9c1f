package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS210 = &rule.Rule{
	Code: "WS210", Slug: "request-black-holed", Family: "transport", Since: "1.0.0",
	Title:    "The TCP handshake succeeded but the Upgrade request was retransmitted and never acknowledged",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "SYN, SYN-ACK and ACK went through, but the packet with the Upgrade request was sent again and again and never acknowledged.",
		Why:  "The path lets the connection be opened and swallows the request. The client waits for its handshake timer, four minutes in Chromium, and reports a timeout.",
		How: "The handshake is in the capture, so the server's host was reachable a moment before; every transmission of the request is there, and no acknowledgement. " +
			"A device that looks into the request and drops it silently is the usual explanation.",
		Alike: "A server's host that died at this very moment, or a path that broke, looks the same; a second attempt with the same end shows that it is no accident. Where the request fills a whole packet, it may be too large for the path: see WS211. " +
			"A load balancer that completes TCP handshakes for a dead backend (SYN proxy) does this, too.",
		Fix: "Look for a firewall, intrusion prevention system or filter with a rule on WebSocket or Upgrade; try the same request without its Upgrade field, or over wss, which hides it. " +
			"Capture at the server: if the request does not arrive there, go hop by hop.",
	},
	References: []string{"RFC 9293 section 3.8.1", "RFC 6455 section 10.3"},
	Explains:   []string{"WS207", "WS208", "WS534", "WS105"},
	Needs:      rule.Unanswered,
	Check:      checkBlackHoled,
}

// requestSends is how often the request must have been sent: one repetition is
// a passing loss.
const requestSends = 3

func checkBlackHoled(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || c.Facts.Upgrade == nil || c.Facts.WS != nil || t.OneWay {
		return
	}
	u := c.Facts.Upgrade
	if u.Request == nil || u.RequestAcked || u.RequestSent < requestSends || u.Response != nil || u.NotHTTP != nil {
		return
	}
	if blackHole(t, record.Client) || c.Facts.TLS != nil || c.Facts.H2 != nil || !t.SYNACK.Seen() && !t.LateStart {
		return
	}
	if r.Enough(rule.Found{Confidence: record.Likely}) {
		return
	}
	s := &t.Sides[record.Client]
	last := s.UnackedLast
	if !last.Seen() {
		last = u.RequestLast
	}
	r.Add(rule.Found{
		Title: fmt.Sprintf("%s accepted the TCP connection but never acknowledged the Upgrade request, sent %d times in %s", known.SideFirst(c, record.Server), u.RequestSent,
			known.Seconds(last.Time.Sub(u.RequestRef.Time))),
		Confidence: record.Likely,
		Remedy:     "Look for a firewall or filter between the client and " + c.Server.String() + " that drops requests with 'Upgrade: websocket'; try wss, which hides the request from it.",
		SeenByUser: known.UserSaw(c, known.SawNoAnswer),
		NextStep:   known.CaptureAt(c, "the server: if the request does not arrive there though the handshake does, a device on the path drops it."),
		Evidence: []record.Evidence{r.At(t.SYNACK, "the server's SYN-ACK"), r.At(u.RequestRef, "the Upgrade request, never acknowledged"),
			r.At(last, "last time it was sent")},
	})
}
