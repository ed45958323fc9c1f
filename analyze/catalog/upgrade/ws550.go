package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS550 = &rule.Rule{
	Code: "WS550", Slug: "101-with-body", Family: "upgrade", Since: "1.0.0",
	Title:    "The 101 carries Content-Length or Transfer-Encoding",
	Severity: record.Warning, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The 101 has a Content-Length or Transfer-Encoding field, as if it had a body.",
		Why:   "A 101 has no body; what follows are frames. A proxy or client that believes the field takes the first frames for a body, waits for more, or refuses the answer.",
		How:   "The fields stand in the answer as quoted.",
		Alike: "Frameworks that add 'Content-Length: 0' to every answer do this without further harm. If bytes of a body do follow, WS612 says so.",
		Fix:   "Let the server, or the middleware that adds the field, leave it out for 101.",
	},
	References: []string{"RFC 9110 section 8.6", "RFC 9112 section 6.1", "RFC 9110 section 15.2"},
	Explains:   []string{"WS612"},
	Needs:      rule.OddAnswer,
	Check:      checkSwitchBody,
}

// RFC 9110 section 8.6: "A server MUST NOT send a Content-Length header field
// in any response with a status code of 1xx (Informational)". RFC 9112 section
// 6.1 says the same of Transfer-Encoding.
func checkSwitchBody(c *record.Connection, r *rule.Reporter) {
	u := switchedOf(c)
	if u == nil {
		return
	}
	var found []string
	f := rule.Found{Remedy: "Let the server or its middleware leave Content-Length and Transfer-Encoding out of a 101."}
	for _, name := range []string{"Content-Length", "Transfer-Encoding"} {
		if value, ok := u.Response.Get(name); ok {
			found = append(found, known.Quote(name+": "+value))
			f.Evidence = append(f.Evidence, r.At(responseField(u, name), "%s: %s", name, known.Clip(value)))
		}
	}
	if len(found) == 0 {
		return
	}
	f.Title = known.Who(c) + " answered 101 with " + strings.Join(found, " and ") + ", expected neither Content-Length nor Transfer-Encoding"
	r.Add(f)
}
