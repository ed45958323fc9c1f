package frames

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS608 = &rule.Rule{
	Code: "WS608", Slug: "invalid-utf8", Family: "frames", Since: "1.0.0",
	Title:    "A text message is not valid UTF-8",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A message with the text opcode holds bytes that are not UTF-8.",
		Why:  "The receiver must fail the connection: most close with 1007, Chromium with 1002. It depends on the data, so it happens to some users and some messages only.",
		How:  "The message was put together from its frames, unmasked and, if compressed, inflated, then checked byte by byte. Surrogates and overlong forms are invalid, too.",
		Alike: "A sender whose messages are compressed or masked wrongly produces such bytes as well; then bad-deflate or framing findings stand beside it. " +
			"Some servers do not check and echo the bytes: then it is a warning and not the cause.",
		Fix: "Send binary data as binary messages. Convert text to UTF-8 (not Latin-1 or Windows-1252) before sending, and do not cut a string in the middle of a character when splitting it into messages.",
	},
	References: []string{"RFC 6455 section 8.1", "RFC 6455 section 5.6", "RFC 3629"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkUTF8,
}

// RFC 6455 section 8.1: "When an endpoint is to interpret a byte stream as
// UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream,
// that endpoint MUST _Fail the WebSocket Connection_."
func checkUTF8(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		return rule.Found{
			Title:      "sent a text message that is not valid UTF-8",
			Remedy:     "Send binary data with the binary opcode, and text as UTF-8, from the " + v.Dir.String() + ".",
			SeenByUser: known.UserSaw(c, known.SawUTF8),
		}
	}, ws.InvalidUTF8)
}
