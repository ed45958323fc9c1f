package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS547 = &rule.Rule{
	Code: "WS547", Slug: "http10-response", Family: "upgrade", Since: "1.0.0",
	Title:    "The 101 is an HTTP/1.0 response",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen:  "The answer switches protocols, but its status line says HTTP/1.0.",
		Why:   "HTTP/1.0 has no Upgrade. Safari and Python websockets fail such a connection; others, such as Node.js ws, open it.",
		How:   "The status line is quoted. A server that speaks WebSocket answers with HTTP/1.1; a proxy that speaks HTTP/1.0 towards its clients writes the line anew.",
		Alike: "A server that writes its own handshake by hand may have the version wrong.",
		Fix:   "Let the proxy, or the server that writes its own answer, use HTTP/1.1 in the status line. nginx: proxy_http_version 1.1 towards the server; for others update the proxy.",
	},
	References: []string{"RFC 6455 section 4.2.2", "RFC 9110 section 7.8"},
	Explains:   endCodes,
	Needs:      rule.OddAnswer,
	Check:      checkHTTP10,
}

// RFC 6455 section 4.2.2, item 5: "A Status-Line with a 101 response code as
// per RFC 2616. Such a response could look like "HTTP/1.1 101 Switching
// Protocols"."
func checkHTTP10(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.H2 != nil {
		return
	}
	u := c.Facts.Upgrade
	if u.Response == nil || u.Response.Status != 101 || u.Response.Version == "HTTP/1.1" || u.Response.Version == "" {
		return
	}
	r.Add(rule.Found{
		Title:      known.Who(c) + " answered " + known.Clip(u.Response.Version) + " 101, expected HTTP/1.1",
		Remedy:     "Let whoever writes this status line, the server or a proxy before it, use HTTP/1.1.",
		SeenByUser: known.UserSaw(c, known.SawVersion10),
		Evidence:   []record.Evidence{r.At(u.ResponseRef, "%s 101", known.Clip(u.Response.Version))},
	})
}
