package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS560 = &rule.Rule{
	Code: "WS560", Slug: "extended-connect-not-enabled", Family: "upgrade", Since: "1.0.0",
	Title:    "An HTTP/2 client tried extended CONNECT though the server's SETTINGS do not enable it",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The client opened a stream with :method CONNECT and :protocol websocket, and the server's SETTINGS have no ENABLE_CONNECT_PROTOCOL with the value 1.",
		Why:  "A server that does not know extended CONNECT takes the request for a broken one: it resets the stream (often with PROTOCOL_ERROR) or answers 400, 404 or 405.",
		How:  "All SETTINGS frames of the server since the beginning of the connection are in the capture and none enables it. RFC 8441 lets a client use extended CONNECT only after it has seen the setting.",
		Alike: "HAProxy enables it in a second SETTINGS frame, which counts here. A capture that began after the SETTINGS cannot tell, and this finding is silent then. " +
			"Browsers that find the setting missing open another connection with HTTP/1.1 instead, which is no failure.",
		Fix: "Enable it where it is meant to work: Envoy: allow_connect: true in http2_protocol_options and an upgrade_config for websocket; Apache httpd 2.4.58 or later: H2WebSockets on; " +
			"Node.js: settings: {enableConnectProtocol: true}; Go: GODEBUG=http2xconnect=1. Otherwise let the client offer only http/1.1 in ALPN for WebSockets.",
	},
	References: []string{"RFC 8441 section 3", "RFC 8441 section 4"},
	Explains:   append([]string{"WS204", "WS561"}, statusCodes...),
	Needs:      rule.HTTP2,
	Check:      checkExtendedConnect,
}

// RFC 8441 section 3: "If a client were to use the provisions of the extended
// CONNECT method defined in this document without first receiving a
// SETTINGS_ENABLE_CONNECT_PROTOCOL parameter, a non-supporting peer would detect
// a malformed request and generate a stream error".
func checkExtendedConnect(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.H2 == nil || c.Facts.Upgrade == nil {
		return
	}
	h, u := c.Facts.H2, c.Facts.Upgrade
	if h.ConnectEnabled || h.Late || !h.SettingsRef.Seen() || u.Request == nil || u.Request.Method != "CONNECT" {
		return
	}
	f := rule.Found{Fault: record.FaultClient}
	if c.Facts.WS != nil {
		f.Severity = record.Warning // it opened all the same
	}
	if r.Enough(f) {
		return
	}
	f.Title = "The client asked for " + target(u) + " by extended CONNECT, which the SETTINGS of " + known.Endpoint(c) + " do not enable"
	f.Remedy = "Enable extended CONNECT at " + known.Endpoint(c) + " (Envoy: allow_connect: true and a websocket upgrade_config; Apache: H2WebSockets on; Node.js: enableConnectProtocol; " +
		"Go: GODEBUG=http2xconnect=1), or let the client use HTTP/1.1 for WebSockets (offer only http/1.1 in ALPN)."
	f.Evidence = []record.Evidence{r.At(h.SettingsRef, "SETTINGS of the server without ENABLE_CONNECT_PROTOCOL"), r.At(u.RequestRef, "%s with :protocol websocket", target(u))}
	r.Add(f)
}
