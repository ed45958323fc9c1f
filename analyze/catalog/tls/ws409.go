package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS409 = &rule.Rule{
	Code: "WS409", Slug: "sni-unrecognized", Family: "tls", Since: "1.0.0",
	Title:    "The server does not know the host name asked for, or refused a ClientHello that names no host",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The server ended the handshake with the alert unrecognized_name, or with handshake_failure to a ClientHello without a server name.",
		Why:   "Servers and load balancers choose the certificate by this name. Without one that they know, strict ones refuse.",
		How:   "The ClientHello's server_name extension (RFC 6066) holds the host of the client's URL; the alert names the reason. A URL with an IP address has no server name.",
		Alike: "A typing error in the URL, a host that was never configured at this server, or DNS that leads to another server than meant. handshake_failure without a server name may be about cipher suites after all (WS408).",
		Fix:   "Use the host name that the server is configured for in the client's URL, not an address. In a library, set the server name: Node.js servername, Go tls.Config.ServerName, Python server_hostname. Or configure the host at the server (nginx server_name, HAProxy crt without strict-sni).",
	},
	References: []string{"RFC 6066 section 3", "RFC 8446 section 9.2", "https://docs.haproxy.org/ (strict-sni)", "https://nginx.org/en/docs/http/ngx_http_ssl_module.html (ssl_reject_handshake)"},
	Explains:   []string{"WS403", "WS408"},
	Needs:      rule.TLSFailed,
	Check:      checkServerName,
}

// nameless tells that a server refused a hello of today that names no host.
func nameless(t *record.TLSFacts, a *record.TLSAlert) bool {
	return is(a, wiretls.HandshakeFailure) && a.Dir == record.Server && !t.ServerHello.Seen() && t.SNI == "" &&
		t.Hello != nil && !t.Hello.SSLv2 && !t.Hello.Truncated && len(t.Hello.SupportedVersions) > 0
}

func checkServerName(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || t.NotTLS != nil {
		return
	}
	a := fatal(t, record.Server)
	if a == nil || !is(a, wiretls.UnrecognizedName) && !nameless(t, a) {
		return
	}
	f := rule.Found{SeenByUser: known.UserSaw(c, known.SawServerName), Evidence: []record.Evidence{r.At(a.Ref, "%s", "the server's alert "+a.Name)}}
	switch {
	case t.SNI != "":
		f.Title = endpoint(c) + " does not know the host " + known.Quote(t.SNI) + " that the ClientHello asks for: " + a.Name
		f.Remedy = "Correct the host in the client's URL, or configure " + asked(t) + " at " + known.Endpoint(c) + "."
		f.Evidence = append(f.Evidence, r.At(t.ClientHello, "%s", "ClientHello with server_name "+asked(t)))
	default:
		f.Title = endpoint(c) + " refused a ClientHello that names no host: " + a.Name
		f.Remedy = "Use the host's name in the URL, not its address, or set the server name in the client (Node.js servername, Go tls.Config.ServerName)."
		f.Evidence = append(f.Evidence, r.At(t.ClientHello, "ClientHello without server_name"))
		if is(a, wiretls.HandshakeFailure) {
			f.Confidence = record.Likely
		}
	}
	r.Add(f)
}
