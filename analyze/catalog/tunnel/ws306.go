package tunnel

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS306 = &rule.Rule{
	Code: "WS306", Slug: "plain-upgrade-through-proxy", Family: "tunnel", Since: "1.0.0",
	Title:    "The Upgrade request was sent to a forward proxy in absolute form, without CONNECT",
	Severity: record.Warning, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "The client sent its Upgrade request to a forward proxy as if it were a page request: with the whole URL in the request line, and without opening a tunnel first.",
		Why: "A proxy must take Upgrade and Connection off such a request, and most do (Squid by default). The server then gets a plain request and answers 426, 400 or 404. " +
			"RFC 6455 tells clients to use CONNECT, also for ws://.",
		How:   "The request's target begins with http:// or ws://, the form that only forward proxies are meant to get, and no CONNECT came before it.",
		Alike: "A few clients and gateways send the absolute form to ordinary servers, which must accept it. Some proxies are configured to let the upgrade through; then the connection works and this is only a hint.",
		Fix: "Let the client open a CONNECT tunnel (in Go, coder/websocket's http.Transport does not for ws://: use wss:// or gorilla/websocket), and allow CONNECT to the port at the proxy. " +
			"Or let the proxy pass the upgrade on: Squid 5 and later with http_upgrade_request_protocols websocket allow all.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9112 section 3.2.2", "http://www.squid-cache.org/Doc/config/http_upgrade_request_protocols/"},
	Explains:   []string{"WS521", "WS522", "WS523", "WS525", "WS526", "WS527", "WS528", "WS534", "WS535"},
	Needs:      rule.OddRequest,
	Check:      checkAbsolute,
}

// RFC 6455 section 4.1: "If the user configured the client to use a proxy ...
// the client SHOULD connect to that proxy and ask it to open a TCP connection
// to the host given by /host/ and the port given by /port/."
func checkAbsolute(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || !c.Facts.Upgrade.Absolute || c.Facts.H2 != nil {
		return
	}
	u := c.Facts.Upgrade
	if u.Request == nil || c.Facts.Tunnel != nil {
		return
	}
	name, product, proxy := known.Answerer(c)
	who := "the proxy at " + c.Server.String()
	if proxy {
		who = name + " at " + c.Server.String()
	}
	f := rule.Found{
		Title:    "The Upgrade request was sent to " + who + " in absolute form, expected CONNECT",
		Remedy:   "Let the client open a tunnel with CONNECT, as for wss://",
		Evidence: []record.Evidence{r.At(u.RequestRef, "the request line has a whole URL, no CONNECT before it")},
	}
	switch {
	case u.Response != nil && u.Response.Status == 101:
		f.Remedy += ": then no proxy has to pass the Upgrade on."
	case product == known.Tinyproxy:
		f.Remedy += ", and allow the port (ConnectPort): tinyproxy takes Upgrade off every request."
	case proxy && product != known.Squid && product != known.Backend:
		f.Remedy += ". " + known.Remedy(product, known.Stripped)
	default:
		f.Remedy += ", or let the proxy pass the Upgrade on (Squid 5 and later: http_upgrade_request_protocols websocket allow all)."
	}
	if !proxy && !u.Request.Has("Proxy-Connection") {
		f.Confidence = record.Likely
	}
	r.Add(f)
}
