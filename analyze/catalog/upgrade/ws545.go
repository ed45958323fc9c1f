package upgrade

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS545 = &rule.Rule{
	Code: "WS545", Slug: "subprotocol-not-selected", Family: "upgrade", Since: "1.0.0",
	Title:    "The client offered subprotocols and the server selected none: browsers fail the connection",
	Severity: record.Warning, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The client offered one or more subprotocols, and the server opened the WebSocket without selecting any.",
		Why:  "RFC 6455 allows it, but Chromium and Node.js ws fail such a connection right after the 101, and an application that expects its subprotocol will not work.",
		How:  "Sec-WebSocket-Protocol is in the request and not in the answer. If the client left without sending a frame, this is why.",
		Alike: "Servers that do not know about subprotocols behave so with every client. A token that is smuggled in as a subprotocol must be answered with another, real subprotocol beside it. " +
			"A proxy may also have removed the field.",
		Fix: "Let the server select one of the offered subprotocols (in Node.js ws: handleProtocols; gorilla: Upgrader.Subprotocols; Python websockets: subprotocols), or let the client offer none.",
	},
	References: []string{"RFC 6455 section 4.2.2", "https://websockets.spec.whatwg.org/#websocket-opening-handshake"},
	Explains:   endCodes,
	Needs:      rule.Subprotocol,
	Check:      checkNoSubprotocol,
}

// atOnce is how soon after the 101 a client leaves that fails the handshake.
const atOnce = time.Second

// The WebSocket API's standard: "If protocols is not the empty list and
// extracting header list values given `Sec-WebSocket-Protocol` and response's
// header list results in null ... then fail the WebSocket connection."
func checkNoSubprotocol(c *record.Connection, r *rule.Reporter) {
	u := acceptedOf(c)
	if u == nil || u.Request == nil || u.RequestCut || !u.Request.Has("Sec-WebSocket-Protocol") || len(u.Response.List("Sec-WebSocket-Protocol")) > 0 {
		return
	}
	offered := u.Request.List("Sec-WebSocket-Protocol")
	if len(offered) == 0 {
		return
	}
	what := "the subprotocol" + known.Plural(len(offered)) + " " + quoteProtocols(offered)
	if len(offered) == 1 && tokenProtocol(offered[0]) {
		what = "a token as its only subprotocol"
	}
	f := rule.Found{
		Title:      "The client offered " + what + " and " + known.Side(c, record.Server) + " selected none: browsers fail the connection",
		Remedy:     "Let the server select one of the offered subprotocols, or let the client offer none.",
		SeenByUser: known.UserSaw(c, known.SawProtocolNone),
		Evidence: []record.Evidence{r.At(requestField(u, "Sec-WebSocket-Protocol"), "the client offers %s", quoteProtocols(offered)),
			r.At(u.ResponseRef, "the answer has no Sec-WebSocket-Protocol")},
	}
	if ws := c.Facts.WS; ws != nil && c.Facts.TCP.End.Seen() && c.Facts.TCP.EndBy == record.Client && ws.Messages[record.Client] == 0 && ws.Closes[record.Client] == nil {
		if c.Outcome == record.ClosedAbnormal && c.Facts.TCP.End.Time.Sub(u.ResponseLast.Time) < atOnce {
			f.Severity = record.Error
		}
		f.Title += "; this client left without a frame"
		f.Evidence = append(f.Evidence, r.At(c.Facts.TCP.End, "the client leaves without having sent a frame"))
	}
	r.Add(f)
}
