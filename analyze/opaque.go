package analyze

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// silent is the shortest silence before an end that is worth telling.
const silent = time.Second

// opaqueVerdict says of an encrypted connection what is certain without a key:
// that TLS completed, who ended it, after what silence, how.
func opaqueVerdict(c *record.Connection) string {
	t, tcp := c.Facts.TLS, &c.Facts.TCP
	if t == nil {
		return "Encrypted, and no key fits: it may be a WebSocket."
	}
	var b strings.Builder
	host := ""
	if t.SNI != "" {
		host = " to " + known.Clip(t.SNI)
	}
	if c.Facts.EndOfCapture && t.ClientHello.Seen() && !t.ServerHello.Seen() && !tcp.OneWay && !tcp.End.Seen() {
		return fmt.Sprintf("The capture ended %s after the connection%s began, in the middle of its TLS handshake: it may become a WebSocket.", known.Seconds(time.Duration(c.DurationMS*1e6)), host)
	}
	version := "TLS"
	if t.Version != "" {
		version = "TLS " + t.Version
	}
	if l := t.Likeness; l != nil {
		both := "in both directions"
		if l.Short[record.Server] == 0 {
			both = "of the client"
		}
		fmt.Fprintf(&b, "%s a WebSocket%s inside %s: records of the size of an Upgrade request and of its 101, then short ones %s", map[record.Confidence]string{
			record.Likely: "Probably", record.Possible: "Possibly"}[l.Confidence], host, version, both)
	} else {
		fmt.Fprintf(&b, "%s connection%s that no key opens: it may be a WebSocket", version, host)
	}
	switch {
	case fails(c):
		b.WriteString(". " + c.Findings[0].Title)
	case tcp.End.Seen():
		b.WriteString(opaqueEnd(t, tcp))
	case c.Facts.EndOfCapture:
		fmt.Fprintf(&b, "; it was still open when the capture ended, after %s", known.Seconds(time.Duration(c.DurationMS*1e6)))
	}
	if !t.ClientHello.Seen() && c.Facts.TCP.LateStart {
		b.WriteString(". The capture began after its TLS handshake, so that no key log opens it: capture it from its beginning.")
		return b.String()
	}
	switch {
	case t.Keys == "unsupported":
		b.WriteString(". It cannot be decrypted: " + known.Clip(t.KeysText) + " is not supported.")
	case t.Dark != [2]bool{}:
		b.WriteString(". A whole key log would tell the rest.")
	default:
		b.WriteString(". A key log would tell the rest.")
	}
	return b.String()
}

// opaqueEnd tells how an encrypted connection ended.
func opaqueEnd(t *record.TLSFacts, tcp *record.TCPFacts) string {
	var b strings.Builder
	how := strings.ToUpper(tcp.EndHow)
	if tcp.Notified {
		how = "what looks like a close_notify"
	} else if t.CloseNotify[tcp.EndBy].Seen() || t.LikelyCloseNotify[tcp.EndBy].Seen() {
		how = "what looks like a close_notify, and " + how
	}
	fmt.Fprintf(&b, "; the %s ended it by %s", tcp.EndBy, how)
	if tcp.SilenceBroken.Seen() {
		fmt.Fprintf(&b, " in answer to data after %s of silence", known.Seconds(tcp.Silence))
	} else if tcp.Silence >= silent {
		fmt.Fprintf(&b, " after %s of silence", known.Seconds(tcp.Silence))
	}
	if !tcp.SilenceBroken.Seen() && tcp.Silence >= 3*silent {
		if fits := known.IdleTimers(tcp.Silence, known.Unknown); len(fits) > 0 {
			b.WriteString(", consistent with " + known.TimerNames(fits))
		}
	}
	return b.String()
}

// tlsFailure says how far a TLS handshake came that no finding explains, and
// who ended it.
func tlsFailure(c *record.Connection) string {
	t, tcp := c.Facts.TLS, &c.Facts.TCP
	text := "The TLS handshake did not complete"
	if t == nil || !tcp.End.Seen() {
		return text
	}
	from, stage := t.ClientHello, "the ClientHello"
	if t.ServerHello.Seen() {
		from, stage = t.ServerHello, "the ServerHello"
	}
	if t.Complete != "" {
		text, from, stage = "The TLS connection was never used", t.Sides[record.Client].FirstSealedRef, "the handshake"
	}
	text += fmt.Sprintf(": the %s ended it by %s", tcp.EndBy, strings.ToUpper(tcp.EndHow))
	if from.Seen() {
		text += fmt.Sprintf(", %s after %s", known.Seconds(max(0, tcp.End.Time.Sub(from.Time))), stage)
	}
	return text
}
