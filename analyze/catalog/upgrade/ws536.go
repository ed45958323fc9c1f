package upgrade

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS536 = &rule.Rule{
	Code: "WS536", Slug: "not-http", Family: "upgrade", Since: "1.0.0",
	Title:    "The bytes that answer the request are not HTTP",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The Upgrade request was answered by bytes that do not begin like an HTTP response.",
		Why:   "The port belongs to another service, or the server skips the handshake and sends WebSocket frames at once. The client cannot do anything with it.",
		How:   "The first bytes of the answer are compared with 'HTTP/' and with the greetings of common protocols.",
		Alike: "A capture that missed the response's first segment: then bytes are missing and this finding stays silent. HTTP/2 frames come from a server that was told to speak HTTP/2 without negotiation.",
		Fix:   "Check the port in the client's URL, and which program owns it on the server (ss -ltnp). If it is a WebSocket server of your own, let it answer 101 before its first frame.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9112 section 4"},
	Needs:      rule.Unanswered,
	Check:      checkNotHTTP,
}

// greetings are how other protocols begin.
var greetings = []struct{ first, name string }{
	{"SSH-", "an SSH server's greeting"}, {"220 ", "an SMTP or FTP server's greeting"}, {"220-", "an SMTP or FTP server's greeting"}, {"* OK", "an IMAP server's greeting"}, {"+OK", "a POP3 server's greeting"},
	{"RFB 0", "a VNC server's greeting"}, {"-ERR", "a Redis server's answer"}, {"-DENIED", "a Redis server's answer"}, {"\x15\x03", "a TLS alert"}, {"\x16\x03", "TLS"},
	{"<html", "HTML without a response head (HTTP/0.9)"}, {"<!DOCTYPE", "HTML without a response head (HTTP/0.9)"},
	{"<?xml", "XML"}, {"<stream", "an XMPP server's answer"}, {"AMQP", "an AMQP server's answer"}, {"NOTICE ", "an IRC server's greeting"}, {"INFO {", "a NATS server's greeting"},
	{"HTTP/", "a status line without a status code of three digits"},
}

const http2Frames = "HTTP/2 frames"

func checkNotHTTP(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || len(c.Facts.Upgrade.NotHTTP) == 0 || c.Facts.Upgrade.TLSAnswer {
		return
	}
	u := c.Facts.Upgrade
	if u.Request == nil || u.Response != nil {
		return
	}
	what := nameBytes(u.NotHTTP)
	remedy := "Check the port in the URL and which program owns it; a WebSocket server must answer 101 before its first frame."
	if what == http2Frames {
		remedy = "This listener takes HTTP/2 only: let it speak HTTP/1.1 too (nginx: no http2 on a listener without ssl), or connect the client to one that does."
	}
	r.Add(rule.Found{
		Title:      known.Endpoint(c) + " answered " + target(u) + " with " + what + ", expected HTTP",
		Remedy:     remedy,
		SeenByUser: known.UserSaw(c, known.SawNotHTTP),
		Evidence:   []record.Evidence{r.At(u.NotHTTPRef, "%s", what), r.At(u.RequestRef, "%s", target(u))},
	})
}

// nameBytes says what the first bytes of an answer look like.
func nameBytes(b []byte) string {
	for _, g := range greetings {
		if bytes.HasPrefix(b, []byte(g.first)) {
			return g.name
		}
	}
	switch {
	// RFC 6455 section 5.2: FIN and an opcode of 1, 2, 8, 9 or 10, and a
	// length without the mask bit.
	case len(b) > 2 && b[0]&0xf0 == 0x80 && (b[0]&0x0f <= 2 || b[0]&0x0f >= 8 && b[0]&0x0f <= 10) && b[1] > 0 && b[1] < 126:
		return "a WebSocket frame without a handshake"
	// RFC 9113 section 3.4: the server's preface is a SETTINGS frame.
	case len(b) >= 9 && b[0] == 0 && b[3] == 4 && bytes.Equal(b[5:9], []byte{0, 0, 0, 0}):
		return http2Frames
	// The MySQL handshake: length, sequence 0, protocol 10.
	case len(b) > 5 && b[3] == 0 && b[4] == 10:
		return "a MySQL server's greeting"
	}
	line, _, _ := strings.Cut(string(b[:min(len(b), 16)]), "\n")
	if line = strings.TrimSpace(line); line != "" && !strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "text that is no HTTP (beginning " + known.Quote(line) + ")"
	}
	return fmt.Sprintf("bytes that are no HTTP (beginning % x)", b[:min(len(b), 4)])
}
