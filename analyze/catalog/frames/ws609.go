package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS609 = &rule.Rule{
	Code: "WS609", Slug: "bad-length", Family: "frames", Since: "1.0.0",
	Title:    "A payload length is not in its shortest form or has its top bit set",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A frame's length uses more bytes than it needs, or is a 64-bit number whose top bit is set.",
		Why: "A length with its top bit set cannot be honoured: receivers drop the connection or close with 1002 or 1009, and nothing after it can be read. " +
			"A length in too long a form is tolerated by most receivers and refused by strict ones.",
		How:   "Lengths up to 125 take seven bits, up to 65535 sixteen more, all others sixty-four. The form used and the value stand in the header.",
		Alike: "An earlier wrong length makes payload look like a header with a huge length. Bytes that are no frames at all are WS612.",
		Fix:   "Correct the sender's framing; a signed or wrongly ordered 64-bit length (little endian) is the usual bug.",
	},
	References: []string{"RFC 6455 section 5.2"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkLength,
}

// RFC 6455 section 5.2: "in all cases, the minimal number of bytes MUST be used
// to encode the length"; of 64 bits "the most significant bit MUST be 0".
func checkLength(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		f := rule.Found{
			Title:      fmt.Sprintf("wrote the length %d in a form longer than needed (a header of %d bytes)", v.Header.Length, v.Header.Size),
			Remedy:     "Correct the framing of the " + v.Dir.String() + ": the shortest form of a length, 64-bit ones below 2^63, in network byte order.",
			SeenByUser: known.UserSaw(c, known.SawFrame),
		}
		if v.Kind == ws.LengthTopBit {
			f.Title = fmt.Sprintf("announced a payload of %d bytes: a 64-bit length with its top bit set", v.Header.Length)
		}
		return f
	}, ws.LengthTopBit, ws.LengthNotMinimal)
}
