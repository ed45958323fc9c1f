package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS503 = &rule.Rule{
	Code: "WS503", Slug: "unsupported-version", Family: "upgrade", Since: "1.0.0",
	Title:    "Sec-WebSocket-Version is missing or not 13",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "The request's Sec-WebSocket-Version is missing, or names a version other than 13, the only one that RFC 6455 defines.",
		Why: "A server that does not speak the version refuses with 400 or 426 and names the versions that it speaks. " +
			"A few servers are lenient and open all the same, but with a client of another version nothing that follows is certain.",
		How:   "The field stands in the request as quoted. A server that refuses because of it says so by a Sec-WebSocket-Version field in its answer.",
		Alike: "A proxy that removes fields it does not know may have taken the field off: then Sec-WebSocket-Key is usually gone as well. Versions 4 to 8 belong to old drafts, see WS507.",
		Fix:   "Update the client, or let it send 'Sec-WebSocket-Version: 13'.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 4.4"},
	Explains:   []string{"WS523", "WS527", "WS528", "WS530"},
	Needs:      rule.OddRequest,
	Check:      checkVersion,
}

// RFC 6455 section 4.2.1: "A |Sec-WebSocket-Version| header field, with a
// value of 13."
func checkVersion(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil {
		u = extendedConnect(c)
	}
	if u == nil || c.Facts.H2 == nil && !hasUpgrade(u) {
		return
	}
	value, ok := u.Request.Get("Sec-WebSocket-Version")
	if ok && value == "13" && u.Request.Count("Sec-WebSocket-Version") == 1 {
		return
	}
	// "The |Sec-WebSocket-Version| [...] header fields are used in the CONNECT
	// request" (RFC 8441, section 5), but servers rarely miss it there.
	if c.Facts.H2 != nil && !ok && !refusesVersion(u) {
		return
	}
	if c.Facts.H2 == nil && hixie(u) != "" {
		return // WS507 says it
	}
	found := "no Sec-WebSocket-Version"
	if ok {
		found = known.Quote("Sec-WebSocket-Version: " + strings.Join(u.Request.Values("Sec-WebSocket-Version"), ", "))
	}
	f := rule.Found{
		Title:    "The request has " + found + ", expected 13",
		Remedy:   "Let the client send 'Sec-WebSocket-Version: 13', or update it.",
		Evidence: []record.Evidence{r.At(requestField(u, "Sec-WebSocket-Version"), "%s", found)},
	}
	if u.Response != nil && u.Response.Has("Sec-WebSocket-Version") && u.Response.Status != 101 {
		speaks := known.Clip(strings.Join(u.Response.Values("Sec-WebSocket-Version"), ", "))
		f.Title += "; the server speaks " + speaks
		f.Evidence = append(f.Evidence, r.At(responseField(u, "Sec-WebSocket-Version"), "the server answers Sec-WebSocket-Version: %s", speaks))
	}
	r.Add(f)
}

// refusesVersion: the answer is one by which servers refuse a version.
func refusesVersion(u *record.UpgradeFacts) bool {
	return u.Response != nil && (u.Response.Status == 400 || u.Response.Status == 426)
}
