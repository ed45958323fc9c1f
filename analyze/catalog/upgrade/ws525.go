package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS525 = &rule.Rule{
	Code: "WS525", Slug: "forbidden", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 403",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The handshake was answered with 403 Forbidden.",
		Why:  "Whoever answered understood the request and does not allow it. For WebSocket the commonest reason is the Origin: servers must check it, and their default is often to allow only their own host.",
		How:  "The answer's text and the comparison of Origin with Host tell whether it is the Origin; the answer's fields tell who refused: the server, a proxy or a filter.",
		Alike: "A web application firewall, an address list (allow and deny), a missing CSRF token, an unknown path (in some frameworks) or an Envoy that is not configured for upgrades also give 403. " +
			"A filtering product's page is named by WS551.",
		Fix: "If the Origin is foreign to the server, add it to the server's list of allowed origins. Otherwise look for this request in the log of who answered: the rule that refused it is named there.",
	},
	References: []string{"RFC 6455 section 4.2.2", "RFC 6455 section 10.2", "RFC 9110 section 15.5.4"},
	Needs:      rule.ClientError,
	Check:      checkForbidden,
}

// RFC 6455 section 4.2.2: "If this origin is not acceptable to the server, it
// MUST return an appropriate HTTP error code (e.g., 403 Forbidden)".
func checkForbidden(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 403 {
		return
	}
	why, clause, f := because(c, r)
	envoy := refusedByEnvoy(c)
	if envoy {
		f.Fault, f.Confidence = record.FaultIntermediary, record.Possible
	}
	if r.Enough(f) {
		return
	}
	if envoy {
		clause = ", without a word, as Envoy does where upgrades are not configured"
		f.Remedy = known.Remedy(known.Envoy, known.Stripped)
	}
	if originHost, host, u := crossOrigin(c); u != nil {
		switch {
		case clause == "" && refusedByGorilla(u):
			clause = ": gorilla/websocket's CheckOrigin does not allow a page on " + known.Clip(originHost) + " for " + known.Clip(host)
			f.Remedy = "Set Upgrader.CheckOrigin to allow the page's origin. " + origin
		case clause == "":
			clause = ", perhaps because of the Origin: the page is on " + known.Clip(originHost) + ", not on " + known.Clip(host)
		}
		f.Evidence = append(f.Evidence, r.At(requestField(u, "Origin"), "the page is on %s", known.Clip(originHost)))
		if f.Remedy == "" {
			f.Remedy = origin
		}
	}
	if u := c.Facts.Upgrade; sameHost(u) && (strings.Contains(why.says, "this Origin") || refusedByGorilla(u)) {
		clause += ", though the page is on the very host that was asked for: a proxy probably put another into Host"
		f.Remedy = "Let the proxy pass the Host on (nginx: proxy_set_header Host $host; Apache: ProxyPreserveHost On), or add the page's origin to those that the server allows."
		f.Evidence = append(f.Evidence, r.At(requestField(u, "Origin"), "Origin and Host name the same host"))
	}
	if f.Remedy == "" {
		f.Remedy = "Look for this request in the log of who answered: an address list, a missing login or token, the Origin check or a firewall rule refused it."
	}
	answer(c, r, f, clause)
}

// refusedByEnvoy: Envoy refuses an upgrade that is not configured with an empty
// 403 of its own, which lacks the field that it adds to its upstream's answers
// (conn_manager_impl.cc, UpgradeFailed). Its authorization filters can do so, too.
func refusedByEnvoy(c *record.Connection) bool {
	u := c.Facts.Upgrade
	if len(u.Body) > 0 {
		return false
	}
	product, _ := known.ProductOf(c)
	return product == known.Envoy && !u.Response.Has("X-Envoy-Upstream-Service-Time")
}

// sameHost: Origin and Host name the same host, and nothing says that a proxy changed that.
func sameHost(u *record.UpgradeFacts) bool {
	if u.Request == nil || u.Request.Has("X-Forwarded-Host") {
		return false
	}
	value, _ := u.Request.Get("Origin")
	host, _ := u.Request.Get("Host")
	_, authority, found := strings.Cut(value, "://")
	return found && host != "" && strings.EqualFold(hostOf(authority), hostOf(host))
}
