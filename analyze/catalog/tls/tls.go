// Package tls holds the rules about TLS around the WebSocket: handshakes that
// fail and why, certificates, versions, names, and who opens the encryption
// on the way (RFC 8446, RFC 5246, RFC 9525).
//
// Most callers need only Rules.
package tls

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS401, WS402, WS403, WS404, WS405, WS406, WS407, WS408, WS409, WS410, WS411, WS412, WS413, WS414, WS415,
}

// unopened are the findings of an Upgrade request that got no answer: inside
// TLS they are consequences of what ended the session.
var unopened = []string{"WS204", "WS534", "WS535", "WS536", "WS537"}

// tlsOf returns the TLS facts of a connection, else nil.
func tlsOf(c *record.Connection) *record.TLSFacts {
	if c.Facts == nil {
		return nil
	}
	return c.Facts.TLS
}

// failedOf returns them where the TLS handshake failed.
func failedOf(c *record.Connection) *record.TLSFacts {
	if c.Facts == nil || !c.Facts.TLSFailed {
		return nil
	}
	return c.Facts.TLS
}

// fatal returns the alert by which this side ended the session; nil if it sent
// none that can be read.
func fatal(t *record.TLSFacts, d record.Dir) *record.TLSAlert {
	for i := range t.Alerts {
		if a := &t.Alerts[i]; a.Fatal && !a.Opaque && a.Dir == d {
			return a
		}
	}
	return nil
}

// anyAlert is the first alert of either side, read or not, that is no
// close_notify; nil if there is none.
func anyAlert(t *record.TLSFacts) *record.TLSAlert {
	if len(t.Alerts) == 0 {
		return nil
	}
	return &t.Alerts[0]
}

// is tells whether an alert has one of these descriptions.
func is(a *record.TLSAlert, list ...wiretls.AlertDescription) bool {
	if a == nil {
		return false
	}
	for _, d := range list {
		if wiretls.AlertDescription(a.Code) == d {
			return true
		}
	}
	return false
}

// aboutCertificate are the alerts that complain of the peer's certificate.
var aboutCertificate = []wiretls.AlertDescription{wiretls.BadCertificate, wiretls.UnsupportedCertificate, wiretls.CertificateRevoked,
	wiretls.CertificateExpired, wiretls.CertificateUnknown, wiretls.UnknownCA, wiretls.AccessDenied}

// leaf is the server's own certificate; nil if it could not be read.
func leaf(t *record.TLSFacts) *wiretls.Certificate {
	if t.Chain == nil || len(t.Chain.Certificates) == 0 || t.Chain.Certificates[0].NotAfter.IsZero() {
		return nil
	}
	return t.Chain.Certificates[0]
}

// shown is when the certificate was presented, by the capture's clock.
func shown(t *record.TLSFacts) time.Time { return t.ChainRef.Time.Std() }

// lapsed returns the first certificate of the chain whose validity had ended.
func lapsed(t *record.TLSFacts) *wiretls.Certificate {
	if leaf(t) == nil || !t.ChainRef.Seen() {
		return nil
	}
	for _, x := range t.Chain.Certificates {
		if !x.NotAfter.IsZero() && shown(t).After(x.NotAfter) {
			return x
		}
	}
	return nil
}

// early returns the first certificate of the chain whose validity had not begun.
func early(t *record.TLSFacts) *wiretls.Certificate {
	if leaf(t) == nil || !t.ChainRef.Seen() {
		return nil
	}
	for _, x := range t.Chain.Certificates {
		if !x.NotBefore.IsZero() && shown(t).Before(x.NotBefore) {
			return x
		}
	}
	return nil
}

// misnamed tells that the server's certificate is not for the host that the
// client asked for by name.
func misnamed(t *record.TLSFacts) bool {
	x := leaf(t)
	if x == nil || t.SNI == "" {
		return false
	}
	for _, name := range x.DNSNames { // most often it is just this name, or its domain's wildcard
		_, domain, _ := strings.Cut(t.SNI, ".")
		if name == t.SNI || domain != "" && strings.HasPrefix(name, "*.") && name[2:] == domain {
			return false
		}
	}
	return !x.CoversHost(t.SNI)
}

// verdict is what the client made of the server's certificate.
type verdict uint8

const (
	wentOn  verdict = iota // it sent application data, or nothing tells
	left                   // it ended the connection right after it, without a word
	refused                // it sent an alert that complains of it
)

// judged tells what the client made of the server's certificate.
func judged(c *record.Connection, t *record.TLSFacts) verdict {
	a := fatal(t, record.Client)
	switch {
	case is(a, aboutCertificate...):
		return refused
	case a != nil || !c.Facts.TLSFailed || fatal(t, record.Server) != nil || t.NotTLS != nil:
		return wentOn
	case clientLeft(c, t):
		return left
	}
	return wentOn
}

// clientLeft: the client was the first to end the connection, after the
// server's certificate and before it sent anything of its own.
func clientLeft(c *record.Connection, t *record.TLSFacts) bool {
	tcp := &c.Facts.TCP
	flight := t.Chain != nil || t.Sides[record.Server].Sealed >= 2
	if tcp.CutShort > 0 || tcp.GapBytes != [2]int64{} {
		return false // what it sent may be missing in the capture
	}
	if !flight || tcp.OneWay || tcp.EndHow == "" || fellSilent(c, t) > 0 || tcp.Sides[record.Server].UnackedSent >= 2 {
		return false // nor did it leave because of what never reached it
	}
	client, server := parting(t, record.Client), parting(t, record.Server)
	switch {
	case client.Seen() && (!server.Seen() || client.Before(server)) && client.Before(tcp.End):
		return true // the server's FIN may come first then
	case server.Seen() && server.Before(tcp.End):
		return false
	}
	return tcp.EndBy == record.Client
}

// parting is where a side said that it goes, within TLS.
func parting(t *record.TLSFacts, d record.Dir) record.Ref {
	if t.CloseNotify[d].Seen() {
		return t.CloseNotify[d]
	}
	return t.LikelyCloseNotify[d]
}

// whenLeft is where a client that left said so.
func whenLeft(c *record.Connection, t *record.TLSFacts) record.Ref {
	if at := parting(t, record.Client); at.Seen() {
		return at
	}
	return c.Facts.TCP.End
}

// spoke: this side sent an alert.
func spoke(t *record.TLSFacts, d record.Dir) bool {
	for i := range t.Alerts {
		if t.Alerts[i].Dir == d {
			return true
		}
	}
	return false
}

// fellSilent is how long the client of a TLS 1.2 handshake waited in vain for
// the server's answer to its Finished; 0 if it did not.
func fellSilent(c *record.Connection, t *record.TLSFacts) time.Duration {
	tcp := &c.Facts.TCP
	client, server := &t.Sides[record.Client], &t.Sides[record.Server]
	if !t.ServerHello.Seen() || client.Sealed == 0 || server.Sealed > 0 || t.Version == wiretls.TLS13.Number() || spoke(t, record.Server) ||
		tcp.OneWay || tcp.CutShort > 0 || tcp.GapBytes[record.Server] > 0 || tcp.EndHow != "" && tcp.EndBy == record.Server {
		return 0
	}
	end := tcp.End
	if !end.Seen() {
		end = c.Facts.CaptureEnd
	}
	if waited := end.Time.Sub(client.FirstSealedRef.Time); waited >= longEnough {
		return waited
	}
	return 0
}

// asked is the host that the client asked for, for the middle of a title.
func asked(t *record.TLSFacts) string {
	if t.SNI == "" {
		return "the host"
	}
	return known.Clip(t.SNI)
}

// presented tells a certificate by the host that was asked for and by where it
// was presented, once where a tunnel's target says both.
func presented(c *record.Connection, t *record.TLSFacts) string {
	where := known.Endpoint(c)
	if strings.HasPrefix(where, asked(t)+":") {
		return "of " + where
	}
	return "of " + asked(t) + " at " + where
}

// certificateFound finishes a finding about the server's certificate: what
// survived is no error, and one that a client merely left at is likely.
func certificateFound(c *record.Connection, t *record.TLSFacts, r *rule.Reporter, f rule.Found, note string) rule.Found {
	switch judged(c, t) {
	case refused:
		a := fatal(t, record.Client)
		f.Title += ": the client refused it with " + a.Name
		f.Evidence = append(f.Evidence, r.At(a.Ref, "%s", "the client's alert "+a.Name))
	case left:
		f.Title += ", and the client left without a word"
		f.Confidence = record.Likely
		f.Evidence = append(f.Evidence, r.At(whenLeft(c, t), "the client ends the connection"))
	default:
		f.Title += ", but the client went on"
		f.Severity, f.SeenByUser = record.Warning, ""
	}
	f.Evidence = append([]record.Evidence{r.At(t.ChainRef, "%s", note)}, f.Evidence...)
	return f
}

// names lists some of a certificate's names.
func names(x *wiretls.Certificate) string {
	list := append(append([]string{}, x.DNSNames...), x.IPAddresses...)
	if len(list) == 0 && x.CommonName != "" {
		return "no host (only its common name is " + known.Quote(x.CommonName) + ", which most clients ignore)"
	}
	const most = 4
	if len(list) > most {
		return known.Clip(strings.Join(list[:most], ", ")) + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return known.Clip(strings.Join(list, ", "))
}

// who names a certificate of the chain for a title.
func who(t *record.TLSFacts, x *wiretls.Certificate) string {
	if x == leaf(t) {
		return "certificate"
	}
	return "intermediate certificate " + known.Quote(x.CommonName)
}

// ago writes a distance in time for people.
func ago(d time.Duration) string {
	if days := int(d.Hours() / 24); days >= 2 {
		return fmt.Sprintf("%d days", days)
	}
	if d >= 2*time.Hour {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return known.Seconds(d)
}

const day = "2006-01-02 15:04 MST"

// versions lists the TLS versions that a ClientHello offers, lowest first.
func versions(h *wiretls.ClientHello) string {
	if h == nil {
		return ""
	}
	if len(h.SupportedVersions) == 0 {
		return h.LegacyVersion.String() + " at most"
	}
	var list []string
	for i := len(h.SupportedVersions) - 1; i >= 0; i-- {
		if v := h.SupportedVersions[i]; !wiretls.IsGREASE(uint16(v)) {
			list = append(list, v.String())
		}
	}
	return strings.Join(list, ", ")
}

// endpoint is the server's name for the beginning of a title.
func endpoint(c *record.Connection) string { return known.SideFirst(c, record.Server) }
