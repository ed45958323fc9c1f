package closing

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS709 = &rule.Rule{
	Code: "WS709", Slug: "close-service-restart", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1012 (service restart)",
	Severity: record.Warning, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The server closed with 1012: it restarts.",
		Why:   "Users are disconnected for a moment. If all of them reconnect at once, the new process meets a storm.",
		How:   "The code stands in the Close frame; a deploy or restart at this time stands in the server's log.",
		Alike: "A process that restarts again and again because it crashes sends 1012, too, if its shutdown is orderly: look at how often it happens.",
		Fix:   "Nothing is broken if a deploy was planned. Let clients reconnect after a random delay of 5 to 30 seconds, as the registry recommends, and drain connections bit by bit.",
	},
	References: []string{"https://www.iana.org/assignments/websocket"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1012,
}

func check1012(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1012, func(x *record.ControlFrame) rule.Found {
		return rule.Found{Fault: x.Dir.Fault(), Remedy: "If no deploy was planned, look why " + known.FramesOf(c, x.Dir) + " restarts; let clients reconnect after a random delay of 5 to 30 s."}
	})
}
