package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS403 = &rule.Rule{
	Code: "WS403", Slug: "tls-alert", Family: "tls", Since: "1.0.0",
	Title:    "A fatal TLS alert ended the handshake for a reason that has no finding of its own",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "One side sent a fatal TLS alert before the handshake was complete.",
		Why:  "No encrypted connection came to be, so the Upgrade request was never sent.",
		How:  "The alert's description is in the capture, in clear or decrypted. Where TLS 1.3 hides it and no key was given, a first encrypted record of the client that is too short for anything but an alert shows that there was one, and not which: most often the client refuses the certificate.",
		Alike: "An alert in clear can be injected by a device on the path. internal_error is what several content delivery networks answer for a host without a certificate. " +
			"decrypt_error and bad_record_mac come from damaged bytes or from a device that changes them.",
		Fix: "The log of the side that sent the alert has the reason. Where the alert is hidden, let the client write its TLS secrets and analyse again with --keylog.",
	},
	References: []string{"RFC 8446 section 6.2", "RFC 5246 section 7.2.2", "https://www.iana.org/assignments/tls-parameters/"},
	Explains:   unopened,
	Needs:      rule.TLSFailed,
	Check:      checkAlert,
}

// ownFinding tells whether an alert has a finding of its own: WS404 to WS410,
// WS414 and WS415.
func ownFinding(t *record.TLSFacts, a *record.TLSAlert) bool {
	switch {
	case is(a, wiretls.ProtocolVersion, wiretls.HandshakeFailure, wiretls.InsufficientSecurity, wiretls.UnrecognizedName, wiretls.NoApplicationProtocol, wiretls.CertificateRequired):
		return true
	case a.Dir == record.Client:
		return is(a, wiretls.BadCertificate, wiretls.CertificateUnknown, wiretls.UnknownCA, wiretls.CertificateExpired)
	}
	return t.CertificateRequested && is(a, aboutCertificate...)
}

func checkAlert(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || t.NotTLS != nil {
		return
	}
	a := fatal(t, record.Server)
	if a == nil {
		a = fatal(t, record.Client)
	}
	if a == nil {
		checkHiddenAlert(c, t, r)
		return
	}
	if ownFinding(t, a) {
		return
	}
	f := rule.Found{
		Title:      known.SideFirst(c, a.Dir) + " ended the TLS handshake with the alert " + a.Name,
		SeenByUser: known.UserSaw(c, known.SawTLSAlert, a.Name),
		Remedy:     "Look at the log of " + known.Side(c, a.Dir) + " at this time" + hint(a) + ".",
		Evidence:   []record.Evidence{r.At(a.Ref, "%s", "alert "+a.Name+" of the "+a.Dir.String())},
	}
	switch {
	case is(a, wiretls.InternalError) && a.Dir == record.Server:
		f.Fault = record.FaultServer
	case is(a, wiretls.CertificateRevoked):
		f.Fault = a.Dir.Other().Fault()
		f.SeenByUser = known.UserSaw(c, known.SawCertRevoked)
	case is(a, wiretls.UnsupportedCertificate, wiretls.BadCertificateStatus):
		f.Fault = a.Dir.Other().Fault()
	}
	r.Add(f)
}

// hint adds to the remedy what an alert of this side often means.
func hint(a *record.TLSAlert) string {
	if is(a, wiretls.InternalError) && a.Dir == record.Client {
		return ": its TLS library found something in the server's flight that it does not allow (an old version or signature, a weak key)"
	}
	return hints[wiretls.AlertDescription(a.Code)]
}

// hints add to the remedy what an alert often means.
var hints = map[wiretls.AlertDescription]string{
	wiretls.InternalError:          ": it often has no certificate for this host, or cannot read its key",
	wiretls.DecodeError:            ": a device on the way may have damaged the handshake",
	wiretls.DecryptError:           ": a signature or Finished did not verify, by wrong keys or a device on the way",
	wiretls.BadRecordMAC:           ": bytes were damaged or changed on the way",
	wiretls.IllegalParameter:       ": the peers' TLS libraries do not agree on an extension",
	wiretls.MissingExtension:       ": a TLS 1.3 peer left out an extension that it must send",
	wiretls.UnsupportedExtension:   ": the server answered with an extension that was not offered",
	wiretls.CertificateRevoked:     ": the certificate was revoked and must be replaced",
	wiretls.UnsupportedCertificate: ": the certificate may not be meant for this use (extended key usage), or its key is of a kind that is not taken",
	wiretls.AccessDenied:           ": access control refused the peer",
	wiretls.UserCanceled:           ": the user or the program cancelled",
}

// leastFinished is the shortest record with a Finished message in TLS 1.3: 4
// bytes of header, 32 of verify_data (SHA-256), 1 of content type and 8 of tag
// (RFC 8446 sections 4.4.4 and 5.2).
const leastFinished = 4 + 32 + 1 + 8

// longestAlert is the longest record with an alert in TLS 1.3: 2 bytes, 1 of
// content type and 16 of tag.
const longestAlert = 2 + 1 + 16

// hiddenAlert tells that the client's only encrypted record is too short for
// its Finished, as an alert is.
func hiddenAlert(t *record.TLSFacts) bool {
	client := &t.Sides[record.Client]
	return t.Version == wiretls.TLS13.Number() && !t.Decrypted && client.Sealed == 1 && client.FirstSealed <= longestAlert &&
		client.FirstSealed < leastFinished && t.Sides[record.Server].Sealed >= 2
}

func checkHiddenAlert(c *record.Connection, t *record.TLSFacts, r *rule.Reporter) {
	if !hiddenAlert(t) || c.Facts.TCP.OneWay {
		return
	}
	ref := t.Sides[record.Client].FirstSealedRef
	r.Add(rule.Found{
		Title:      "The client answered the server's certificate with a short encrypted record, which only an alert fits, and the connection ended",
		Confidence: record.Likely,
		SeenByUser: known.UserSaw(c, known.SawCertRefused),
		Remedy:     checkCertificate(c, t),
		NextStep:   known.KeyLogStep(c),
		Evidence:   []record.Evidence{r.At(ref, "encrypted record of %d bytes: too short for a Finished message", t.Sides[record.Client].FirstSealed), r.At(c.Facts.TCP.End, "end of the connection")},
	})
}
