package closing

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS712 = &rule.Rule{
	Code: "WS712", Slug: "close-application-code", Family: "closing", Since: "1.0.0",
	Title:    "Closed with a code from 3000 to 4999",
	Severity: record.Info, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "The connection was closed with a code of a library (3000 to 3999) or of the application (4000 to 4999).",
		Why:   "Only the application knows what it means: as a rule a session that expired, a login elsewhere, a kick or a planned end. The close itself was orderly.",
		How:   "The code and the reason stand in the Close frame.",
		Alike: "Codes from 3000 are registered with IANA (3000 unauthorized, 3003 forbidden, 3008 timeout); those from 4000 differ from product to product: SockJS, Discord, GraphQL over WebSocket (4400 to 4429) and others have their own lists.",
		Fix:   "Look the code up in the application's or library's documentation. If it was not wanted, the log of the side that closed says why.",
	},
	References: []string{"RFC 6455 section 7.4.2", "https://www.iana.org/assignments/websocket"},
	Needs:      rule.CloseCode,
	Check:      checkApplication,
}

// knownCodes of a widespread protocol, beside the registered names. Source:
// GraphQL over WebSocket protocol (enisdenjo/graphql-ws PROTOCOL.md).
var knownCodes = map[int]string{
	4400: "GraphQL over WebSocket uses it for a bad request",
	4401: "GraphQL over WebSocket uses it for unauthorized",
	4403: "GraphQL over WebSocket uses it for forbidden",
	4408: "GraphQL over WebSocket uses it when connection_init came too late",
	4409: "GraphQL over WebSocket uses it for a subscriber that exists already",
	4429: "GraphQL over WebSocket uses it for too many connection_init messages",
}

func checkApplication(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.WS == nil || c.Facts.WS.FirstClose == nil {
		return
	}
	x := c.Facts.WS.FirstClose
	if x.Code < 3000 || x.Code > 4999 {
		return
	}
	finish(c, r, x, rule.Found{Title: knownCodes[x.Code], Remedy: "Look the code up in the documentation of the application or library that sent it."})
}
