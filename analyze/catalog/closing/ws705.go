package closing

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS705 = &rule.Rule{
	Code: "WS705", Slug: "close-policy-violation", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1008 (policy violation)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A side closed with 1008: something about the connection or a message broke a policy of its own.",
		Why:  "Servers use it for what HTTP says with 401, 403 or 429: a token that is missing or has expired, an origin that is not allowed, too many messages. A reconnect with the same credentials fails again.",
		How:  "The code and the reason stand in the Close frame.",
		Alike: "Amazon API Gateway and some frameworks (Starlette, FastAPI, Django Channels) use 1008 or 1006 for authorization; others use 4001 or 3000. " +
			"coder/websocket uses it where the time for reading a message is up ('timed out'), amphp where Pings stay unanswered. Only the log of the side that closed tells which rule it was.",
		Fix: "Read the Close reason and the log of the side that closed; renew credentials before they expire, and respect its limits.",
	},
	References: []string{"RFC 6455 section 7.4.1"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1008,
}

func check1008(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1008, func(x *record.ControlFrame) rule.Found {
		return rule.Found{Confidence: record.Likely,
			Remedy: "Read the log of " + known.FramesOf(c, x.Dir) + " at this second: which of its rules (credentials, origin, rate) did the connection break?"}
	})
}
