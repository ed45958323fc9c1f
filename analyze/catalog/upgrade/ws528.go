package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS528 = &rule.Rule{
	Code: "WS528", Slug: "upgrade-required", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 426",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The handshake was answered with 426 Upgrade Required: whoever answered wants a WebSocket handshake and did not see one.",
		Why: "The server that answered saw no Upgrade in the request. Where this capture shows one, it was lost behind this point. " +
			"That happens when a proxy between this capture and the server takes the hop-by-hop fields Upgrade and Connection off, which most do unless told otherwise.",
		How: "The request is checked field by field. A whole request and the answer 426 together mean that something in between changed it; the answer's Server and Via fields name the proxy. " +
			"If the answer has Sec-WebSocket-Version, the server wants another version.",
		Alike: "A client that asks for a version that the server does not speak gets 426, too (WS503). A server that wants TLS first says so by 'Upgrade: TLS/1.2'. A capture at the server's side shows the request as it arrived there and tells the two apart.",
		Fix:   "Let the proxy pass Upgrade and Connection on over HTTP/1.1 for this path. Capture between the proxy and the server if in doubt which of several proxies it is.",
	},
	References: []string{"RFC 6455 section 4.2.2", "RFC 9110 section 15.5.22", "RFC 9110 section 7.8"},
	Needs:      rule.ClientError,
	Check:      checkUpgradeRequired,
}

func checkUpgradeRequired(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 426 {
		return
	}
	u := c.Facts.Upgrade
	wants, hasUp := u.Response.Get("Upgrade")
	product, proxy := known.ProductOf(c)
	var f rule.Found
	more := ""
	switch {
	case hasUp && !strings.Contains(strings.ToLower(wants), "websocket"):
		f.Fault = record.FaultClient
		more = ": it wants " + known.Quote("Upgrade: "+wants) + " first"
		f.Remedy = "Use wss:// if it asks for TLS: the server does not take WebSockets without it."
		f.Evidence = append(f.Evidence, r.At(responseField(u, "Upgrade"), "Upgrade: %s", known.Clip(wants)))
	case r.Has("WS501") && u.Request.Has("Upgrade"):
		f.Fault = record.FaultClient
		f.Remedy = "Let the client send 'Upgrade: websocket'."
	case r.Has("WS501") || r.Has("WS502"):
		f.Fault = record.FaultIntermediary
		f.Remedy = known.Remedy(product, known.Stripped)
	case r.Has("WS503") || r.Has("WS504") || r.Has("WS505") || r.Has("WS507"):
		f.Fault = record.FaultClient
		f.Remedy = "Correct what is wrong with the request."
	case !fine(c, u):
	case u.Response.Has("Sec-WebSocket-Version") && !u.Response.HasToken("Sec-WebSocket-Version", "13"):
		f.Fault = record.FaultServer
		more = ": it speaks version " + known.Clip(join(u.Response.Values("Sec-WebSocket-Version"))) + ", the client 13"
		f.Remedy = "Update the server's WebSocket library: it does not speak RFC 6455 (version 13)."
	case c.Facts.H2 != nil: // which has no Upgrade that could be lost
		f.Fault = record.FaultIntermediary
		more = ": it takes no WebSocket over HTTP/2, or did not make an Upgrade of it for the server behind it"
		f.Remedy = "Let the client use HTTP/1.1 for WebSockets (offer only http/1.1 in ALPN), or let who answered turn the extended CONNECT (RFC 8441) into an Upgrade for the server behind it."
	default:
		lost(c, r, &f)
		more = ", though the request has the Upgrade header: a proxy on the way to the server probably took it off"
		f.NextStep = known.CaptureAt(c, "the server: it shows the request as it arrived there.")
		if proxy {
			f.NextStep = ""
			more = ", though the client's request has the Upgrade header: it did not reach the server behind " + string(product)
		}
	}
	if f.Remedy == "" {
		f.Remedy = known.Remedy(product, known.Stripped)
	}
	answer(c, r, f, more)
}
