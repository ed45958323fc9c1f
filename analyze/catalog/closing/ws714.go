package closing

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS714 = &rule.Rule{
	Code: "WS714", Slug: "close-payload-invalid", Family: "closing", Since: "1.0.0",
	Title:    "A Close frame's payload is one byte long or its reason is not UTF-8",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A Close frame has a single byte of payload, or its reason holds bytes that are not UTF-8.",
		Why:   "The receiver treats it as a protocol error (1002 or 1007) instead of the code that was meant.",
		How:   "A Close frame has either no payload or two bytes of code and a reason in UTF-8; the frame named has neither.",
		Alike: "A reason that is cut to 123 bytes in the middle of a character does this, as does one in Latin-1.",
		Fix:   "Write the code as two bytes in network order and the reason as UTF-8; cut it at a character's boundary.",
	},
	References: []string{"RFC 6455 section 5.5.1", "RFC 6455 section 7.1.6"},
	Explains:   []string{"WS702", "WS704", "WS715", "WS701", "WS205"},
	Needs:      rule.BadFrames,
	Check:      checkClosePayload,
}

// RFC 6455 section 5.5.1: "If there is a body, the first two bytes of the body
// MUST be a 2-byte unsigned integer [...] Following the 2-byte integer, the body
// MAY contain UTF-8-encoded data".
func checkClosePayload(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.WS == nil || len(c.Facts.WS.Violations) == 0 {
		return
	}
	for i := range c.Facts.WS.Violations {
		v := &c.Facts.WS.Violations[i]
		what, saw := "", known.SawCloseShort
		switch v.Kind {
		case ws.ClosePayloadOneByte:
			what = "with one byte of payload, where a code takes two"
		case ws.CloseReasonNotUTF8:
			what, saw = "whose reason is not UTF-8", known.SawCloseUTF8
		default:
			continue
		}
		r.Add(rule.Found{
			Title:      known.FramesOfFirst(c, v.Dir) + " sent a Close frame " + what,
			Fault:      v.Dir.Fault(),
			SeenByUser: sawBroken(c, v.Dir, saw),
			Remedy:     "Correct the Close frames of the " + v.Dir.String() + ": two bytes of code, then UTF-8.",
			Evidence:   []record.Evidence{r.At(v.Ref, "Close frame of the %s, payload length %d", v.Dir, v.Header.Length)},
		})
		return // an echo of it is no second fault
	}
}
