package closing

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS708 = &rule.Rule{
	Code: "WS708", Slug: "close-internal-error", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1011 (internal error)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A side closed with 1011: it met a condition that it did not expect.",
		Why:   "As a rule an exception in the application's handler. Every user whose message meets the same bug is thrown out.",
		How:   "The code and the reason stand in the Close frame; who sent it has the stack trace in its log.",
		Alike: "Python websockets closes with 1011 'keepalive ping timeout' when its Ping got no Pong: then the peer or the path is at fault, and WS614 says so. A proxy may send 1011 in a backend's name.",
		Fix:   "Look in the log of the side that closed at the second named: the exception stands there. Let the handler catch errors and answer with a message or a code of its own.",
	},
	References: []string{"RFC 6455 section 7.4.1", "https://www.iana.org/assignments/websocket"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1011,
}

func check1011(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1011, func(x *record.ControlFrame) rule.Found {
		f := rule.Found{Fault: x.Dir.Fault(), Remedy: "Look in the log of " + known.FramesOf(c, x.Dir) + " at this second for the exception."}
		if strings.Contains(strings.ToLower(x.Reason), "keepalive ping timeout") {
			f.Title = "its Ping got no Pong in time"
			f.Fault = x.Dir.Other().Fault()
			f.Remedy = "Find out why the " + x.Dir.Other().String() + " did not answer Pings: a blocked event loop, a sleeping device, or a path that lost it."
			f.SeenByUser = known.UserSaw(c, known.SawKeepalive)
		}
		return f
	})
}
