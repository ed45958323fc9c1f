package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS604 = &rule.Rule{
	Code: "WS604", Slug: "reserved-opcode", Family: "frames", Since: "1.0.0",
	Title:    "A frame uses a reserved opcode",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A frame's opcode is one that RFC 6455 reserves: 3 to 7 or 11 to 15.",
		Why:   "The receiver must fail the connection, usually with 1002. No registered extension uses these opcodes.",
		How:   "The opcode is the low half of a frame's first byte. All frames before it were read in order, so the position is right.",
		Alike: "A sender whose frame lengths are wrong makes the receiver, and every observer, read payload as headers: then a look at the frame before tells. Bytes that are no frames at all are WS612.",
		Fix:   "Correct the sender's framing: text is 1, binary 2, continuation 0, Close 8, Ping 9, Pong 10.",
	},
	References: []string{"RFC 6455 section 5.2", "RFC 6455 section 11.8"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkOpcode,
}

// RFC 6455 section 5.2: "If an unknown opcode is received, the receiving
// endpoint MUST _Fail the WebSocket Connection_."
func checkOpcode(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		return rule.Found{
			Title:      fmt.Sprintf("sent a frame with the reserved opcode %d (expected 0, 1, 2, 8, 9 or 10)", v.Header.Opcode),
			Remedy:     "Correct the framing of the " + v.Dir.String() + ": an opcode that RFC 6455 defines, and lengths that match the payload.",
			SeenByUser: known.UserSaw(c, known.SawOpcode, fmt.Sprint(uint8(v.Header.Opcode))),
		}
	}, ws.ReservedOpcode)
}
