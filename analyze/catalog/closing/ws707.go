package closing

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS707 = &rule.Rule{
	Code: "WS707", Slug: "close-extension-required", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1010 (mandatory extension)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "The client closed with 1010: the server did not negotiate an extension that the client cannot do without.",
		Why:   "This client will fail at this server every time.",
		How:   "The code stands in the Close frame; what was offered and selected stands in Sec-WebSocket-Extensions of request and response.",
		Alike: "A proxy that takes Sec-WebSocket-Extensions out of the request or the 101 makes a willing server look so. A server must not send 1010; if one does, its peer has to ask why.",
		Fix:   "Enable the extension at the server (as a rule permessage-deflate), let proxies pass Sec-WebSocket-Extensions on, or let the client do without it.",
	},
	References: []string{"RFC 6455 section 7.4.1", "RFC 6455 section 9.1"},
	Explains:   []string{"WS715"},
	Needs:      rule.CloseCode,
	Check:      check1010,
}

// RFC 6455 section 7.4.1: "1010 indicates that an endpoint (client) is
// terminating the connection because it has expected the server to negotiate
// one or more extension".
func check1010(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1010, func(x *record.ControlFrame) rule.Found {
		f := rule.Found{Confidence: record.Likely,
			Remedy: "Enable the extension that the client offers at the server, and let proxies pass Sec-WebSocket-Extensions on."}
		if x.Dir == record.Client {
			f.Fault = record.FaultServer
		}
		if u := c.Facts.Upgrade; u != nil && u.Request != nil {
			offered := strings.Join(u.Request.Values("Sec-WebSocket-Extensions"), ", ")
			f.Title = fmt.Sprintf("the client offered %s, the server selected %s", orNone(offered), orNone(c.Facts.WS.Extensions))
			if offered == "" {
				f.Remedy = "Let the client offer the extension that the " + x.Dir.String() + " cannot do without; if it does, a proxy before this capture took Sec-WebSocket-Extensions off."
				if x.Dir == record.Client {
					f.Fault = record.FaultClient
				}
			}
		}
		return f
	})
}

func orNone(value string) string {
	if value == "" {
		return "no extension"
	}
	return known.Quote(value)
}
