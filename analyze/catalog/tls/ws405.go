package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS405 = &rule.Rule{
	Code: "WS405", Slug: "certificate-untrusted", Family: "tls", Since: "1.0.0",
	Title:    "The client rejected the certificate's issuer",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The client ended the handshake after the server's certificate, with an alert such as unknown_ca, bad_certificate or certificate_unknown, or without a word.",
		Why:  "The client does not trust who issued the certificate, so no encrypted connection came to be and no Upgrade request was sent.",
		How: "The alert of the client names its reason more or less well: OpenSSL says unknown_ca, Go bad_certificate, Chromium certificate_unknown. Dates and names of the certificate are fine as far as they can be seen; otherwise WS404, WS406 or WS415 says so. " +
			"Where the client left without an alert, as Node.js and Python often do, it is likely or possible, not certain.",
		Alike: "A client that gives up for a reason of its own right after the certificate (a cancelled page, a health check) leaves the same trace as one that refuses silently. A device that opens TLS presents a certificate of its own (WS413).",
		Fix: "A missing intermediate is the commonest cause: let the server send the whole chain (nginx ssl_certificate with fullchain.pem; HAProxy: one file with all). For a private authority, install its root at the client: " +
			"NODE_EXTRA_CA_CERTS for Node.js, SSL_CERT_FILE for OpenSSL, Python and Go, the system's store for browsers, keytool for Java. Do not switch checking off.",
	},
	References: []string{"RFC 8446 section 6.2 (unknown_ca, bad_certificate, certificate_unknown)", "RFC 5280 section 6", "RFC 8446 section 4.4.2"},
	Explains:   []string{"WS403"},
	Needs:      rule.TLSFailed,
	Check:      checkUntrusted,
}

func checkUntrusted(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || lapsed(t) != nil || early(t) != nil || misnamed(t) || r.Has("WS404") || leftAtH2(c, t) {
		return
	}
	switch judged(c, t) {
	case refused:
		a := fatal(t, record.Client)
		if !is(a, wiretls.BadCertificate, wiretls.CertificateUnknown, wiretls.UnknownCA) {
			return
		}
		f := untrusted(c, t, is(a, wiretls.UnknownCA))
		f.Title = "The client refused the certificate " + presented(c, t) + " with " + a.Name + whyRefused(t)
		f.Evidence = []record.Evidence{r.At(t.ChainRef, "%s", "certificate"+issued(t)), r.At(a.Ref, "%s", "the client's alert "+a.Name)}
		if leaf(t) == nil && !is(a, wiretls.UnknownCA) {
			f.Confidence = record.Likely
			f.NextStep = known.KeyLogStep(c)
		}
		r.Add(f)
	case left:
		if !r.Has("WS403") { // a hidden alert says more
			addLeft(c, t, r)
		}
	}
}

// addLeft is for a client that went away without saying why.
func addLeft(c *record.Connection, t *record.TLSFacts, r *rule.Reporter) {
	f := untrusted(c, t, false)
	f.Title = "The client left right after the certificate " + presented(c, t) + ", without a word, as one does that refuses it" + whyRefused(t)
	f.Confidence = record.Possible
	if chainProblem(t) == "" {
		f.Fault = record.FaultUnknown
	}
	f.NextStep = "Ask the client's log what it found wrong, or try: " + known.SClient(c, t.SNI)
	if leaf(t) == nil {
		f.NextStep = known.KeyLogStep(c)
	}
	if chainProblem(t) == "" && t.Complete != "" {
		f.Severity = record.Warning // it completed the handshake: a check of the port's health does this, too
	}
	at := t.ChainRef
	if !at.Seen() {
		at = t.Sides[record.Server].LastSealedRef
	}
	f.Evidence = []record.Evidence{r.At(at, "%s", "certificate"+issued(t)), r.At(whenLeft(c, t), "the client ends the connection")}
	r.Add(f)
}

// untrusted is what such findings have in common. issuer: the client says that
// it is about the issuer.
func untrusted(c *record.Connection, t *record.TLSFacts, issuer bool) rule.Found {
	f := rule.Found{SeenByUser: known.UserSaw(c, known.SawCertUntrusted),
		Remedy: "Let the server at " + known.Endpoint(c) + " send its whole chain, or install its authority at the client."}
	x := leaf(t)
	if x == nil && !issuer {
		f.SeenByUser = known.UserSaw(c, known.SawCertRefused)
		f.Remedy = checkCertificate(c, t)
	} else if product, _ := known.Inspector(t.Chain); product != "" {
		f.Fault = record.FaultIntermediary
		f.Remedy = "Install the root certificate of " + product + " at the client, or exempt " + asked(t) + " from inspection."
	} else if x != nil && x.SelfSigned {
		f.SeenByUser = known.UserSaw(c, known.SawCertSelfSigned)
		f.Remedy = "Use a certificate of an authority that the client trusts, or install this one at the client."
	} else if x != nil && len(t.Chain.Certificates) == 1 {
		f.Remedy = "Let the server at " + known.Endpoint(c) + " send the intermediate certificate " + known.Quote(x.IssuerCommonName) + " after its own (nginx: ssl_certificate with the full chain); if that is a root of your own, install it at the client."
	}
	return f
}

// checkCertificate is for a certificate that cannot be read and a reason that
// nobody told.
func checkCertificate(c *record.Connection, t *record.TLSFacts) string {
	return "Look at the certificate that " + known.Endpoint(c) + " presents for " + asked(t) + ": most often the client refuses its issuer, its name or its dates " +
		"(" + known.SClient(c, t.SNI) + ")."
}

// whyRefused says who issued the certificate or what is wrong with its chain.
func whyRefused(t *record.TLSFacts) string {
	if product, _ := known.Inspector(t.Chain); product != "" {
		return ": " + product + ", which opens TLS on the way, issued it"
	}
	return chainProblem(t)
}

// chainProblem says what in the chain makes clients refuse it.
func chainProblem(t *record.TLSFacts) string {
	x := leaf(t)
	switch {
	case x == nil:
		return ""
	case x.SelfSigned:
		return ": it is self-signed"
	case len(t.Chain.Certificates) == 1 && t.Chain.Count == 1:
		return ": no intermediate was sent, its issuer is " + known.Quote(x.IssuerCommonName)
	case !t.Chain.InOrder:
		return ": the chain is not in order"
	}
	return ""
}

func issued(t *record.TLSFacts) string {
	x := leaf(t)
	if x == nil {
		return ", encrypted"
	}
	return " issued by " + known.Quote(x.Issuer)
}
