package tunnel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS302 = &rule.Rule{
	Code: "WS302", Slug: "proxy-auth-required", Family: "tunnel", Since: "1.0.0",
	Title:    "The proxy demanded or refused authentication",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "The forward proxy wants to know who the client is: it answered CONNECT with 407 (or 401), an Upgrade request with 407, or refused the SOCKS methods or the user name and password that the client gave.",
		Why:  "The tunnel did not open, so the WebSocket never began. Browsers ask their user or use the system's login; most WebSocket libraries only do what they were told, and many know Basic alone.",
		How: "The status, the schemes that the proxy offered and the scheme that the client used are quoted; what it said is not shown. Several rounds on one connection are followed (NTLM and Negotiate need them), and the last answer decides. " +
			"A 407 that was followed by success on the same connection is no finding.",
		Alike: "Many clients first try without credentials and answer the 407 on a second connection: then the next connection to the same proxy succeeds, and this one is only the first half of a normal login.",
		Fix: "Give the client credentials for the proxy in a scheme that both know, or let the proxy pass this client or this host without. For NTLM and Negotiate, put a helper on the client's machine that logs in for it (px, cntlm), " +
			"and keep the connection open between the rounds.",
	},
	References: []string{"RFC 9110 section 11.7", "RFC 9110 section 15.5.8", "RFC 1928 section 3", "RFC 1929 section 2", "RFC 4559 section 6"},
	Explains:   []string{"WS204", "WS535"},
	Needs:      rule.Tunnel,
	Check:      checkProxyAuth,
}

func checkProxyAuth(c *record.Connection, r *rule.Reporter) {
	t := failed(c)
	if t == nil {
		refusedItself(c, r)
		return
	}
	if !t.AuthRefused {
		return
	}
	if t.Kind != "http-connect" {
		refusedBySOCKS(c, r)
		return
	}
	who, _ := proxy(c)
	offered := "no scheme named"
	if len(t.AuthOffered) > 0 {
		offered = strings.Join(t.AuthOffered, ", ")
	}
	f := rule.Found{
		Title:      fmt.Sprintf("%s wants authentication for CONNECT %s (%d, %s) and the client sent none", who, target(t), t.Response.Status, offered),
		Remedy:     authenticate(t),
		SeenByUser: known.UserSaw(atProxy(c), known.SawProxyAuth),
		Evidence:   exchange(r, t, "the proxy answers "+answer(t)+", schemes: "+offered),
	}
	switch {
	case t.AuthSent != "" && t.Rounds > 2:
		f.Title = fmt.Sprintf("%s still answers %d after %d requests with %s on this connection, for CONNECT %s", who, t.Response.Status, t.Rounds, known.Clip(t.AuthSent), target(t))
	case t.AuthSent != "":
		f.Title = fmt.Sprintf("%s refused the client's %s credentials for CONNECT %s (%d, offers %s)", who, known.Clip(t.AuthSent), target(t), t.Response.Status, offered)
	}
	if t.Response.Status != 407 { // which clients do not take for the proxy's
		f.SeenByUser = sawRefusal(c)
	} else if t.AuthSent == "" && strings.Contains(f.SeenByUser, string(known.Chromium)) && !slices.ContainsFunc(t.AuthOffered, common) {
		f.SeenByUser += "; as a page: ERR_PROXY_AUTH_UNSUPPORTED"
	}
	r.Add(f)
}

// refusedItself: "The 407 (Proxy Authentication Required) status code is similar
// to 401 (Unauthorized), but it indicates that the client needs to authenticate
// itself in order to use a proxy for this request." (RFC 9110, section 15.5.8)
// The Upgrade request went to the proxy without CONNECT, or through one unawares.
func refusedItself(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Tunnel != nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil || c.Facts.Upgrade.Response.Status != 407 || r.Enough(rule.Found{}) {
		return
	}
	u := c.Facts.Upgrade
	offered, sent := "no scheme named", "and the client sent none"
	if schemes := u.Response.Values("Proxy-Authenticate"); len(schemes) > 0 {
		scheme, _, _ := strings.Cut(schemes[0], " ")
		offered = "offers " + known.Clip(scheme)
	}
	remedy := "Give the client the proxy's user name and password, or let the proxy pass this host without; a proxy that is to carry WebSockets should be asked with CONNECT."
	if u.Request != nil && u.Request.Has("Proxy-Authorization") {
		sent = "and refused what the client sent"
		remedy = "Check the user name and password that the client has for the proxy; the proxy's log names the user."
	}
	f := rule.Found{
		Title:      fmt.Sprintf("%s wants authentication for the Upgrade request (407, %s) %s", known.Who(c), offered, sent),
		Remedy:     remedy,
		SeenByUser: known.UserSaw(c, known.SawStatus, "407"),
		Evidence:   []record.Evidence{r.At(u.ResponseRef, "407 %s", known.Clip(u.Response.Reason))},
	}
	if u.Request != nil {
		f.Evidence = append(f.Evidence, r.At(u.RequestRef, "the Upgrade request"))
	}
	r.Add(f)
}

// common are the schemes that browsers know (chromium/chromium:net/docs/proxy.md,
// which also has it that Chrome knows no authentication for SOCKS5).
func common(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "basic", "digest", "ntlm", "negotiate":
		return true
	}
	return false
}

// authenticate tells what to do by the schemes offered.
func authenticate(t *record.TunnelFacts) string {
	basic := slices.ContainsFunc(t.AuthOffered, func(s string) bool { return strings.EqualFold(s, "Basic") })
	rounds := slices.ContainsFunc(t.AuthOffered, func(s string) bool { return strings.EqualFold(s, "NTLM") || strings.EqualFold(s, "Negotiate") })
	switch {
	case closesRounds(t):
		return "The proxy closes the connection with each 407, and " + t.AuthSent + " needs one connection for all its rounds: let the proxy (or what stands between it and the client) keep connections open, Proxy-Connection and Connection included."
	case t.AuthSent != "" && !slices.ContainsFunc(t.AuthOffered, func(s string) bool { return strings.EqualFold(s, t.AuthSent) }) && len(t.AuthOffered) > 0:
		return "The client used a scheme that the proxy does not offer: configure the client for " + strings.Join(t.AuthOffered, " or ") + "."
	case t.AuthSent != "":
		return "Check the user name and password (or the ticket) that the client has for the proxy, and whether that account may use CONNECT; the proxy's log names the user."
	case basic:
		return "Give the client the proxy's user name and password: in the proxy's URL (http://USER:PASSWORD@proxy:port) for gorilla/websocket, Node's https-proxy-agent and Python websockets (proxy=…); " +
			"browsers ask. Or let the proxy pass this client without (Squid: an http_access allow line before the one with proxy_auth)."
	case rounds:
		return "The proxy wants NTLM or Negotiate, which few WebSocket libraries speak: put a helper that logs in on the client's machine and use it as proxy (px, cntlm), or let the proxy pass this host without authentication."
	}
	return "Give the client credentials for this proxy, or let the proxy pass this host without authentication."
}

// closesRounds: NTLM and Negotiate identify a connection, so that a login cannot
// come to its end where each answer closes it (RFC 4559, section 6).
func closesRounds(t *record.TunnelFacts) bool {
	if !strings.EqualFold(t.AuthSent, "NTLM") && !strings.EqualFold(t.AuthSent, "Negotiate") {
		return false
	}
	return t.Response.HasToken("Connection", "close") || t.Response.HasToken("Proxy-Connection", "close")
}

// refusedBySOCKS: "If the selected METHOD is X'FF', none of the methods listed
// by the client are acceptable, and the client MUST close the connection."
// (RFC 1928, section 3)
func refusedBySOCKS(c *record.Connection, r *rule.Reporter) {
	t := c.Facts.Tunnel
	who, _ := proxy(c)
	if t.AuthSent != "" {
		r.Add(rule.Found{
			Title:      who + " refused the client's user name and password",
			Remedy:     "Correct the user name and password that the client has for the SOCKS proxy; its log names the user.",
			SeenByUser: sawSOCKS(t, "username/password authentication failed"),
			Evidence:   []record.Evidence{r.At(t.RequestRef, "the client's greeting: %s", strings.Join(t.AuthOffered, ", ")), r.At(t.ResponseRef, "the proxy refuses them")},
		})
		return
	}
	offered := strings.Join(t.AuthOffered, ", ")
	f := rule.Found{
		Title:      fmt.Sprintf("%s accepts none of the authentication methods that the client offered (%s)", who, offered),
		Remedy:     "The proxy wants the client to log in: give it a user name and password for the SOCKS proxy (socks5://USER:PASSWORD@proxy:port; Chromium knows no password for SOCKS5), or let the proxy accept this client without (dante: socksmethod: none).",
		SeenByUser: sawSOCKS(t, "no acceptable authentication methods"),
		Evidence:   []record.Evidence{r.At(t.RequestRef, "the client offers: %s", offered), r.At(t.ResponseRef, "method 0xff: no acceptable methods")},
	}
	if slices.Contains(t.AuthOffered, "username/password") {
		f.Remedy = "The proxy accepts neither of these methods: look at the methods that it is configured with (dante: socksmethod) and at the rule for this client's address."
	}
	r.Add(f)
}
