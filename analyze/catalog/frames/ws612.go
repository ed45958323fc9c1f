package frames

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS612 = &rule.Rule{
	Code: "WS612", Slug: "not-websocket-after-101", Family: "frames", Since: "1.0.0",
	Title:    "The bytes after the 101 are not WebSocket frames",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The handshake succeeded, but what follows is something else: an HTTP response, a page, a TLS alert, or bytes that break several rules of framing at once.",
		Why:  "The client reads the bytes as frames, finds nonsense and closes with 1002: 'Invalid frame header', 'RSV1 must be clear'. The messages blame framing, but no frame was ever sent.",
		How:  "The first bytes of the direction are compared with HTTP, TLS and HTML; and a first frame that breaks three rules at once is no frame.",
		Alike: "A server that really sends one malformed first frame may look alike when it breaks several rules at once. " +
			"A 101 for another protocol than WebSocket (Upgrade: tcp, h2c) is followed by other bytes rightly, and is not judged.",
		Fix: "Find who writes into the connection after the 101: a proxy that appends its error page, middleware that sends a body with the 101 (see WS550), or an application that writes to the raw socket or response.",
	},
	References: []string{"RFC 6455 section 5.2", "RFC 9110 section 15.2.2"},
	Explains:   append([]string{"WS601", "WS602", "WS603", "WS604", "WS605", "WS606", "WS607", "WS609"}, failures...),
	Needs:      rule.BadFrames,
	Check:      checkNotWebSocket,
}

func checkNotWebSocket(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.WS == nil || c.Facts.WS.NotWebSocket == nil {
		return
	}
	w := c.Facts.WS
	kind, note := kindOf(w.NotWebSocket), "the first bytes of the "+w.NotWebSocketDir.String()+" after the handshake are no frame"
	if kind != "bytes" {
		note = "the first bytes of the " + w.NotWebSocketDir.String() + " after the handshake: " + kind
	}
	accepted := "the 101"
	if c.Facts.H2 != nil {
		accepted = "the answer 200"
	}
	f := rule.Found{
		Title:      known.SideFirst(c, w.NotWebSocketDir) + " sent " + kind + " after " + accepted + " instead of WebSocket frames",
		Remedy:     "Find what writes to the connection after " + accepted + ": a proxy's error page, a body sent with the 101, an application that writes to the raw socket.",
		SeenByUser: known.UserSaw(c, known.SawFrame),
		Evidence:   []record.Evidence{r.At(w.NotWebSocketRef, "%s", note)},
	}
	if w.NotWebSocketDir == record.Client {
		f.Fault = record.FaultClient
	}
	if u := c.Facts.Upgrade; u != nil && u.Response != nil && w.NotWebSocketDir == record.Server {
		for _, name := range []string{"Transfer-Encoding", "Content-Length"} {
			if value, ok := u.Response.Get(name); ok {
				f.Fault = record.FaultServer // it announces the body itself
				if value != "0" {
					f.Title += ", the body that its 101 announces (" + known.Clip(name+": "+value) + ")"
				}
				break
			}
		}
	}
	r.Add(f)
}

// kindOf says what the bytes look like, without quoting them.
func kindOf(b []byte) string {
	s := strings.ToLower(string(b))
	switch {
	case strings.HasPrefix(s, "http/"):
		return "an HTTP response"
	case strings.HasPrefix(s, "get "), strings.HasPrefix(s, "post "), strings.HasPrefix(s, "head "):
		return "an HTTP request"
	case strings.HasPrefix(s, "<"):
		return "an HTML page"
	case len(b) > 2 && b[0] == 0x15 && b[1] == 3:
		return "a TLS alert"
	case len(b) > 2 && b[0] == 0x16 && b[1] == 3:
		return "a TLS handshake"
	}
	for _, x := range b {
		if x < 0x09 || x > 0x7e {
			return "bytes"
		}
	}
	return "plain text"
}
