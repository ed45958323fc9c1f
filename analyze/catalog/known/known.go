// Package known holds what the rules know of products: how proxies, servers,
// filters and clients can be told by what they write into a handshake, what
// fixes a problem at each of them, and what each client tells its user.
//
// Most callers need only [Who], [Answerer], [Remedy], [UserSaw] and [ClientOf].
// Everything here is data with its source beside each row, and functions that
// look it up; they are called when a finding is made, never on the way to it.
package known

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// clipped is how many characters of a value from the wire a title carries.
const clipped = 60

// Clip makes a value from the wire fit to be quoted in one line of text: no
// control characters, at most 60 characters.
func Clip(s string) string {
	if len(s) <= clipped && isPlain(s) {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == clipped {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = '.'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// isPlain tells that all is printable ASCII, as nearly all is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Quote is Clip in single quotes.
func Quote(s string) string { return "'" + Clip(s) + "'" }

// URL is the connection's URL without its query, in which tokens travel. Of
// one that failed in TLS only the host that the ClientHello names is known.
func URL(c *record.Connection) string {
	if bare(c) {
		return ""
	}
	url, query, found := strings.Cut(c.URL, "?")
	if url == "" {
		if c.Facts != nil && c.Facts.TLS != nil && c.Facts.TLS.SNI != "" {
			return "wss://" + Clip(c.Facts.TLS.SNI) + "/…"
		}
		return "<url>"
	}
	if found && query != "" {
		return Clip(url) + "?…"
	}
	return Clip(url)
}

// Endpoint names the far end: its address, or the tunnel's target behind a
// forward proxy.
func Endpoint(c *record.Connection) string {
	if bare(c) {
		return ""
	}
	if c.Tunnel != nil && c.Tunnel.Target != "" && c.Facts != nil && c.Facts.Tunnel != nil && c.Facts.Tunnel.Opened {
		return Clip(c.Tunnel.Target)
	}
	return addr(c.Server)
}

// Starved is a stall by HTTP/2's flow control in which a side let the other send
// no more until the end; nil if there is none.
func Starved(h *record.H2Facts, by record.Dir) *record.Stall {
	for i := range h.Stalls {
		if s := &h.Stalls[i]; !s.End.Seen() && s.From == by {
			return s
		}
	}
	return nil
}

// AddStall tells in a finding of such a stall, if there is one.
func AddStall(r *rule.Reporter, f *rule.Found, s *record.Stall) {
	if s == nil {
		return
	}
	f.Title += fmt.Sprintf(", the %s having granted no more flow-control window for %s", s.From, Seconds(s.Length))
	f.Remedy = "Let the " + s.From.String() + " read on and send WINDOW_UPDATE, or give streams a larger window (SETTINGS_INITIAL_WINDOW_SIZE): the sender could not go on."
	f.Evidence = append(f.Evidence, r.At(s.Begin, "the window is used up to the last byte; no WINDOW_UPDATE for %s", Seconds(s.Length)))
}

// ProxyAt is where the proxy between two hops of one handshake stands: where the
// client connected to, or at the target of its tunnel, where the further hop does
// not begin at the forward proxy.
func ProxyAt(front, back *record.Connection) string {
	if t := front.Facts.Tunnel; t != nil && t.Opened && t.Target != "" && front.Server.Addr() != back.Client.Addr() {
		return Clip(t.Target)
	}
	return addr(front.Server)
}

func addr(a netip.AddrPort) string {
	if !a.IsValid() {
		return "its address"
	}
	return a.String()
}
