package tls

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS410 = &rule.Rule{
	Code: "WS410", Slug: "client-certificate-refused", Family: "tls", Since: "1.0.0",
	Title:    "The server asked for a client certificate and refused what it got, or got none",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "The server asked for a client certificate in the handshake. The client sent none, or one that the server does not accept, and the server said so: by an alert, or, after a complete handshake, by a 400. Some servers (Node.js) only close the connection.",
		Why:  "With mutual TLS the server lets in only clients that it can identify; the WebSocket never opens.",
		How: "The CertificateRequest and the client's answer are in the capture (TLS 1.2 shows them, TLS 1.3 only with keys), and so is the server's alert: certificate_required, handshake_failure for an empty answer, unknown_ca or bad_certificate for a wrong one. " +
			"nginx completes the handshake and answers 400 with a text that names the certificate.",
		Alike: "In TLS 1.3 the server's refusal comes after the client believes the handshake complete: the client has already sent its Upgrade request and reports a reset or a closed connection. Browsers send no client certificate for WebSockets of a page that has not asked for one.",
		Fix: "Give the client a certificate and key of an authority that the server accepts: Node.js cert and key, Go tls.Config.Certificates, Python load_cert_chain. Check its dates, and that its authority is in the server's list (nginx ssl_client_certificate, HAProxy ca-file). " +
			"If no certificate is meant to be needed, switch it off at the server (nginx ssl_verify_client off).",
	},
	References: []string{"RFC 8446 section 4.3.2", "RFC 8446 section 6.2 (certificate_required)", "https://nginx.org/en/docs/http/ngx_http_ssl_module.html (ssl_verify_client, errors 495 and 496)"},
	Explains:   append([]string{"WS403", "WS405", "WS408", "WS523", "WS524", "WS525", "WS527"}, unopened...),
	Needs:      rule.TLS,
	Check:      checkClientCertificate,
}

// wantedCertificate tells that the server asked for a certificate and the
// client had none to give, as far as that can be seen.
func wantedCertificate(t *record.TLSFacts) bool {
	return t.CertificateRequested && (t.ClientChain == nil || len(t.ClientChain.Certificates) == 0 || t.ClientChainRef.Seen())
}

// certificateAnswers are how servers say it in the body of a refusal, in lower
// case. Sources: nginx ngx_http_special_response.c (495, 496), Apache httpd
// ssl_engine_kernel.c, IIS 403.7 and 403.16, Envoy and Traefik say nothing.
var certificateAnswers = known.NewPhrases(
	"no required ssl certificate was sent",
	"the ssl certificate error",
	"client certificate required",
	"requires a client certificate",
	"cannot perform post-handshake authentication",
	"client certificate is either not trusted or invalid",
)

func checkClientCertificate(c *record.Connection, r *rule.Reporter) {
	t := tlsOf(c)
	if t == nil {
		return
	}
	var f rule.Found
	a := fatal(t, record.Server)
	switch {
	case is(a, wiretls.CertificateRequired), t.CertificateRequested && is(a, wiretls.HandshakeFailure), t.CertificateRequested && is(a, aboutCertificate...):
		f.Title = endpoint(c) + " asked for a client certificate and refused " + given(t) + ": " + a.Name
		f.SeenByUser = known.UserSaw(c, known.SawClientCert, a.Name)
		f.Evidence = []record.Evidence{r.At(t.ClientChainRef, "the client's answer to the request for a certificate"), r.At(a.Ref, "%s", "the server's alert "+a.Name)}
	case c.Facts.Upgrade != nil && c.Facts.Upgrade.Response != nil && saysCertificate(c.Facts.Upgrade) != "":
		u := c.Facts.Upgrade
		f.Title = known.Who(c) + " completed the TLS handshake and then refused the request: " + known.Quote(saysCertificate(u))
		f.Evidence = []record.Evidence{r.At(u.BodyRef, "%s", "its text says "+known.Quote(saysCertificate(u))), r.At(u.ResponseRef, "status %d", u.Response.Status)}
	default:
		at, ok := turnedAway(c, t)
		if !ok {
			return
		}
		f.Confidence = record.Likely
		f.Title = endpoint(c) + " asked for a client certificate and ended the connection at once, without a word, as one does that refuses " + given(t)
		f.SeenByUser = known.UserSaw(c, known.SawTLSClosed)
		f.NextStep = "Look at the log of " + known.Endpoint(c) + " at this time: it says what was wrong with the client's certificate, or that something else was."
		f.Evidence = []record.Evidence{r.At(t.ClientChainRef, "the client's answer to the request for a certificate"), r.At(at, "the server's side ends the connection")}
	}
	if is(a, wiretls.CertificateExpired) {
		f.Remedy = "Renew the client's certificate, which has expired, or put the server's clock right."
		r.Add(f)
		return
	}
	f.Remedy = "Give the client a certificate of an authority that " + known.Endpoint(c) + " accepts (Node.js cert and key, Go tls.Config.Certificates, Python load_cert_chain)."
	r.Add(f)
}

// atOnce is how soon a server ends the connection that refuses a certificate.
const atOnce = time.Second

// turnedAway tells that the server ended the connection right after the
// client's answer to its request for a certificate, before anything that
// servers send once they have accepted it: Finished in TLS 1.2, a session
// ticket in TLS 1.3. Node.js does so, without an alert.
func turnedAway(c *record.Connection, t *record.TLSFacts) (end record.Ref, ok bool) {
	tcp := &c.Facts.TCP
	if !t.CertificateRequested || !t.ClientChainRef.Seen() || tcp.EndHow == "" || tcp.EndBy != record.Server || spoke(t, record.Server) ||
		tcp.OneWay || tcp.CutShort > 0 || tcp.GapBytes != [2]int64{} {
		return end, false
	}
	last := tcp.Sides[record.Server].LastData
	return tcp.End, last.Seen() && last.Before(t.ClientChainRef) && tcp.End.Time.Sub(t.ClientChainRef.Time) < atOnce
}

// given is what the client answered to the request for a certificate.
func given(t *record.TLSFacts) string {
	switch {
	case t.ClientChain == nil:
		return "what it got"
	case len(t.ClientChain.Certificates) == 0:
		return "to go on without one"
	}
	return "the one it got, issued by " + known.Quote(t.ClientChain.Certificates[0].IssuerCommonName)
}

// saysCertificate is the wording by which an answer says it; empty if it does not.
func saysCertificate(u *record.UpgradeFacts) string {
	if s := u.Response.Status; len(u.Body) == 0 || s < 400 || s >= 500 {
		return ""
	}
	return certificateAnswers.In(u.Body)
}
