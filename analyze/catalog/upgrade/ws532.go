package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS532 = &rule.Rule{
	Code: "WS532", Slug: "service-unavailable", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 503",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The handshake was answered with 503 Service Unavailable.",
		Why:   "The service is overloaded, in maintenance, at its connection limit, or a load balancer has no server left that it takes for healthy.",
		How:   "The status line is quoted, Retry-After where the answer has it; the answer's text names HAProxy and Envoy, which answer 503 when no server is up.",
		Alike: "A limit on the number of WebSockets of one server gives 503 for some clients while others stay connected. A deployment gives it for seconds.",
		Fix:   "Look at the health checks of the load balancer and at the servers behind it. If it is a limit, raise it or add servers. Let clients back off, and honour Retry-After.",
	},
	References: []string{"RFC 9110 section 15.6.4", "RFC 9110 section 10.2.3"},
	Explains:   []string{"WS549"},
	Needs:      rule.ServerError,
	Check:      checkUnavailable,
}

func checkUnavailable(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 503 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	product, proxy := known.ProductOf(c)
	_, clause, f := because(c, r)
	f.Remedy = "Look whether the service is overloaded, in maintenance or at its connection limit; let clients back off and honour Retry-After."
	if proxy {
		f.Remedy = known.Remedy(product, known.Unavailable)
	}
	if squid, _ := c.Facts.Upgrade.Response.Get("X-Squid-Error"); strings.HasPrefix(squid, "ERR_CONNECT_FAIL") || strings.HasPrefix(squid, "ERR_DNS_FAIL") {
		clause += " (" + known.Clip(squid) + "): Squid could not connect to the server behind it"
		f.Remedy = "From Squid's host, look the server's name up and connect to it: is it running and on this port? Squid's cache.log says why it gave up."
	}
	clause += retryAfter(c, r, &f)
	answer(c, r, f, clause)
}
