package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS509 = &rule.Rule{
	Code: "WS509", Slug: "insecure-from-secure-page", Family: "upgrade", Since: "1.0.0",
	Title:    "A page on https opened a ws:// connection, which browsers block as mixed content",
	Severity: record.Warning, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The Origin says that the page was loaded over https, but the WebSocket is plain ws:// without TLS.",
		Why:   "Browsers block this as mixed content, so users of the page get no connection at all. A client that is allowed to do it sends everything in clear.",
		How:   "The Origin field begins with https:// and the connection carries no TLS. Requests that a proxy passed on after it took the TLS off are left out, as far as they show it; so are those of browsers, which would not have sent them in clear.",
		Alike: "Behind a proxy or load balancer that ends TLS and adds no field of its own, every healthy wss:// connection looks like this. Localhost is exempt in browsers.",
		Fix:   "Let the page use wss:// (in JavaScript: derive the scheme from location.protocol), and offer TLS on the server or the proxy in front of it.",
	},
	References: []string{"W3C Mixed Content section 5", "RFC 6455 section 10.6"},
	Needs:      rule.SecureOrigin,
	Check:      checkMixedContent,
}

func checkMixedContent(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.TLS != nil || c.Scheme == "wss" || c.Facts.Upgrade.Request == nil || c.Facts.Proxy != nil {
		return
	}
	u := c.Facts.Upgrade
	origin, ok := u.Request.Get("Origin")
	if !ok || len(origin) < 8 || !strings.EqualFold(origin[:8], "https://") || forwarder(u) != "" {
		return
	}
	// A browser would have blocked it: of one, a proxy took the TLS off. HTTP/2
	// in cleartext is spoken between proxies and servers only.
	if c.Server.Addr().Unmap().IsLoopback() || known.ClientOf(c).Browser || c.Facts.H2 != nil || c.HopOf != "" {
		return
	}
	r.Add(rule.Found{
		Title:      "The page is on " + known.Quote(origin) + " but opened ws:// without TLS, which browsers block as mixed content",
		Remedy:     "Let the page use wss://, and offer TLS on the server or the proxy in front of it.",
		SeenByUser: known.UserSaw(c, known.SawMixedContent),
		Evidence:   []record.Evidence{r.At(requestField(u, "Origin"), "Origin: %s on a connection without TLS", known.Clip(origin))},
	})
}
