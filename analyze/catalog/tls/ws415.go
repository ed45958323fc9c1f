package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS415 = &rule.Rule{
	Code: "WS415", Slug: "certificate-not-yet-valid", Family: "tls", Since: "1.0.0",
	Title:    "The certificate's validity had not begun when it was presented",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "A certificate of the server's chain begins to be valid only after the time at which the server presented it.",
		Why:   "Every client that checks certificates refuses the connection before it sends the Upgrade request.",
		How:   "The certificate is in the capture (TLS 1.2 shows it, TLS 1.3 only with keys), and its begin of validity is compared with the time of the packet.",
		Alike: "The clock of the machine that captured may be behind: compare it. A client whose own clock is behind (a device without a battery after a power cut) refuses certificates that are valid; then the dates here are fine.",
		Fix:   "Set the clock of the machine that issued the certificate, or issue and install the certificate anew; until then put the old one back. If the client's clock is behind, set it (NTP).",
	},
	References: []string{"RFC 5280 section 4.1.2.5", "RFC 8446 section 4.4.2"},
	Explains:   []string{"WS403", "WS404", "WS405"},
	Needs:      rule.TLS,
	Check:      checkNotYet,
}

func checkNotYet(c *record.Connection, r *rule.Reporter) {
	t := tlsOf(c)
	if t == nil {
		return
	}
	x := early(t)
	if x == nil {
		return
	}
	when := "valid only from " + x.NotBefore.Format(day) + ", " + ago(x.NotBefore.Sub(shown(t))) + " later"
	r.Add(certificateFound(c, t, r, rule.Found{
		Title:      "The " + who(t, x) + " " + presented(c, t) + " is " + when,
		SeenByUser: known.UserSaw(c, known.SawCertNotYet),
		Remedy:     "Issue the certificate for " + asked(t) + " anew with the right dates, and check the clocks of its issuer and of the client.",
	}, "certificate: "+when))
}
