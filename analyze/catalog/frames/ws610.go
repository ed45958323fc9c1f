package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS610 = &rule.Rule{
	Code: "WS610", Slug: "bad-deflate", Family: "frames", Since: "1.0.0",
	Title:    "A compressed message does not inflate",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A message is marked as compressed (RSV1) under permessage-deflate, but its bytes are not valid DEFLATE data in this connection.",
		Why:  "The receiver cannot read the message and closes, with 1007, 1002 or 1011, a few without a code that tells. Messages before it were fine.",
		How:  "The messages of this direction were inflated from the first on, with the window and context takeover that the handshake negotiated. This one breaks the format, or points back beyond the window.",
		Alike: "A sender that keeps its compression context although no_context_takeover was negotiated, or uses a larger window than agreed, is the usual cause: its own state is fine, but the peer's differs. " +
			"If the beginning of the direction is missing in the capture, compressed messages cannot be judged and are not.",
		Fix: "Update the sender's library; to get going, turn permessage-deflate off on one side, or negotiate server_no_context_takeover and client_no_context_takeover.",
	},
	References: []string{"RFC 7692 section 7.2", "RFC 7692 section 7.1", "RFC 1951"},
	Explains:   append([]string{"WS608"}, failures...),
	Needs:      rule.BadFrames,
	Check:      checkDeflate,
}

// With RSV1 in the wrong frame what comes is not the compressed message that it
// claims to be: WS603 says it.
func checkDeflate(c *record.Connection, r *rule.Reporter) {
	if r.Has("WS603") {
		return
	}
	breaches(c, r, func(w *record.WSFacts, v *record.Violation) rule.Found {
		f := rule.Found{
			Title:      fmt.Sprintf("sent a compressed message (frame of %s) that does not inflate", record.Bytes(v.Header.Length)),
			Remedy:     "Turn permessage-deflate off on one side, or update the library of the " + v.Dir.String() + ".",
			SeenByUser: known.UserSaw(c, known.SawInflate),
		}
		if w.Extensions != "" {
			f.Title += " under " + known.Quote(w.Extensions)
		}
		return f
	}, ws.BadDeflate)
}
