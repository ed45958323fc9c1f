package frames

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS602 = &rule.Rule{
	Code: "WS602", Slug: "masked-server-frame", Family: "frames", Since: "1.0.0",
	Title:    "A frame from the server is masked",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The server sent a frame whose mask bit is set. A server must not mask.",
		Why:   "A client must close the connection on it: Chromium and most libraries do so with 1002, Firefox and a few others let it pass. So it works in one browser and fails in another.",
		How:   "The mask bit is the top bit of a frame's second byte. It is set in the frame named, and the frame comes from the side that answered the handshake.",
		Alike: "A server that uses a client's library, or one function for both directions, does this. Where the capture began late, the two sides can be confused; then this is said with less confidence.",
		Fix:   "Correct the server's framing: mask bit clear and no key in every frame that it sends.",
	},
	References: []string{"RFC 6455 section 5.1"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkMasked,
}

// RFC 6455 section 5.1: "A server MUST NOT mask any frames that it sends to
// the client. A client MUST close a connection if it detects a masked frame."
func checkMasked(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		return rule.Found{
			Title:      "sent " + frameName(v) + " that is masked",
			Remedy:     "Correct the server's framing: a server sends frames without mask bit and key.",
			SeenByUser: known.UserSaw(c, known.SawMasked),
		}
	}, ws.MaskedServerFrame)
}
