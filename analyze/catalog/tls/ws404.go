package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS404 = &rule.Rule{
	Code: "WS404", Slug: "certificate-expired", Family: "tls", Since: "1.0.0",
	Title:    "The certificate's validity had ended when it was presented, or the peer said so",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "A certificate of the server's chain was past its end of validity when the server presented it, or the client said so in its alert.",
		Why:  "Every client that checks certificates refuses the connection before it sends the Upgrade request. For a WebSocket a browser offers no way to go on regardless.",
		How:  "The certificate is in the capture (TLS 1.2 shows it, TLS 1.3 only with keys), and its end of validity is compared with the time of the packet. Without it, the client's alert certificate_expired says so.",
		Alike: "A client whose clock is wrong refuses a certificate that is valid: then the dates shown here are fine and the client's alert stands alone. The capture's own clock may be wrong as well. " +
			"An intermediate certificate can expire while the server's own is fresh.",
		Fix: "Renew the certificate and let the server load it: a renewed file alone changes nothing until the process reloads (nginx -s reload, systemctl reload, a rolling restart). Check every server behind the load balancer. " +
			"Where the dates are fine, set the client's clock.",
	},
	References: []string{"RFC 5280 section 4.1.2.5", "RFC 8446 section 6.2 (certificate_expired)"},
	Explains:   []string{"WS403", "WS405"},
	Needs:      rule.TLS,
	Check:      checkExpired,
}

func checkExpired(c *record.Connection, r *rule.Reporter) {
	t := tlsOf(c)
	if t == nil {
		return
	}
	said := is(fatal(t, record.Client), wiretls.CertificateExpired)
	x := lapsed(t)
	switch {
	case x != nil:
		when := "expired " + ago(shown(t).Sub(x.NotAfter)) + " before, on " + x.NotAfter.Format(day)
		r.Add(certificateFound(c, t, r, rule.Found{
			Title:      "The " + who(t, x) + " " + presented(c, t) + " had " + when,
			SeenByUser: known.UserSaw(c, known.SawCertExpired),
			Remedy:     "Renew the certificate for " + asked(t) + " and reload the server at " + known.Endpoint(c) + ".",
		}, "certificate: "+when))
	case said && early(t) == nil:
		a := fatal(t, record.Client)
		f := rule.Found{
			Title:      "The client refused the certificate " + presented(c, t) + " as expired (certificate_expired)",
			SeenByUser: known.UserSaw(c, known.SawCertExpired),
			Remedy:     "Check the dates of the certificate that " + known.Endpoint(c) + " presents, and the client's clock.",
			NextStep:   known.SClient(c, t.SNI) + " | openssl x509 -noout -dates",
			Evidence:   []record.Evidence{r.At(a.Ref, "the client's alert certificate_expired")},
		}
		if leaf(t) != nil {
			f.Title = "The client refused the certificate of " + asked(t) + " as expired, though it is valid until " + leaf(t).NotAfter.Format(day) + ": the client's clock may be wrong"
			f.Fault, f.Confidence = record.FaultClient, record.Likely
		}
		r.Add(f)
	}
}
