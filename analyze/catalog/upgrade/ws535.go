package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS535 = &rule.Rule{
	Code: "WS535", Slug: "closed-without-response", Family: "upgrade", Since: "1.0.0",
	Title:    "The peer closed the connection (FIN) after the request without a response",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "After the Upgrade request the other side closed the TCP connection in the ordinary way (FIN), without a single byte of an answer.",
		Why:   "The program that accepted the connection gave it up on purpose or died: a crash, a handler that returns without an answer, a limit, a deny rule, or a TLS port that was spoken to in plain text.",
		How:   "The server's FIN is in the capture, no payload of an answer is (an interim 1xx answer does not count), and no byte is missing.",
		Alike: "nginx's return 444 does this on purpose. OpenSSL, Node.js and HAProxy do it on a TLS port when they get plain text: the port number hints at it. A load balancer without a target may do it as well.",
		Fix:   "Read the server's log at this time. If the port is one for TLS, use wss://. If a proxy closed, look at its upstream.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9112 section 9.5"},
	Needs:      rule.Unanswered,
	Check:      checkClosed,
}

// tlsPorts usually speak TLS: a FIN in answer to plain text there is the way
// in which OpenSSL, Node.js and HAProxy refuse it.
var tlsPorts = map[uint16]bool{443: true, 8443: true, 9443: true, 4443: true, 10443: true, 6443: true}

func checkClosed(c *record.Connection, r *rule.Reporter) {
	u := unanswered(c)
	if u == nil || c.Facts.H2 != nil && h2Ended(c) {
		return
	}
	t := &c.Facts.TCP
	fin, how := t.Sides[record.Server].FIN, "FIN"
	if t.Notified {
		fin, how = t.End, "close_notify"
	}
	if !fin.Seen() || t.EndBy != record.Server || t.EndHow != "fin" {
		return
	}
	f := rule.Found{Fault: record.FaultServer}
	plain := c.Facts.TLS == nil && c.Scheme != "wss" && tlsPorts[c.Server.Port()]
	if plain || u.RequestCut {
		f.Fault = record.FaultClient
	}
	if r.Enough(f) {
		return
	}
	when := known.Seconds(fin.Time.Sub(u.RequestLast.Time)) + " after " + target(u) + " without a response"
	if fin.Time < u.RequestLast.Time {
		when = "before it had got " + target(u)
	}
	f.Title = known.Endpoint(c) + " closed the connection " + when
	f.Remedy = "Read the server's log at this time: a crash, a limit or a deny rule closes without an answer (nginx: return 444)."
	f.SeenByUser = known.UserSaw(c, known.SawClosedUnanswered)
	f.Evidence = []record.Evidence{r.At(u.RequestRef, "%s", target(u)), r.At(fin, "%s of the server, no response before it", how)}
	if u.Interim > 0 {
		f.Title += " (only an interim answer)"
	}
	if u.RequestCut {
		f.Title = target(u) + " of the client" + neverEnded + ": " + known.Endpoint(c) + " closed the connection " + when
		f.Remedy = endTheHead
	} else if plain {
		f.Title += ": the port usually speaks TLS"
		f.Remedy = "Use wss:// if the port speaks TLS: some TLS servers close without a word when they get plain text."
		f.NextStep = known.SClient(c, "") + " tells whether the port speaks TLS."
	}
	r.Add(f)
}
