package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS406 = &rule.Rule{
	Code: "WS406", Slug: "certificate-name-mismatch", Family: "tls", Since: "1.0.0",
	Title:    "No name in the certificate covers the host asked for",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The server presented a certificate whose names do not cover the host that the client asked for in its ClientHello.",
		Why:   "A client that checks names refuses the connection before it sends the Upgrade request.",
		How:   "The host is the server name in the ClientHello; the names are the subject alternative names of the certificate, with one wildcard label at most (RFC 9525). The common name does not count any more.",
		Alike: "The default certificate of a server or load balancer is presented where the host is not configured there, or DNS points to the wrong machine. A filter or captive portal presents its own certificate for any host.",
		Fix:   "Let the server present a certificate with this name: add it to the certificate, or configure the host (nginx server_name and ssl_certificate; HAProxy crt-list; SNI certificates of the load balancer). Check that DNS leads to the right server.",
	},
	References: []string{"RFC 9525 section 6", "RFC 6066 section 3", "RFC 9110 section 4.3.4"},
	Explains:   []string{"WS403", "WS405"},
	Needs:      rule.TLS,
	Check:      checkName,
}

func checkName(c *record.Connection, r *rule.Reporter) {
	t := tlsOf(c)
	if t == nil || !misnamed(t) {
		return
	}
	x := leaf(t)
	f := certificateFound(c, t, r, rule.Found{
		Title:      "The certificate at " + known.Endpoint(c) + " is not for " + asked(t) + " but for " + names(x),
		SeenByUser: known.UserSaw(c, known.SawCertName, t.SNI),
		Remedy:     "Let " + known.Endpoint(c) + " present a certificate with the name " + asked(t) + ", or correct the client's URL or DNS.",
	}, "certificate for "+names(x))
	if judged(c, t) == wentOn {
		f.Severity = record.Info // this client does not check names, or was told which to expect
	}
	r.Add(f)
}
