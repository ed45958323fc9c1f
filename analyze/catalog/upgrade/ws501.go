package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS501 = &rule.Rule{
	Code: "WS501", Slug: "upgrade-header-missing", Family: "upgrade", Since: "1.0.0",
	Title:    "The request has Sec-WebSocket fields but no 'Upgrade: websocket'",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "A request carries Sec-WebSocket-Key or Sec-WebSocket-Version, which only a WebSocket client sends, but its Upgrade field is missing or names something else. " +
			"The server has no way to see that a WebSocket is wanted.",
		Why: "Without the field the server treats the request as an ordinary page request. It answers 426, 400, 404 or even 200, and the client reports that answer, which says nothing about the cause.",
		How: "Upgrade and Connection are hop-by-hop fields: a proxy must take them off and, if it supports WebSocket, put them on again for the next hop. " +
			"The Sec-WebSocket fields are end-to-end and stay. A request with the one and without the other has been through a proxy that does not pass WebSocket on. " +
			"nginx does this by default, together with HTTP/1.0 or 'Connection: close'.",
		Alike: "A client written by hand, or a test with curl, may have forgotten the field: then no proxy is to blame, and no Via or X-Forwarded field is there. " +
			"A device on the path that renames or blanks the field leaves the same picture. A request that names another protocol in Upgrade was made so by its client.",
		Fix: "Configure the proxy that sent this request to pass Upgrade and Connection on over HTTP/1.1. For nginx these are proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade and " +
			"proxy_set_header Connection \"upgrade\"; for Apache upgrade=websocket at ProxyPass; for Squid http_upgrade_request_protocols. If there are several proxies, each of them needs it.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 4.2.1", "RFC 9110 section 7.6.1", "https://nginx.org/en/docs/http/websocket.html"},
	Explains:   append([]string{"WS505"}, statusCodes...),
	Needs:      rule.OddRequest,
	Check:      checkUpgradeMissing,
}

// RFC 6455 section 4.2.1: "An |Upgrade| header field containing the value
// "websocket", treated as an ASCII case-insensitive value."
func checkUpgradeMissing(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil || hasUpgrade(u) {
		return
	}
	if !u.Request.Has("Sec-WebSocket-Key") && !u.Request.Has("Sec-WebSocket-Version") && !u.Request.Has("Sec-WebSocket-Key1") {
		return
	}
	var f rule.Found
	if value, ok := u.Request.Get("Upgrade"); ok {
		f.Title = "The request has " + known.Quote("Upgrade: "+value) + ", expected 'Upgrade: websocket'"
		f.Fault = record.FaultClient
		f.Remedy = "Let the client send 'Upgrade: websocket'."
		f.Evidence = []record.Evidence{r.At(u.RequestRef, "%s with Sec-WebSocket fields", target(u)), r.At(requestField(u, "Upgrade"), "Upgrade: %s", known.Clip(value))}
		r.Add(f)
		return
	}
	f.Evidence = []record.Evidence{r.At(u.RequestRef, "%s with Sec-WebSocket fields and no Upgrade", target(u))}
	f.Title = "The request to " + known.Endpoint(c) + " has Sec-WebSocket-Key but no 'Upgrade: websocket'"
	if name := renamed(u); name != "" && connects(u) { // a proxy takes both fields off together
		f.Confidence = record.Likely
		f.Title += ": a device on the path wrote " + known.Quote(name+": websocket") + " over it"
		f.Remedy = "Find the device on the path that renames this field: a capture on each of its sides shows both names. TLS (wss) keeps it from reading them."
		f.Evidence = append(f.Evidence, r.At(requestField(u, name), "%s: websocket", known.Clip(name)))
		r.Add(f)
		return
	}
	product, who, sign := stripper(u)
	f.Title += who
	f.Remedy = known.Remedy(product, known.Stripped)
	if who == "" && connects(u) {
		// One alone is a device's or the client's work.
		f.Confidence = record.Likely
		f.Title += ", while 'Connection: Upgrade' is there"
	}
	if sign != "" {
		f.Title += " (" + sign + ")"
		f.Evidence = append(f.Evidence, r.At(u.RequestRef, "%s", sign))
	}
	r.Add(f)
}

// renamed is the name that a device wrote over Upgrade: it keeps the length, so
// that nothing behind it moves.
func renamed(u *record.UpgradeFacts) string {
	for i := range u.Request.Fields {
		if x := &u.Request.Fields[i]; len(x.Name) == len("Upgrade") && strings.EqualFold(strings.TrimSpace(x.Value), "websocket") {
			return x.Name
		}
	}
	return ""
}

// stripper tells which proxy wrote the request, the clause about it, and what shows it.
func stripper(u *record.UpgradeFacts) (product known.Product, who, sign string) {
	h := u.Request
	via, _ := h.Get("Via")
	connection, _ := h.Get("Connection")
	switch {
	case strings.Contains(strings.ToLower(via), "squid"):
		return known.Squid, ": Squid took it off", "Via: " + known.Clip(via)
	case strings.Contains(strings.ToLower(via), "varnish") || h.Has("X-Varnish"):
		return known.Varnish, ": Varnish took it off", ""
	case strings.Contains(strings.ToLower(via), "cloudfront"):
		return known.CloudFront, ": CloudFront took it off", ""
	case h.Has("X-Azure-FDID"):
		return known.FrontDoor, ": Azure Front Door took it off", ""
	case h.Has("CF-Ray"):
		return known.Unknown, ": a proxy behind Cloudflare took it off", ""
	case h.Has("X-Forwarded-Server") && h.Has("X-Forwarded-Host"):
		// Apache's mod_proxy_http adds these two by itself.
		return known.Apache, ": a proxy like Apache took it off", "X-Forwarded-Server is there"
	case h.Has("X-Host") && h.Has("X-Forwarded-Host"):
		// lighttpd's mod_proxy adds these two by itself.
		return known.Lighttpd, ": a proxy like lighttpd took it off", "X-Host is there"
	case strings.EqualFold(connection, "close"):
		// nginx: ngx_http_proxy_module's default "Connection: close".
		return known.Nginx, ": a proxy took it off, nginx by default does so", known.Clip(h.Version) + ", Connection: close"
	}
	if by := forwarder(u); by != "" {
		return known.Unknown, ": a proxy took it off", by
	}
	return known.Unknown, "", ""
}
