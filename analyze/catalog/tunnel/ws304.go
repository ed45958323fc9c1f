package tunnel

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS304 = &rule.Rule{
	Code: "WS304", Slug: "socks-refused", Family: "tunnel", Since: "1.0.0",
	Title:    "A SOCKS proxy refused the request",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The client asked a SOCKS proxy for a connection to the server, and the proxy answered with a reply code other than success.",
		Why:  "There is no tunnel, so neither TLS nor the WebSocket handshake began. The code tells whether the proxy did not want to (its rules) or could not (the server or the way to it).",
		How:  "The reply code is quoted by its name in RFC 1928. 'Connection not allowed by ruleset' is the proxy's own decision; 'Connection refused', 'Host unreachable', 'Network unreachable' and 'TTL expired' are what the proxy met on its way to the server.",
		Alike: "SOCKS4 has one code (91) for nearly every failure, and several proxies say 'general failure' or 'Host unreachable' for a name that they cannot resolve or for a rule of theirs. " +
			"The proxy's log knows better than its reply.",
		Fix: "Not allowed: add a rule for this target at the proxy. Refused or unreachable: from the proxy's host, look the name up and connect to the port; start the server, correct the name, or open the firewall for the proxy's address.",
	},
	References: []string{"RFC 1928 section 6", "https://www.openssh.com/txt/socks4.protocol"},
	Explains:   []string{"WS204"},
	Needs:      rule.Tunnel,
	Check:      checkSOCKS,
}

// The reply codes of RFC 1928 section 6, and 91 of SOCKS4, that tell what to do.
const (
	replyGeneral     = 1
	replyNotAllowed  = 2
	replyNetwork     = 3
	replyHost        = 4
	replyRefused     = 5
	replyExpired     = 6
	replyCommand     = 7
	replyAddressType = 8
	replyRejected4   = 91
)

func checkSOCKS(c *record.Connection, r *rule.Reporter) {
	t := failed(c)
	if t == nil || t.Kind == "http-connect" || t.AuthRefused {
		return
	}
	if t.ReplyName == "" {
		silentSOCKS(c, r)
		return
	}
	who, _ := proxy(c)
	f := rule.Found{
		Title:      fmt.Sprintf("%s refused the connection to %s: %s (reply %d)", who, target(t), t.ReplyName, t.Reply),
		SeenByUser: sawSOCKS(t, "unknown error "+t.ReplyName),
		Evidence:   exchange(r, t, fmt.Sprintf("reply %d: %s", t.Reply, t.ReplyName)),
	}
	switch t.Reply {
	case replyNotAllowed:
		f.Remedy = "Add a rule at the proxy that lets this client go to " + target(t) + " (dante: socks pass { from: CLIENT to: TARGET }), above the one that blocks it."
	case replyRefused, replyRejected4:
		f.Fault = record.FaultServer
		f.Remedy = "From the proxy's host, connect to " + target(t) + ": is the server running and on this port? The proxy's log says why it gave up."
	case replyHost, replyNetwork, replyExpired:
		f.Fault = record.FaultNetwork
		f.Remedy = "From the proxy's host, " + reach(t) + ": its DNS, its routes or a firewall behind it fail. The proxy's log says which."
	case replyCommand, replyAddressType:
		f.Fault = record.FaultClient
		f.Remedy = "Let the client ask in another way: the proxy does not know this kind of address or command (socks5:// resolves names at the client, socks5h:// at the proxy)."
	default:
		f.Remedy = "Look at the proxy's log for this request; then, from the proxy's host, " + reach(t) + "."
	}
	if t.Reply == replyRejected4 || t.Reply == replyGeneral || t.Reply == replyHost {
		f.Confidence = record.Likely
	}
	r.Add(f)
}

// silentSOCKS: the proxy took the request and never answered it.
func silentSOCKS(c *record.Connection, r *rule.Reporter) {
	t := c.Facts.Tunnel
	who, _ := proxy(c)
	if len(t.Strange) > 0 {
		r.Add(rule.Found{
			Fault:    record.FaultClient,
			Title:    fmt.Sprintf("%s speaks HTTP, and was asked in SOCKS: it answered %s", known.SideFirst(c, record.Server), firstLine(t.Strange)),
			Remedy:   "Check the client's proxy setting: an HTTP proxy wants http://" + c.Server.String() + " there, not socks5://.",
			Evidence: []record.Evidence{r.At(t.RequestRef, "the client's SOCKS greeting"), r.At(t.StrangeRef, "an answer in HTTP")},
		})
		return
	}
	if t.Target == "" {
		f := rule.Found{
			Fault: record.FaultUnknown, Confidence: record.Likely,
			Title:    fmt.Sprintf("%s did not answer the client's SOCKS greeting until the connection ended, after %s", who, wait(t.Waited)),
			Remedy:   "Check the client's proxy setting: is this a SOCKS proxy? If it is, its log says why it did not answer (a rule for this client's address, or no free worker).",
			Evidence: []record.Evidence{r.At(t.RequestRef, "the client's SOCKS greeting"), r.At(c.Facts.TCP.End, "the connection ends without an answer")},
		}
		if c.Facts.TCP.EndBy == record.Server {
			f.Fault = record.FaultIntermediary
			f.Title = fmt.Sprintf("%s ended the connection %s after the client's SOCKS greeting, without an answer", who, wait(t.Waited))
		}
		r.Add(f)
		return
	}
	f := rule.Found{
		Fault: record.FaultUnknown, Confidence: record.Likely,
		Title:    fmt.Sprintf("%s did not answer the request for %s until the connection ended, after %s", who, target(t), wait(t.Waited)),
		Remedy:   "Look at the proxy's log: it was probably still trying to reach the target or to resolve its name.",
		NextStep: "Capture at the proxy, on the side of the server: does its SYN to the target get an answer?",
		Evidence: []record.Evidence{r.At(t.RequestRef, "request to the proxy for %s", target(t)), r.At(c.Facts.TCP.End, "the connection ends without a reply")},
	}
	if c.Facts.TCP.EndBy == record.Server {
		f.Fault = record.FaultIntermediary
		f.Title = fmt.Sprintf("%s ended the connection %s after the request for %s, without an answer", who, wait(t.Waited), target(t))
		if t.Waited < tooSoon {
			f.Remedy = "Look at the proxy's log for this request: a crash, a limit or a rule closes without an answer."
		}
	}
	r.Add(f)
}

// sawSOCKS is what clients print; goText is the end of the message of Go's
// golang.org/x/net/proxy, which speaks SOCKS5 alone.
func sawSOCKS(t *record.TunnelFacts, goText string) string {
	text := "Chromium: WebSocket connection failed: Error in connection establishment: net::ERR_SOCKS_CONNECTION_FAILED; " +
		"Firefox: Firefox can't establish a connection to the server"
	if t.Kind == "socks5" {
		text += "; Go (golang.org/x/net/proxy): socks connect …: " + goText
	}
	return text
}
