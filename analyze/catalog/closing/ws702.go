package closing

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS702 = &rule.Rule{
	Code: "WS702", Slug: "close-protocol-error", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1002 (protocol error)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A side closed with 1002: it says that its peer broke the WebSocket protocol.",
		Why:   "The connection cannot go on, and a reconnect usually meets the same error at the same message.",
		How:   "The code stands in the Close frame. Where the peer's frame that broke a rule is in the capture, a finding of its own names it and is the cause.",
		Alike: "Chromium uses 1002 for text that is not UTF-8 as well. If all of the peer's frames are fine here, something between this capture point and the sender of the Close changed them, or negotiated other extensions with it: capture nearer to that side.",
		Fix:   "Correct the frame that the other finding names. If there is none, capture next to the side that closed and compare.",
	},
	References: []string{"RFC 6455 section 7.4.1"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1002,
}

// RFC 6455 section 7.4.1: "1002 indicates that an endpoint is terminating the
// connection due to a protocol error."
func check1002(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1002, func(x *record.ControlFrame) rule.Found {
		f := rule.Found{Remedy: "Correct what the " + x.Dir.Other().String() + " sent."}
		f.Fault, f.Confidence = accused(c, x)
		f.Title = clean(f.Fault, x.Dir.Other())
		if f.Title != "" {
			f.Remedy = "Read the log of the " + x.Dir.String() + ": what did it find wrong with the frames of the " + x.Dir.Other().String() + "? If they differ from these there, a proxy in between changes them."
			f.NextStep = known.CaptureAt(c, "the "+x.Dir.String()+": the frames that it received may differ from these.")
			if c.Facts.WS.Deflate && x.Dir == record.Client {
				f.NextStep = known.CaptureAt(c, "the client: does the 101 still select permessage-deflate there? Without it a compressed frame breaks the protocol.")
			}
		}
		return f
	})
}
