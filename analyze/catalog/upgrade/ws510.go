package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS510 = &rule.Rule{
	Code: "WS510", Slug: "credentials-in-clear", Family: "upgrade", Since: "1.0.0",
	Title:    "Credentials travel in cleartext",
	Severity: record.Warning, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The handshake without TLS carries credentials: an Authorization or Proxy-Authorization field, a Cookie, a token in the URL, or a token in the place of a subprotocol.",
		Why:   "Everybody on the path can read and reuse them, as this capture does. Tokens in URLs also end up in the logs of every proxy.",
		How:   "The fields' names and the names of the URL's parameters tell. Their values are not shown unless asked for.",
		Alike: "A cookie may be harmless (a language, a load balancer's). On a leg inside a data centre, behind the proxy that ends TLS, clear text may be accepted.",
		Fix:   "Use wss:// from the client to where TLS ends. Rotate credentials that went over an untrusted network. Send tokens in the first message, or short-lived ones, rather than in the URL.",
	},
	References: []string{"RFC 6455 section 10.5", "RFC 6455 section 10.6", "RFC 7617 section 4", "RFC 6750 section 5.3"},
	Needs:      rule.Secrets,
	Check:      checkCredentials,
}

func checkCredentials(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Server.Addr().Unmap().IsLoopback() {
		return
	}
	what, evidence := inRequest(c, r)
	if t := c.Facts.Tunnel; t != nil && t.Request != nil {
		if value, ok := t.Request.Get("Proxy-Authorization"); ok && len(value) > 6 && strings.EqualFold(value[:6], "Basic ") {
			what = append(what, "Proxy-Authorization (Basic) in CONNECT")
			evidence = append(evidence, r.At(t.RequestRef, "CONNECT with Proxy-Authorization: Basic"))
		}
	}
	if t := c.Facts.Tunnel; t != nil && t.Kind == "socks5" && t.AuthSent == "username/password" {
		what = append(what, "user name and password for the SOCKS proxy")
		evidence = append(evidence, r.At(t.RequestRef, "SOCKS5 with username/password (RFC 1929), which is not encrypted"))
	}
	if len(what) == 0 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	r.Add(rule.Found{
		Title:    "Credentials travel without TLS: " + strings.Join(what, ", "),
		Remedy:   "Use wss://; rotate what was sent over a network that others can read.",
		Evidence: evidence,
	})
}

// inRequest finds the credentials of a handshake without TLS.
func inRequest(c *record.Connection, r *rule.Reporter) (what []string, evidence []record.Evidence) {
	if c.Facts.Upgrade == nil || c.Facts.TLS != nil || c.Scheme == "wss" || c.Facts.Upgrade.Request == nil {
		return nil, nil
	}
	u := c.Facts.Upgrade
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		if value, ok := u.Request.Get(name); ok && value != "" {
			what = append(what, name)
			evidence = append(evidence, r.At(requestField(u, name), "%s, without TLS", name))
		}
	}
	if name := rule.SecretParam(u.Request.Target); name != "" {
		what = append(what, "the parameter "+name+" of the URL")
		evidence = append(evidence, r.At(u.RequestRef, "the URL has the parameter %s", name))
	}
	for _, protocol := range u.Request.List("Sec-WebSocket-Protocol") {
		if tokenProtocol(protocol) {
			what = append(what, "a token as a subprotocol")
			evidence = append(evidence, r.At(requestField(u, "Sec-WebSocket-Protocol"), "an element of Sec-WebSocket-Protocol is a token"))
			break
		}
	}
	return what, evidence
}

// tokenProtocol tells a bearer token that is passed as a subprotocol: a JWT
// ("eyJ" and two dots), Kubernetes' form, or whatever is too long for a name.
func tokenProtocol(protocol string) bool {
	return strings.HasPrefix(protocol, "base64url.bearer.") || len(protocol) > 64 ||
		strings.HasPrefix(protocol, "eyJ") && strings.Count(protocol, ".") >= 2
}
