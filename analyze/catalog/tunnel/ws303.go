package tunnel

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS303 = &rule.Rule{
	Code: "WS303", Slug: "tunnel-upstream-failed", Family: "tunnel", Since: "1.0.0",
	Title:    "A forward proxy could not reach its target",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The forward proxy accepted CONNECT and answered that it could not reach the server: 502, 503 or 504, or a 500 whose page or error name says so.",
		Why:  "The proxy itself works and would have allowed the tunnel. What is broken lies behind it: the server, the name that the proxy looked up, or the network between the two.",
		How:  "The status is quoted, with the proxy's own error name where it gives one (Squid's X-Squid-Error, tinyproxy's page). How long it took hints at the kind: at once is a refused connection or an unknown name, after many seconds a timeout.",
		Alike: "A proxy that is overloaded or without a parent proxy also answers 503. Squid 5 answers 500 with ERR_CANNOT_FORWARD to a name that it cannot resolve. " +
			"The proxy uses its own DNS and its own routes: that the client or you can reach the server says little.",
		Fix: "From the proxy's host, look the name up and connect to the port. If the server is down or listens elsewhere, start it or correct the URL; if a firewall stands between the two, open it for the proxy's address; if the name is unknown there, correct the proxy's resolver.",
	},
	References: []string{"RFC 9110 section 9.3.6", "RFC 9110 section 15.6.3", "RFC 9110 section 15.6.5"},
	Explains:   []string{"WS204", "WS301", "WS549"},
	Needs:      rule.Tunnel,
	Check:      checkUpstream,
}

func checkUpstream(c *record.Connection, r *rule.Reporter) {
	t := failed(c)
	if t == nil || t.AuthRefused || t.Response == nil {
		return
	}
	seen, ok := upstream(t)
	if !ok {
		return
	}
	who, product := proxy(c)
	f := rule.Found{
		Title:      fmt.Sprintf("%s could not reach %s: it answered CONNECT with %s after %s", who, target(t), answer(t), known.Seconds(t.Waited)),
		Remedy:     "From the proxy's host, " + reach(t) + "; then start the server, correct the name or open the firewall for the proxy's address. " + log(product),
		NextStep:   "Capture at the proxy, on the side of the server: a refused SYN, an unanswered one or a failed DNS query tells which it is.",
		SeenByUser: sawRefusal(c),
		Evidence:   exchange(r, t, "the proxy answers "+answer(t)),
	}
	if seen != "" && !strings.Contains(answer(t), strings.Trim(seen, "'")) {
		f.Title += " (" + seen + ")"
		f.Evidence[1].Note += ", and says " + seen
	}
	switch lower := strings.ToLower(seen); {
	case strings.Contains(lower, "dns"), strings.Contains(lower, "resolve"), strings.Contains(lower, "no such host"), strings.Contains(lower, "no such domain"), strings.Contains(lower, "host not found"):
		f.Fault = record.FaultNetwork
	case strings.Contains(lower, "err_cannot_forward"):
		// Squid says so of names that it cannot resolve, and where its own rules leave it no way.
		f.Fault, f.Confidence = record.FaultIntermediary, record.Likely
		f.Title += ", as Squid says of a name that it cannot resolve"
	}
	r.Add(f)
}

// reach is how to try the target by hand.
func reach(t *record.TunnelFacts) string {
	host, port, err := net.SplitHostPort(target(t))
	if _, notAddress := netip.ParseAddr(host); err != nil || notAddress == nil {
		return "connect to " + target(t)
	}
	return "look up " + host + " and connect to port " + port
}

// log tells where the proxy says more.
func log(product known.Product) string {
	switch product {
	case known.Squid:
		return "Squid's access.log has the request with TCP_TUNNEL or NONE and the status, cache.log the DNS trouble (dns_nameservers, dns_timeout, connect_timeout)."
	case known.Tinyproxy:
		return "tinyproxy's log has opensock and the reason."
	case known.Apache:
		return "error_log has the reason (AH00957, AH01114)."
	case known.Unknown, known.Backend:
		return "The proxy's log says which."
	}
	return known.Remedy(product, known.UpstreamDown)
}
