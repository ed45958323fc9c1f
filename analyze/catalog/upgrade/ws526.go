package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS526 = &rule.Rule{
	Code: "WS526", Slug: "not-found", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 404 or 410",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The handshake was answered with 404 Not Found or 410 Gone.",
		Why:   "Who answered has no WebSocket at this path. The server itself is reachable and speaks HTTP.",
		How:   "The status line and the path are quoted; the answer's fields tell who answered.",
		Alike: "Some servers answer 404 to a request whose Upgrade a proxy took off, because their route only matches WebSocket requests. A proxy that rewrites paths, or a wrong virtual host, gives 404 for a path that is right.",
		Fix:   "Compare the client's path with the server's route, the slash at the end and the prefix that a proxy adds or removes included. If the path is right, check that the proxy sends it, with the Upgrade header, to the WebSocket server.",
	},
	References: []string{"RFC 9110 section 15.5.5", "RFC 9110 section 15.5.11"},
	Needs:      rule.ClientError,
	Check:      checkNotFound,
}

func checkNotFound(c *record.Connection, r *rule.Reporter) {
	if s := refusal(c); s != 404 && s != 410 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	_, clause, f := because(c, r)
	switch {
	case f.Remedy != "":
	case refusal(c) == 410:
		f.Remedy = "410 says that this path is gone for good: let the client use the one that came in its place."
	default:
		f.Remedy = "Compare the client's path with the server's route (slash at the end, prefix of a proxy, host name)."
		if product, proxy := known.ProductOf(c); proxy {
			f.Remedy += " " + string(product) + " must send this path to the WebSocket server."
		}
	}
	answer(c, r, f, clause)
}
