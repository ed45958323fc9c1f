package tls

import (
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS414 = &rule.Rule{
	Code: "WS414", Slug: "alpn-mismatch", Family: "tls", Since: "1.0.0",
	Title:    "The server selected an application protocol in which this client cannot open a WebSocket",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The server refused all application protocols that the client offers (alert no_application_protocol), or selected HTTP/2 and then got an HTTP/1.1 Upgrade request.",
		Why:   "Most WebSocket clients speak HTTP/1.1 only. A server that speaks HTTP/2 only, or that was offered h2 by a client that cannot use it, cannot make sense of the request.",
		How:   "ALPN (RFC 7301) is negotiated in the hellos: the client's list is in the ClientHello, the server's choice in the ServerHello (TLS 1.3: encrypted, seen only with keys). The Upgrade request inside is HTTP/1.1.",
		Alike: "A client library that takes its TLS settings from an HTTP/2 client offers h2 by mistake: then the client is to be changed. A TLS terminator in between may select h2 for a backend that speaks HTTP/1.1 only.",
		Fix:   "Server: accept http/1.1 beside h2 (nginx, HAProxy: alpn h2,http/1.1), or speak WebSocket over HTTP/2 (RFC 8441). Client: offer http/1.1 alone for wss (Node.js ALPNProtocols, Go tls.Config.NextProtos, Python set_alpn_protocols).",
	},
	References: []string{"RFC 7301 section 3.2", "RFC 9113 section 3.3", "RFC 8441"},
	Explains:   append([]string{"WS403", "WS562"}, unopened...),
	Needs:      rule.TLS,
	Check:      checkALPN,
}

func checkALPN(c *record.Connection, r *rule.Reporter) {
	t := tlsOf(c)
	if t == nil || t.NotTLS != nil {
		return
	}
	if a := fatal(t, record.Server); is(a, wiretls.NoApplicationProtocol) {
		r.Add(rule.Found{
			Title:      endpoint(c) + " speaks none of the protocols that the client offers (" + offered(t) + "): no_application_protocol",
			SeenByUser: known.UserSaw(c, known.SawNoProtocol),
			Remedy:     "Let " + known.Endpoint(c) + " accept http/1.1 beside h2: WebSocket clients need it.",
			Evidence:   []record.Evidence{r.At(t.ClientHello, "%s", "ClientHello offers "+offered(t)), r.At(a.Ref, "the server's alert no_application_protocol")},
		})
		return
	}
	if leftAtH2(c, t) {
		r.Add(rule.Found{
			Title:      endpoint(c) + " selected 'h2' in TLS and began HTTP/2, and the client left without a word, as one does that speaks HTTP/1.1 only",
			Confidence: record.Likely,
			SeenByUser: known.UserSaw(c, known.SawNotHTTP),
			Remedy:     "Let the client offer http/1.1 alone for wss, or let the server prefer http/1.1 for this host.",
			Evidence:   []record.Evidence{r.At(t.ServerHello, "%s", "the server selects "+known.Clip(t.ALPN)), r.At(whenLeft(c, t), "the client ends the connection")},
		})
		return
	}
	u := c.Facts.Upgrade
	if t.ALPN == "" || u == nil || u.Request == nil || c.Facts.WS != nil || c.Facts.H2 != nil || t.ALPN == "http/1.1" || t.ALPN == "http/1.0" {
		return
	}
	f := rule.Found{
		Title:    endpoint(c) + " selected " + known.Quote(t.ALPN) + " in TLS, and the client sent an HTTP/1.1 Upgrade request all the same",
		Remedy:   "Let the client offer http/1.1 alone for wss, or let the server prefer http/1.1 for this host.",
		Evidence: []record.Evidence{r.At(t.ServerHello, "%s", "the server selects "+known.Clip(t.ALPN)), r.At(u.RequestRef, "HTTP/1.1 Upgrade request")},
	}
	if u.NotHTTP != nil {
		f.SeenByUser = known.UserSaw(c, known.SawNotHTTP)
	}
	r.Add(f)
}

func offered(t *record.TLSFacts) string {
	if len(t.ALPNOffered) == 0 {
		return "none"
	}
	list := slices.DeleteFunc(slices.Clone(t.ALPNOffered), func(s string) bool { return len(s) == 2 && wiretls.IsGREASE(uint16(s[0])<<8|uint16(s[1])) })
	return known.Clip(strings.Join(list, ", "))
}

// leftAtH2: the client ended the connection at the server's first frames of HTTP/2.
func leftAtH2(c *record.Connection, t *record.TLSFacts) bool {
	return c.Facts.TLSFailed && t.ALPN == "h2" && t.Sides[record.Server].DataRecords > 0 && t.Sides[record.Client].DataRecords == 0
}
