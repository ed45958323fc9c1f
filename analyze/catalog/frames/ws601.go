package frames

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS601 = &rule.Rule{
	Code: "WS601", Slug: "unmasked-client-frame", Family: "frames", Since: "1.0.0",
	Title:    "A frame from the client is not masked",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "The client sent a frame whose mask bit is clear. Every frame of a client must be masked.",
		Why:  "A server must close the connection on it, most with 1002. Masking keeps a malicious page from writing bytes of its choice to old proxies, so servers do not forgive its absence.",
		How:  "The mask bit is the top bit of a frame's second byte. It is clear in the frame named, and the frame comes from the side that sent the handshake request.",
		Alike: "Where the capture began late, client and server can be confused; then this is said with less confidence. Over HTTP/2 some clients think TLS makes masking needless: RFC 8441 does not change it. " +
			"Some servers tolerate it: then it is a warning and not the cause.",
		Fix: "Update or correct the client's library. In a framework that builds frames by hand, set the mask bit, choose a fresh random key for each frame and XOR the payload with it.",
	},
	References: []string{"RFC 6455 section 5.1", "RFC 6455 section 5.3", "RFC 6455 section 10.3"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkUnmasked,
}

// RFC 6455 section 5.1: "a client MUST mask all frames that it sends to the
// server"; "The server MUST close the connection upon receiving a frame that is
// not masked."
func checkUnmasked(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		return rule.Found{
			Title:  "sent " + frameName(v) + " that is not masked",
			Remedy: "Correct the client's WebSocket library: set the mask bit and a fresh random key in every frame.",
		}
	}, ws.UnmaskedClientFrame)
}
