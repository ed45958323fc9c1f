package frames

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS605 = &rule.Rule{
	Code: "WS605", Slug: "fragmented-control-frame", Family: "frames", Since: "1.0.0",
	Title:    "A control frame is fragmented",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A Ping, Pong or Close frame has its FIN bit clear, as if more of it were to follow.",
		Why:   "The receiver must fail the connection, usually with 1002: control frames may come in the middle of a fragmented message and must be whole.",
		How:   "The FIN bit is the top bit of a frame's first byte, the opcode its low half: 8, 9 or 10.",
		Alike: "A sender that applies its fragmenting of messages to Pings as well does this. Wrong lengths before it make payload look like such a header; bytes that are no frames at all are WS612.",
		Fix:   "Correct the sender's framing: FIN set in every Close, Ping and Pong.",
	},
	References: []string{"RFC 6455 section 5.4", "RFC 6455 section 5.5"},
	Explains:   append([]string{"WS607"}, failures...),
	Needs:      rule.BadFrames,
	Check:      checkFragmentedControl,
}

// RFC 6455 section 5.5: "All control frames MUST have a payload length of 125
// bytes or less and MUST NOT be fragmented."
func checkFragmentedControl(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		return rule.Found{
			Title:      "sent " + frameName(v) + " with FIN clear: control frames must not be fragmented",
			Remedy:     "Correct the framing of the " + v.Dir.String() + ": FIN set in every Close, Ping and Pong.",
			SeenByUser: known.UserSaw(c, known.SawControlFIN),
		}
	}, ws.FragmentedControl)
}
