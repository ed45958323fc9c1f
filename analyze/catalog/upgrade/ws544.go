package upgrade

import (
	"slices"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS544 = &rule.Rule{
	Code: "WS544", Slug: "subprotocol-not-offered", Family: "upgrade", Since: "1.0.0",
	Title:    "The server selected a subprotocol that the client did not offer, or more than one",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The answer's Sec-WebSocket-Protocol names a subprotocol that the request did not offer, or several.",
		Why:   "The client must fail the connection. Browsers name the value in the console; most libraries fail as well.",
		How:   "The values of both sides are compared letter by letter: subprotocols are case-sensitive. Values that are tokens are not shown.",
		Alike: "A proxy that adds the field to each answer (for GraphQL or MQTT gateways) does the same. A server that always answers with its own name works with clients that offer just that one.",
		Fix:   "Let the server choose one of the offered values, or leave the field out; or let the client offer what the server speaks, in the same spelling.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 4.2.2", "RFC 6455 section 11.3.4"},
	Explains:   endCodes,
	Needs:      rule.Subprotocol,
	Check:      checkSubprotocol,
}

// RFC 6455 section 4.1, item 6: "If the response includes a
// |Sec-WebSocket-Protocol| header field and this header field indicates the use
// of a subprotocol that was not present in the client's handshake ... the
// client MUST _Fail the WebSocket Connection_."
func checkSubprotocol(c *record.Connection, r *rule.Reporter) {
	u := acceptedOf(c)
	if u == nil || u.Request == nil || u.RequestCut || !u.Response.Has("Sec-WebSocket-Protocol") {
		return
	}
	selected := u.Response.List("Sec-WebSocket-Protocol")
	offered := u.Request.List("Sec-WebSocket-Protocol")
	if len(selected) == 0 || len(selected) == 1 && slices.Contains(offered, selected[0]) {
		return
	}
	got := quoteProtocols(selected)
	f := rule.Found{
		Title:  known.Who(c) + " selected the subprotocol " + got + ", the client offered " + quoteProtocols(offered),
		Remedy: "Let the server select one of the subprotocols that the client offers, or none; or let the client offer " + got + ".",
		Evidence: []record.Evidence{r.At(responseField(u, "Sec-WebSocket-Protocol"), "Sec-WebSocket-Protocol: %s", got),
			r.At(requestField(u, "Sec-WebSocket-Protocol"), "the client offered %s", quoteProtocols(offered))},
		SeenByUser: known.UserSaw(c, known.SawProtocolMismatch, bare(selected)),
	}
	switch {
	case len(selected) > 1:
		f.Title = known.Who(c) + " selected several subprotocols (" + got + "), expected one"
		f.Remedy = "Let the server select one of the subprotocols that the client offers, or none."
	case len(offered) == 0:
		f.SeenByUser = known.UserSaw(c, known.SawProtocolUnasked, bare(selected))
	}
	if _, proxy := known.ProductOf(c); proxy {
		f.Remedy += " If the server selects rightly, a proxy in between changes the field."
	}
	r.Add(f)
}

// bare is the selected value as a client quotes it, unless it is a token.
func bare(selected []string) string {
	for _, p := range selected {
		if tokenProtocol(p) {
			return "…"
		}
	}
	return join(selected)
}

// quoteProtocols lists subprotocols, tokens left out.
func quoteProtocols(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = known.Quote(p)
		if tokenProtocol(p) {
			names[i] = "a token"
		}
	}
	return join(names)
}
