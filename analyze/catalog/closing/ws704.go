package closing

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS704 = &rule.Rule{
	Code: "WS704", Slug: "close-invalid-payload", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1007 (invalid payload data)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A side closed with 1007: a message did not hold what its type promises, as a rule text that is not UTF-8 or data that does not inflate.",
		Why:   "It depends on the data, so some messages fail and others pass; the same message will be refused again.",
		How:   "The code stands in the Close frame. Text is checked and compressed messages are inflated here as well: where that fails, a finding of its own is the cause.",
		Alike: "Applications use 1007 for messages that break their own format (bad JSON): then every message is valid UTF-8 and the Close reason tells.",
		Fix:   "Send binary data as binary messages and text as UTF-8. If the text is fine, read the Close reason and look at the application's own checks.",
	},
	References: []string{"RFC 6455 section 7.4.1", "RFC 6455 section 8.1"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1007,
}

func check1007(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1007, func(x *record.ControlFrame) rule.Found {
		f := rule.Found{Remedy: "Look at the last message of the " + x.Dir.Other().String() + " before the Close: its encoding, or the application's own format."}
		f.Fault, f.Confidence = accused(c, x)
		if f.Fault == record.FaultUnknown {
			f.Title = "every message of the " + x.Dir.Other().String() + " is valid UTF-8, so its contents were refused"
		}
		if last := c.Facts.WS.LastMessage[x.Dir.Other()]; last.Seen() {
			f.Evidence = append(f.Evidence, r.At(last, "last message of the %s before it", x.Dir.Other()))
		}
		return f
	})
}
