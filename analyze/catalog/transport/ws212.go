package transport

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS212 = &rule.Rule{
	Code: "WS212", Slug: "reset-during-connect", Family: "transport", Since: "1.0.0",
	Title:    "The connection was reset after the TCP handshake before any byte was exchanged",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "SYN, SYN-ACK and ACK went through, and a RST came before either side had sent a byte.",
		Why:  "The port is open, but whoever accepted the connection threw it away at once. The client reports a reset without any hint.",
		How:  "The handshake and the RST are in the capture, and neither side's payload is more than zero bytes.",
		Alike: "A load balancer without a healthy backend, a container's port mapping to a port where nobody listens, an access list (TCP wrappers, allow lists by address), a connection limit, and a firewall that resets in the server's name all do this. " +
			"A client that resets what it never used (a health check, a port scanner, the loser of two attempts at once) gave it up by itself and is not named.",
		Fix: "See what accepts the port: a proxy or port mapping (docker-proxy, kube-proxy, a load balancer) without a living target is the commonest. Then look at allow lists and connection limits of the server.",
	},
	References: []string{"RFC 9293 section 3.5.2", "RFC 8305"},
	Needs:      rule.Reset,
	Check:      checkResetDuringConnect,
}

func checkResetDuringConnect(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || t.EndHow != "rst" || !t.SYNACK.Seen() || !t.Established.Seen() || t.OneWay {
		return
	}
	if t.Sides[record.Client].Bytes > 0 || t.Sides[record.Server].Bytes > 0 || t.Sides[record.Client].FIN.Seen() || t.Sides[record.Server].FIN.Seen() {
		return
	}
	x := ending(t)
	if x == nil || x.AnswersSYN {
		return
	}
	var f rule.Found
	if _, forged := forgery(t); forged {
		f.Fault = record.FaultIntermediary
	}
	if r.Enough(f) {
		return
	}
	f.Title = resetBy(c, t, f.Fault) + " the connection " + known.Seconds(t.End.Time.Sub(t.Established.Time)) + " after the TCP handshake, before any byte"
	f.Remedy = "See what accepts connections at " + c.Server.String() + ": a port mapping or load balancer without a living target, an allow list, a connection limit."
	f.SeenByUser = known.UserSaw(c, known.SawResetUnanswered)
	f.Evidence = []record.Evidence{r.At(t.Established, "the handshake is complete"), r.At(x.Ref, "%s", howReset(x, f.Fault))}
	r.Add(f)
}
