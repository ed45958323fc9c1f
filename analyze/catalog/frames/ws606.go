package frames

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS606 = &rule.Rule{
	Code: "WS606", Slug: "oversized-control-frame", Family: "frames", Since: "1.0.0",
	Title:    "A control frame's payload is longer than 125 bytes",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A Ping, Pong or Close frame announces more than 125 bytes of payload.",
		Why:   "The receiver must fail the connection, usually with 1002. A Close reason that is too long (an exception's text) is the commonest: then the real reason is lost.",
		How:   "The length stands in the frame's header: 126 or 127 in its seven bits means a longer form, which a control frame must not use.",
		Alike: "Wrong lengths before it make payload look like such a header; bytes that are no frames at all are WS612.",
		Fix:   "Keep the payload of Pings short and cut Close reasons to 123 bytes of UTF-8.",
	},
	References: []string{"RFC 6455 section 5.5"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkOversizedControl,
}

func checkOversizedControl(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		return rule.Found{
			Title:      "sent " + frameName(v) + ", control frames carry at most 125",
			Remedy:     "Keep the payload of the " + v.Dir.String() + "'s control frames to 125 bytes (a Close reason to 123).",
			SeenByUser: known.UserSaw(c, known.SawControlLength, sevenBits(v.Header.Length)),
		}
	}, ws.OversizedControl)
}

// sevenBits is the length as it stands in a header's second byte, which is what
// a receiver complains of.
func sevenBits(length uint64) string {
	if length > 0xffff {
		return "127"
	}
	return "126"
}
