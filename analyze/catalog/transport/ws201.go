package transport

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS201 = &rule.Rule{
	Code: "WS201", Slug: "connection-refused", Family: "transport", Since: "1.0.0",
	Title:    "The SYN was answered by a RST",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The client asked for a TCP connection and the answer was a reset. No WebSocket, TLS or HTTP was ever spoken.",
		Why:  "The address is reachable, but nothing accepts connections at this port. The client reports a connection error at once, without any detail that names the cause.",
		How:  "RFC 9293 section 3.10.7.1 has a host answer a SYN to a closed port with a RST that acknowledges it. That packet is in the capture.",
		Alike: "A firewall that rejects with tcp-reset sends the same packet in the server's name; a RST that arrives sooner than the network allows, or with another TTL than the host's other answers, hints at it. " +
			"A server with a full accept queue that is told to abort on overflow resets, too. During a restart the port is closed for a moment only: see whether later attempts succeed.",
		Fix: "See that the server process runs and listens on this address and port (ss -ltn), on the right address family and not on the loopback address alone. " +
			"Then look at port mappings of containers and load balancers, and at firewall rules that reject.",
	},
	References: []string{"RFC 9293 section 3.5.2", "RFC 9293 section 3.10.7.1", "RFC 6455 section 4.1"},
	Explains:   []string{"WS212"},
	Needs:      rule.Reset,
	Check:      checkRefused,
}

// RFC 9293 section 3.10.7.1: "If the connection does not exist (CLOSED), then a
// reset is sent in response to any incoming segment except another reset."
func checkRefused(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || len(t.Resets) == 0 || t.SYNACK.Seen() || !t.SYN.Seen() {
		return
	}
	for i := range t.Resets {
		x := &t.Resets[i]
		if x.From != record.Server || !x.AnswersSYN {
			continue
		}
		if r.Enough(rule.Found{}) {
			return
		}
		f := rule.Found{
			Title:      "Nothing accepts connections at " + c.Server.String() + ": the SYN was answered by a RST after " + known.Seconds(x.Ref.Time.Sub(lastSYN(t).Time)),
			Remedy:     "Start the server or correct the port: on the host, ss -ltn must list " + c.Server.String() + " or the wildcard address; then look at port mappings and rejecting firewall rules.",
			SeenByUser: known.UserSaw(c, known.SawRefused),
			Evidence:   []record.Evidence{r.At(t.SYN, "SYN to %s", c.Server), r.At(x.Ref, "RST in answer")},
		}
		if acceptsOthers(c) {
			f.Title = "Nothing accepted connections at " + c.Server.String() + " just then: the SYN was answered by a RST, though other connections were accepted there"
			f.Remedy = "The server was down at this moment, as during a restart: look at its log, and let the client wait and try again."
		}
		r.Add(f)
		return
	}
}

// acceptsOthers: the server accepted other connections at this port in the capture.
func acceptsOthers(c *record.Connection) bool { return c.RecognizedBy == record.BySameEndpoint }

// lastSYN is the SYN that the answer is to.
func lastSYN(t *record.TCPFacts) record.Ref {
	if t.LastSYN.Seen() {
		return t.LastSYN
	}
	return t.SYN
}
