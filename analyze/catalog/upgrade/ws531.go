package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS531 = &rule.Rule{
	Code: "WS531", Slug: "bad-gateway", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 502: a proxy could not use its upstream",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "A proxy answered the handshake with 502 Bad Gateway.",
		Why:  "The proxy could not connect to the server behind it, lost the connection before an answer, or got an answer that it does not understand.",
		How:  "The status comes from a proxy by its definition; Server and Via name it. How fast it came tells more: at once means refused or reset, after seconds a timeout.",
		Alike: "HAProxy also answers 502 when the server's 101 or the client's Sec-WebSocket-Key is not valid. A server that speaks another protocol than the proxy expects (https for http, HTTP/2 for HTTP/1.1) gives 502 as well, " +
			"and so does one that crashes on the request.",
		Fix: "Read the proxy's error log for this request; it names the upstream and the reason. Start or repair that server, or correct its address, port and protocol in the proxy.",
	},
	References: []string{"RFC 9110 section 15.6.3"},
	Explains:   []string{"WS549"},
	Needs:      rule.ServerError,
	Check:      checkBadGateway,
}

func checkBadGateway(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 502 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	product, _ := known.ProductOf(c)
	_, clause, f := because(c, r)
	f.Remedy = known.Remedy(product, known.UpstreamDown)
	if clause == "" {
		clause = after(c) + ": it could not use the server behind it"
	}
	answer(c, r, f, clause)
}

// after is a clause about how long the answer took.
func after(c *record.Connection) string {
	u := c.Facts.Upgrade
	if !u.RequestLast.Seen() || !u.ResponseRef.Seen() {
		return ""
	}
	return " after " + known.Seconds(u.ResponseRef.Time.Sub(u.RequestLast.Time))
}
