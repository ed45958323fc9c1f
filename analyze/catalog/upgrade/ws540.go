package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS540 = &rule.Rule{
	Code: "WS540", Slug: "accept-missing", Family: "upgrade", Since: "1.0.0",
	Title:    "The 101 has no Sec-WebSocket-Accept",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The server switched protocols (101), but its answer has no Sec-WebSocket-Accept.",
		Why:   "The field is the server's proof that it understood a WebSocket handshake. Without it every client fails the connection, although the server thinks that it is open.",
		How:   "The whole header block of the 101 is in the capture and the field is not in it.",
		Alike: "A proxy that lets through only fields that it knows can remove it. An answer to one of the old drafts (WS507) has no such field either.",
		Fix:   "Let the server compute the field from the request's Sec-WebSocket-Key, or use a WebSocket library that does. If the server sends it, look for the proxy that takes it off.",
	},
	References: []string{"RFC 6455 section 4.2.2", "RFC 6455 section 4.1"},
	Explains:   endCodes,
	Needs:      rule.OddAnswer,
	Check:      checkAcceptMissing,
}

// RFC 6455 section 4.1: "If the response lacks a |Sec-WebSocket-Accept| header
// field ... the client MUST _Fail the WebSocket Connection_."
func checkAcceptMissing(c *record.Connection, r *rule.Reporter) {
	u := switchedOf(c)
	if u == nil || u.Response.Has("Sec-WebSocket-Accept") {
		return
	}
	if u.Request != nil && !u.RequestCut && hixie(u) != "" {
		return // the drafts before had another proof
	}
	title := known.Who(c) + " answered 101 without Sec-WebSocket-Accept"
	if u.WantAccept != "" {
		title += ", expected " + u.WantAccept
	}
	r.Add(rule.Found{
		Title:      title,
		Remedy:     "Let the server send Sec-WebSocket-Accept: the base64 of the SHA-1 of the key and 258EAFA5-E914-47DA-95CA-C5AB0DC85B11.",
		SeenByUser: known.UserSaw(c, known.SawAcceptMissing),
		Evidence:   []record.Evidence{r.At(u.ResponseRef, "101 without Sec-WebSocket-Accept")},
	})
}
