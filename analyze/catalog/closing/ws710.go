package closing

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS710 = &rule.Rule{
	Code: "WS710", Slug: "close-try-again-later", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1013 (try again later)",
	Severity: record.Warning, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The server closed with 1013: it is overloaded or cannot serve this connection now.",
		Why:   "Clients that reconnect at once make the overload worse.",
		How:   "The code stands in the Close frame.",
		Alike: "Some servers use 1013 for limits per user; the reason and the server's log tell.",
		Fix:   "Look at the server's load and limits at this time, add capacity or shed load earlier (503 to the handshake), and let clients wait before they reconnect, or try another address.",
	},
	References: []string{"https://www.iana.org/assignments/websocket"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1013,
}

func check1013(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1013, func(x *record.ControlFrame) rule.Found {
		return rule.Found{Fault: x.Dir.Fault(), Remedy: "Look at load and limits of " + known.FramesOf(c, x.Dir) + "; let clients wait before they reconnect."}
	})
}
