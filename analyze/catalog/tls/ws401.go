package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS401 = &rule.Rule{
	Code: "WS401", Slug: "tls-cut-off", Family: "tls", Since: "1.0.0",
	Title:    "The connection was reset or closed after the ClientHello without a ServerHello or alert",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The client sent its ClientHello, and the connection was reset or closed before the server's side said a word of TLS; or, less often, in the middle of the handshake.",
		Why:  "The client only reports that the connection was closed or reset during the TLS handshake, and nothing in its message says by whom.",
		How: "The ClientHello is in the capture, no ServerHello and no alert is, and the other side ended the connection. A TLS server that dislikes a ClientHello says so with an alert; one that knows nothing of TLS answers something else. " +
			"A device that filters by the server name in the ClientHello resets or closes just here.",
		Alike: "A server process that crashes, a load balancer without a healthy backend, a port behind which nothing listens any more, and a TCP proxy that expects a PROXY header (WS307) close in the same way. " +
			"Where the RST does not fit the server's other packets, WS206 says so, and then it is a device on the path.",
		Fix: "Try the same address with another server name (openssl s_client -connect HOST:443 -servername OTHER): if that is answered, a filter looks at the name. Capture at the server as well: a filter's RST appears on one side only. " +
			"If the server closed by itself, its log or its load balancer's health says why.",
	},
	References: []string{"RFC 8446 section 4.1.3", "RFC 8446 section 6", "RFC 6066 section 3"},
	Explains:   []string{"WS212"},
	Needs:      rule.TLSFailed,
	Check:      checkCutOff,
}

func checkCutOff(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || !t.ClientHello.Seen() || t.NotTLS != nil || len(t.Alerts) > 0 {
		return
	}
	tcp := &c.Facts.TCP
	if tcp.EndHow == "" || tcp.OneWay || tcp.GapBytes[record.Server] > 0 || tcp.CutShort > 0 {
		return
	}
	forged := r.Has("WS206")
	if tcp.EndBy != record.Server && !forged {
		return
	}
	if t.ServerHello.Seen() || tcp.Sides[record.Server].Bytes > 0 && !t.CloseNotify[record.Server].Seen() { // a piece of one, too
		_, turned := turnedAway(c, t)
		if client := parting(t, record.Client); !turned && t.Complete == "" && (!client.Seen() || tcp.End.Before(client)) {
			r.Add(cutLater(c, t, r))
		}
		return
	}
	after := known.Seconds(tcp.End.Time.Sub(t.ClientHello.Time)) + " after"
	if tcp.End.Before(t.ClientHello) {
		after = "before"
	}
	f := rule.Found{
		Evidence: []record.Evidence{r.At(t.ClientHello, "%s", "ClientHello for "+asked(t))},
		NextStep: known.CaptureAt(c, "the server as well, and try another server name: "+known.SClient(c, "example.com")),
	}
	if tcp.EndHow == "rst" {
		who := endpoint(c) + " reset"
		if forged {
			who = "A RST in the name of " + known.Side(c, record.Server) + " ended"
		}
		f.Title = who + " the connection " + after + " the ClientHello for " + asked(t)
		f.SeenByUser = known.UserSaw(c, known.SawTLSReset)
		f.Remedy = "Look for a firewall or filter that matches the server name " + asked(t) + "; if there is none, look at the server's log at this time."
		f.Evidence = append(f.Evidence, r.At(tcp.End, "RST instead of a ServerHello"))
		if !forged { // then it may be the server's own
			f.Fault, f.Confidence = record.FaultUnknown, record.Likely
		}
	} else {
		f.Title = endpoint(c) + " closed the connection " + after + " the ClientHello for " + asked(t) + ", without a word of TLS"
		if t.CloseNotify[record.Server].Seen() {
			f.Title = endpoint(c) + " closed the connection " + after + " the ClientHello for " + asked(t) + ", with a close_notify and no reason"
		}
		f.Fault = record.FaultUnknown
		f.SeenByUser = known.UserSaw(c, known.SawTLSClosed)
		f.Remedy = "Look whether " + known.Endpoint(c) + " speaks TLS at all and whether its load balancer has a healthy backend; then for a filter on the server name " + asked(t) + "."
		f.Evidence = append(f.Evidence, r.At(tcp.End, "FIN instead of a ServerHello"))
	}
	r.Add(f)
}

// cutLater is for a server's side that began the handshake and ended it
// without an alert.
func cutLater(c *record.Connection, t *record.TLSFacts, r *rule.Reporter) rule.Found {
	tcp := &c.Facts.TCP
	begun := t.ServerHello
	if !begun.Seen() {
		begun = tcp.Sides[record.Server].FirstData
	}
	f := rule.Found{Fault: record.FaultUnknown, Confidence: record.Likely,
		Title:      endpoint(c) + " closed the connection in the middle of the TLS handshake for " + asked(t) + ", without an alert",
		SeenByUser: known.UserSaw(c, known.SawTLSClosed),
		Remedy:     "Look at the log of " + known.Endpoint(c) + " at this time (a crash, a limit, a failed check); if it knows nothing, look for a filter that reads the certificate or the server name " + asked(t) + ".",
		NextStep:   known.CaptureAt(c, "the server as well: it shows who ended the connection."),
		Evidence:   []record.Evidence{r.At(begun, "the server's side begins to answer"), r.At(tcp.End, "FIN before the handshake was complete")},
	}
	if tcp.EndHow == "rst" {
		f.Title = endpoint(c) + " reset the connection in the middle of the TLS handshake for " + asked(t) + ", without an alert"
		f.SeenByUser = known.UserSaw(c, known.SawTLSReset)
		f.Evidence[1] = r.At(tcp.End, "RST before the handshake was complete")
	}
	return f
}
