package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS502 = &rule.Rule{
	Code: "WS502", Slug: "connection-header-wrong", Family: "upgrade", Since: "1.0.0",
	Title:    "The request has 'Upgrade: websocket' but its Connection field does not list upgrade",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The request asks for 'Upgrade: websocket', but its Connection field is missing or says something else, such as keep-alive or close.",
		Why:  "Upgrade only counts when Connection lists it. A server that follows the standard ignores the field and answers as to a page request, often with 426 or 400.",
		How: "RFC 6455 section 4.2.1 asks for a Connection field that includes the token Upgrade. Clients always send it. " +
			"A proxy that was told to pass Upgrade on, and not Connection, produces just this request.",
		Alike: "A client written by hand can forget it as well. Some clients send 'Connection: keep-alive, Upgrade', which is right and not meant here.",
		Fix: "Let the proxy set both fields. For nginx: proxy_set_header Upgrade $http_upgrade and proxy_set_header Connection \"upgrade\" in the same location; " +
			"a proxy_set_header further inside replaces all of those outside. Without a proxy, let the client send 'Connection: Upgrade'.",
	},
	References: []string{"RFC 6455 section 4.2.1", "RFC 9110 section 7.8", "https://nginx.org/en/docs/http/websocket.html"},
	Explains:   statusCodes,
	Needs:      rule.OddRequest,
	Check:      checkConnection,
}

// RFC 6455 section 4.2.1: "A |Connection| header field that includes the token
// "Upgrade", treated as an ASCII case-insensitive value."
func checkConnection(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil || !hasUpgrade(u) || connects(u) {
		return
	}
	found := "no Connection field"
	if values := u.Request.Values("Connection"); len(values) > 0 {
		found = known.Quote("Connection: " + strings.Join(values, ", "))
	}
	product, _, _ := stripper(u)
	f := rule.Found{
		Title:  "The request has 'Upgrade: websocket' but " + found + ", expected 'Connection: Upgrade'",
		Remedy: known.Remedy(product, known.Stripped),
		Evidence: []record.Evidence{r.At(requestField(u, "Upgrade"), "Upgrade: websocket"),
			r.At(requestField(u, "Connection"), "%s", found)},
	}
	if by := forwarder(u); by == "" {
		f.Confidence = record.Likely
		f.Remedy = "If the client wrote this request itself, let it send 'Connection: Upgrade'. " + f.Remedy
	} else {
		f.Evidence = append(f.Evidence, r.At(u.RequestRef, "a proxy passed the request on (%s)", by))
	}
	r.Add(f)
}
