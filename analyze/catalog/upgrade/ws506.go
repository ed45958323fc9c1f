package upgrade

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS506 = &rule.Rule{
	Code: "WS506", Slug: "host-header-missing", Family: "upgrade", Since: "1.0.0",
	Title:    "The Upgrade request has no Host field or several",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The request names no host, or names it more than once.",
		Why:   "A server must answer such a request with 400: it cannot know which site is meant, and two different hosts are a known way to smuggle requests.",
		How:   "The Host fields of the request are counted. A whole request head was in the capture.",
		Alike: "A proxy with a rewrite rule can add a second Host or remove the first. Over HTTP/2 the name travels in :authority and none of this applies.",
		Fix:   "Let the client, or the proxy that rewrites it, send exactly one Host field with the name (and port, unless it is the default) that the URL has.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9112 section 3.2"},
	Explains:   []string{"WS523", "WS526", "WS527", "WS530"},
	Needs:      rule.OddRequest,
	Check:      checkHost,
}

// RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status
// code to any HTTP/1.1 request message that lacks a Host header field and to
// any request message that contains more than one Host header field line".
func checkHost(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil {
		return
	}
	n := u.Request.Count("Host")
	if n == 1 {
		return
	}
	f := rule.Found{
		Title:    "The Upgrade request has no Host field",
		Remedy:   "Let the client send one Host field.",
		Evidence: []record.Evidence{r.At(u.RequestRef, "%s without Host", target(u))},
	}
	if n > 1 {
		f.Title = fmt.Sprintf("The Upgrade request has %d Host fields (%s), expected one", n, known.Clip(join(u.Request.Values("Host"))))
		f.Evidence = []record.Evidence{r.At(requestField(u, "Host"), "%d Host fields", n)}
	}
	r.Add(f)
}
