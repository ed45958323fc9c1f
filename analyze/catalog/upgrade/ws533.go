package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS533 = &rule.Rule{
	Code: "WS533", Slug: "gateway-timeout", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 504: a proxy waited in vain for its upstream",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen:  "A proxy answered the handshake with 504 Gateway Timeout.",
		Why:   "The server behind the proxy took too long to accept the connection or to answer the handshake, and the proxy gave up.",
		How:   "The status comes from a proxy by its definition. The time from the request to the answer is the proxy's timer, such as nginx's proxy_read_timeout or proxy_connect_timeout.",
		Alike: "A firewall between proxy and server that swallows packets gives the same; so does a server whose handler waits for something before it answers the handshake.",
		Fix:   "Find out why the server does not answer: capture between the proxy and it. Raising the proxy's timer only makes users wait longer.",
	},
	References: []string{"RFC 9110 section 15.6.5"},
	Explains:   []string{"WS549"},
	Needs:      rule.ServerError,
	Check:      checkGatewayTimeout,
}

func checkGatewayTimeout(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 504 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	product, _ := known.ProductOf(c)
	_, clause, f := because(c, r)
	f.Remedy = known.Remedy(product, known.UpstreamSlow)
	if clause == "" {
		clause = after(c) + ": the server behind it did not answer"
	}
	answer(c, r, f, clause)
}
