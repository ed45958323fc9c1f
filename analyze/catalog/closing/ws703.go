package closing

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS703 = &rule.Rule{
	Code: "WS703", Slug: "close-unsupported-data", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1003 (unsupported data)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A side closed with 1003: it got a type of data that it does not accept, such as binary where it wants text.",
		Why:   "The application's two sides do not agree on what they send; the same message will be refused again.",
		How:   "The code stands in the Close frame; the peer's last message before it is most likely the one that was refused.",
		Alike: "Some libraries (faye) close with 1003 on framing errors such as an unmasked frame: then that finding stands beside it and is the cause.",
		Fix:   "Send the type of message that the receiver expects, or let the receiver accept both text and binary.",
	},
	References: []string{"RFC 6455 section 7.4.1"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1003,
}

func check1003(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1003, func(x *record.ControlFrame) rule.Found {
		f := rule.Found{Fault: x.Dir.Other().Fault(), Confidence: record.Likely,
			Remedy: "Look at the last message of the " + x.Dir.Other().String() + " before the Close: text where binary is expected, or the other way round."}
		if last := c.Facts.WS.LastMessage[x.Dir.Other()]; last.Seen() {
			f.Evidence = append(f.Evidence, r.At(last, "last message of the %s before it", x.Dir.Other()))
		}
		return f
	})
}
