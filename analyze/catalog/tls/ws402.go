package tls

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS402 = &rule.Rule{
	Code: "WS402", Slug: "tls-no-answer", Family: "tls", Since: "1.0.0",
	Title:    "The ClientHello was never answered",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The TCP connection was accepted and the client sent its ClientHello, but nothing came back until the client gave up or the capture ended; or the server began the handshake and then fell silent.",
		Why:  "The client waits for its own timer, from a few seconds to minutes, and then reports a timeout.",
		How: "The SYN-ACK shows that somebody accepted the connection. If the ClientHello was not even acknowledged, the packet with it was dropped on the way, which filters on the server name do; a SYN alone gives them nothing to match. " +
			"If it was acknowledged, the server's host has it and the process behind the port did not answer.",
		Alike: "A ClientHello with a post-quantum key share fills two packets, and some devices drop such hellos or their second packet; a path with a small MTU drops large packets (WS211). A server that is overloaded, or a port that belongs to something that waits for the client in another protocol, stays silent, too.",
		Fix: "Unacknowledged: look for a filter on the server name, and try another name and a smaller ClientHello. Capture at the server to see whether it arrives. " +
			"Acknowledged: look at the process behind the port, its accept queue and its load.",
	},
	References: []string{"RFC 8446 section 4.1.2", "RFC 6066 section 3", "RFC 9293 section 3.8.1"},
	Explains:   []string{"WS207", "WS208", "WS210", "WS105"},
	Needs:      rule.TLSFailed,
	Check:      checkNoAnswer,
}

// longEnough is how long an answer must have been missing to be missed.
const longEnough = time.Second

func checkNoAnswer(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || !t.ClientHello.Seen() || t.NotTLS != nil || r.Has("WS401") {
		return
	}
	if waited := fellSilent(c, t); waited > 0 {
		r.Add(silentLater(c, t, r, waited))
		return
	}
	if t.ServerHello.Seen() || len(t.Alerts) > 0 {
		return
	}
	tcp := &c.Facts.TCP
	said, tunnel := tcp.Sides[record.Server].Bytes, c.Facts.Tunnel
	if tunnel != nil && tunnel.Opened {
		said = tunnel.ServerBytes // the proxy's answer is none of TLS
	}
	if tcp.OneWay || said > 0 || tcp.GapBytes[record.Server] > 0 || tcp.EndHow != "" && tcp.EndBy == record.Server {
		return
	}
	end := tcp.End
	if !end.Seen() {
		end = c.Facts.CaptureEnd
	}
	waited := end.Time.Sub(t.ClientHello.Time)
	if waited < longEnough {
		return
	}
	f := rule.Found{SeenByUser: known.UserSaw(c, known.SawTLSNoAnswer),
		Evidence: []record.Evidence{r.At(t.ClientHello, "%s", "ClientHello for "+asked(t)), r.At(end, "%s", known.Seconds(waited)+" later, without an answer")}}
	if client := &tcp.Sides[record.Client]; client.Unacked > 0 && client.UnackedSent > 1 {
		f.Title = endpoint(c) + " never acknowledged the ClientHello for " + asked(t) + " in " + known.Seconds(waited) + ": it was dropped on the way"
		f.Confidence = record.Likely
		f.Remedy = "Look for a firewall or filter between the client and " + known.Endpoint(c) + " that drops hellos with the server name " + asked(t) + "."
		f.NextStep = known.CaptureAt(c, "the server: if the ClientHello does not arrive though the SYN does, a device on the path drops it.")
		f.Evidence = append(f.Evidence, r.At(client.UnackedLast, "the ClientHello is sent again, in vain"))
	} else if tunnel != nil {
		f.Title = "No answer to the ClientHello for " + asked(t) + " came through the tunnel to " + known.Endpoint(c) + " in " + known.Seconds(waited)
		f.Fault = record.FaultUnknown
		f.Remedy = "From the proxy's host, try " + known.SClient(c, "") + ": whether that server speaks TLS, and whether it is overloaded or stuck; if it answers there, look at the proxy."
		f.NextStep = "Capture at the proxy, on the side of the server: does the ClientHello go on, and is it answered?"
	} else {
		f.Title = endpoint(c) + " took the ClientHello for " + asked(t) + " and did not answer in " + known.Seconds(waited)
		f.Fault = record.FaultUnknown
		f.Remedy = "Look at the process behind " + known.Endpoint(c) + ": whether it speaks TLS, and whether it is overloaded or stuck."
		f.NextStep = "Try from the server itself: " + known.SClient(c, "")
	}
	r.Add(f)
}

// silentLater is for a server that began the handshake and did not finish it.
func silentLater(c *record.Connection, t *record.TLSFacts, r *rule.Reporter, waited time.Duration) rule.Found {
	finished := t.Sides[record.Client].FirstSealedRef
	return rule.Found{
		Title:      endpoint(c) + " stopped answering in the middle of the TLS handshake for " + asked(t) + ": nothing came in " + known.Seconds(waited) + " after the client's Finished",
		Fault:      record.FaultUnknown,
		SeenByUser: known.UserSaw(c, known.SawTLSNoAnswer),
		Remedy:     "Look at the process behind " + known.Endpoint(c) + ": whether it hangs in the middle of the handshake (reading its key, asking a revocation server).",
		NextStep:   known.CaptureAt(c, "the server as well: it shows whether the client's Finished arrived and was answered."),
		Evidence:   []record.Evidence{r.At(t.ServerHello, "ServerHello"), r.At(finished, "the client's Finished, the last of its part, was not answered in %s", known.Seconds(waited))},
	}
}
