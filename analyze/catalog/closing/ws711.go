package closing

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS711 = &rule.Rule{
	Code: "WS711", Slug: "close-bad-gateway", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1014 (bad gateway)",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen:  "The connection was closed with 1014: a gateway in front of the server got an invalid response from it.",
		Why:   "The client is connected to the gateway only; behind it the server failed. It is what 502 is for HTTP.",
		How:   "The code stands in the Close frame, sent by the gateway or passed on.",
		Alike: "Few products send 1014; an application may use it in a wider sense. The reason tells more.",
		Fix:   "Look at the gateway's log for the server behind it, and at that server: did it crash, restart or answer wrongly at this second?",
	},
	References: []string{"https://www.iana.org/assignments/websocket"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1014,
}

func check1014(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1014, func(x *record.ControlFrame) rule.Found {
		return rule.Found{Remedy: "Look in the log of the gateway at " + c.Server.String() + " for the server behind it, and at that server at this second."}
	})
}
