package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS202 = &rule.Rule{
	Code: "WS202", Slug: "connect-timeout", Family: "transport", Since: "1.0.0",
	Title:    "The SYN was retransmitted and never answered",
	Severity: record.Error, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "The client's SYN was sent again and again and no SYN-ACK, RST or ICMP error came back.",
		Why:  "The client hangs until its own timer runs out, often for a minute or more, and then reports a timeout. Nothing above TCP was ever spoken.",
		How:  "The capture holds every SYN and no packet of the server. A closed port answers with a RST, so silence means that the SYN or its answer was dropped. Seen from the server, its SYN-ACK is sent again and again and no ACK comes.",
		Alike: "A capture that shows one direction only looks the same; such captures are told apart and not judged. A server whose accept queue is full drops SYNs silently, too, as does a host that is switched off behind a router that sends no ICMP errors. " +
			"A wrong address in DNS leads to the same silence.",
		Fix: "Check the address, then the firewalls and security groups on the way for a rule that drops; capture at the server to see whether the SYN arrives. " +
			"If it arrives and is not answered, look at the accept queue (ss -ltn, Recv-Q against Send-Q; nstat TcpExtListenOverflows) and at the way back.",
	},
	References: []string{"RFC 9293 section 3.8.1", "RFC 6298 section 2"},
	Explains:   []string{"WS207", "WS208"},
	Needs:      rule.Unconnected,
	Check:      checkConnectTimeout,
}

func checkConnectTimeout(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || t.Established.Seen() || t.SYNs < 2 && t.SYNACKs < 2 || t.OneWay || len(t.Resets) > 0 {
		return
	}
	if t.Sides[record.Client].Bytes > 0 || t.Sides[record.Server].Bytes > 0 || len(t.ICMP) > 0 {
		return
	}
	if t.SYNACK.Seen() {
		if t.SYNACKs < 2 || r.Enough(rule.Found{Confidence: record.Likely}) {
			return
		}
		r.Add(rule.Found{
			Title:      fmt.Sprintf("The SYN-ACK of %s was sent %d times and never acknowledged: it does not reach the client", c.Server, t.SYNACKs),
			Remedy:     "Capture at the client: if the SYN-ACK does not arrive there, look for a firewall, an asymmetric route or a NAT on the way back.",
			Confidence: record.Likely,
			SeenByUser: known.UserSaw(c, known.SawConnectTimeout),
			Evidence:   []record.Evidence{r.At(t.SYN, "SYN"), r.At(t.SYNACK, "SYN-ACK that no ACK follows")},
		})
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	f := rule.Found{
		Title:      fmt.Sprintf("The SYN to %s was sent %d times in %s and never answered", c.Server, t.SYNs, known.Seconds(lastSYN(t).Time.Sub(t.SYN.Time))),
		Remedy:     "Look for a firewall or security group that drops packets to " + c.Server.String() + ", and capture at the server: does the SYN arrive there, and is it answered?",
		SeenByUser: known.UserSaw(c, known.SawConnectTimeout),
		NextStep:   known.CaptureAt(c, "the server at the same time (tcpdump host "+c.Client.Addr().String()+"): it shows whether the SYN arrives."),
		Evidence:   []record.Evidence{r.At(t.SYN, "first SYN"), r.At(lastSYN(t), "last SYN, still without an answer")},
	}
	if acceptsOthers(c) {
		f.Title += ", though other connections were accepted there"
		f.Remedy = "Look first whether the server takes connections in time: if ss -ltn shows its Recv-Q above its Send-Q, its queue is full and it drops SYNs. Then look for a firewall that limits connections."
	}
	r.Add(f)
}
