package transport

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS213 = &rule.Rule{
	Code: "WS213", Slug: "slow-path", Family: "transport", Since: "1.0.0",
	Title:    "The TCP handshake's round trip is 300 ms or more",
	Severity: record.Info, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen:  "The answer to the SYN took 300 ms or more.",
		Why:   "Every exchange takes at least this long: the WebSocket handshake two round trips, with TLS three or four. Short timeouts of clients and health checks run out on such a path.",
		How:   "The time from the SYN to the SYN-ACK is measured, or from the SYN-ACK to the ACK where the capture was taken at the server; a handshake with repeated SYNs is not measured.",
		Alike: "A server's host under heavy load answers SYNs late, too. Satellite links, mobile networks and other continents have such round trips by nature.",
		Fix:   "Nothing is broken by this alone. If it surprises, traceroute shows where the time goes; a nearer server or edge, TLS 1.3 and reused connections save round trips.",
	},
	References: []string{"RFC 9293 section 3.5", "RFC 6298 section 2"},
	Needs:      rule.Remarkable,
	Check:      checkSlowPath,
}

func checkSlowPath(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || t.HandshakeRTT < rule.SlowPath {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	r.Add(rule.Found{
		Title:    "The round trip of the TCP handshake with " + c.Server.String() + " took " + known.Seconds(t.HandshakeRTT),
		Evidence: []record.Evidence{r.At(t.SYNACK, "SYN-ACK"), r.At(t.Established, "ACK")},
	})
}
