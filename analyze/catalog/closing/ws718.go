package closing

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS718 = &rule.Rule{
	Code: "WS718", Slug: "close-going-away", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1001 (going away)",
	Severity: record.Info, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "The connection was closed with 1001: a browser left the page, or a server is shutting down.",
		Why:   "It is an orderly end. From a server it means a deploy, a restart or a proxy that drains; many at once are worth a look.",
		How:   "The code stands in the Close frame.",
		Alike: "Some servers and proxies send 1001 on their idle timeout, or for any reason at all.",
		Fix:   "Nothing needs to be done for a page that was left. If a server closes so without a planned restart, its log says why.",
	},
	References: []string{"RFC 6455 section 7.4.1"},
	Needs:      rule.GoingAway,
	Check:      check1001,
}

// RFC 6455 section 7.4.1: "1001 indicates that an endpoint is "going away",
// such as a server going down or a browser having navigated away from a page."
func check1001(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1001, func(x *record.ControlFrame) rule.Found {
		f := rule.Found{Remedy: "Nothing needs to be done: the page was left or the client stopped."}
		if x.Dir == record.Server {
			f.Remedy = "If no deploy or restart was planned, look in the log of " + known.FramesOf(c, x.Dir) + " at this second."
		}
		return f
	})
}
