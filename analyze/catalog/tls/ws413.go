package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS413 = &rule.Rule{
	Code: "WS413", Slug: "tls-intercepted", Family: "tls", Since: "1.0.0",
	Title:    "The certificate's issuer is a known inspection product or differs from the one seen elsewhere for this host",
	Severity: record.Warning, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The certificate that the client got was made by a product that opens TLS on the way to look inside.",
		Why:  "Such a device ends the client's TLS and opens a second one to the server, so it sees and may change the Upgrade. Some do not support WebSockets, cut long connections, or choose HTTP/2 where the client cannot use it. A client that does not know the device's root certificate refuses it.",
		How:  "The issuer in the certificate names the product. Public authorities never issue under such a name.",
		Alike: "The vendor's own sites and the web interface of such a device carry its name for good reason. A device with an in-house authority does not name its product: only the comparison with the issuer elsewhere shows it. " +
			"Virus scanners and debugging proxies (mitmproxy, Fiddler, Charles) do the same on the client's own machine.",
		Fix: "If WebSockets fail only from this network, exempt the host from inspection (SSL bypass, do-not-decrypt list) and try again. Otherwise install the device's root certificate at the client. On one's own machine, switch the virus scanner's web shield or the debugging proxy off.",
	},
	References: []string{"Durumeric et al.: The Security Impact of HTTPS Interception (NDSS 2017)", "RFC 8446 section 9.3"},
	Needs:      rule.TLS,
	Check:      checkIntercepted,
}

func checkIntercepted(c *record.Connection, r *rule.Reporter) {
	t := tlsOf(c)
	if t == nil || t.Chain == nil {
		return
	}
	product, issuer := known.Inspector(t.Chain)
	if product == "" {
		checkOtherIssuer(c, t, r)
		return
	}
	remedy := "Exempt " + asked(t) + " from inspection in " + product
	switch {
	case c.Outcome == record.Opaque:
		remedy = "If WebSockets to " + asked(t) + " fail, exempt it from inspection in " + product + " and try again."
	case c.Outcome == record.ClosedClean || c.Outcome == record.Open:
		remedy = "Nothing for this connection, which worked; where others fail, exempt " + asked(t) + " from inspection in " + product + "."
	case c.Facts.TLSFailed:
		remedy += ", or install its root certificate at the client."
	default:
		remedy += " and try again."
	}
	r.Add(rule.Found{
		Title:    product + " opens TLS between the client and " + asked(t) + ": the certificate at " + known.Endpoint(c) + " was issued by " + known.Quote(issuer),
		Remedy:   remedy,
		Evidence: []record.Evidence{r.At(t.ChainRef, "%s", "certificate issued by "+known.Quote(issuer))},
	})
}

// checkOtherIssuer is for a device that does not name its product: the same
// host has another issuer elsewhere.
func checkOtherIssuer(c *record.Connection, t *record.TLSFacts, r *rule.Reporter) {
	x, elsewhere := leaf(t), t.IssuerElsewhere
	if x == nil || elsewhere == nil || elsewhere.Issuer == x.Issuer {
		return
	}
	then := "exempt " + asked(t) + " from its inspection and try again."
	switch c.Outcome {
	case record.ClosedClean, record.Open, record.Opaque:
		then = "where WebSockets fail, exempt " + asked(t) + " from its inspection."
	}
	r.Add(rule.Found{
		Title:      "The certificate " + presented(c, t) + " was issued by " + known.Quote(x.Issuer) + ", elsewhere by " + known.Quote(elsewhere.Issuer) + ": one of the two connections is opened on the way",
		Confidence: record.Likely,
		Remedy:     "Find out which of the two issuers is the host's own; the other one belongs to a device that opens TLS: " + then,
		Evidence:   []record.Evidence{r.At(t.ChainRef, "%s", "certificate issued by "+known.Quote(x.Issuer)), r.At(elsewhere.Ref, "%s", "certificate of connection "+elsewhere.ID+", issued by "+known.Quote(elsewhere.Issuer))},
	})
}
