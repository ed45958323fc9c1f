package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS505 = &rule.Rule{
	Code: "WS505", Slug: "bad-request-line", Family: "upgrade", Since: "1.0.0",
	Title:    "The Upgrade request does not use GET or not HTTP/1.1",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The request line of the handshake has a method other than GET, or a version other than HTTP/1.1.",
		Why:   "Upgrade belongs to GET and HTTP/1.1: servers answer anything else with 400, with 405, or like a request for a page; some are lenient and open.",
		How:   "The request line is quoted as it stands.",
		Alike: "nginx before 1.29.7 speaks HTTP/1.0 to its upstream by default: then the client is innocent, and the request often lacks its Upgrade field, too (WS501). Health checks use HTTP/1.0 as well, but without Sec-WebSocket fields.",
		Fix:   "If a proxy wrote this request, let it use HTTP/1.1 (nginx: proxy_http_version 1.1). Otherwise let the client send GET and HTTP/1.1.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 4.2.1", "RFC 9110 section 7.8", "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version"},
	Explains:   []string{"WS523", "WS526", "WS527", "WS528", "WS530", "WS547"},
	Needs:      rule.OddRequest,
	Check:      checkRequestLine,
}

// RFC 6455 section 4.1: "The method of the request MUST be GET, and the HTTP
// version MUST be at least 1.1."
func checkRequestLine(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil || u.Request.Method == "GET" && u.Request.Version == "HTTP/1.1" {
		return
	}
	line := target(u) + " " + known.Clip(u.Request.Version)
	f := rule.Found{Evidence: []record.Evidence{r.At(u.RequestRef, "%s", line)}}
	if u.Request.Method != "GET" {
		f.Title = "The Upgrade request uses " + known.Clip(u.Request.Method) + ", expected GET"
		f.Remedy = "Let the client use GET."
		if u.Request.Method == "HEAD" {
			f.Remedy = "Let the client use GET (curl: without -I)."
		}
		r.Add(f)
		return
	}
	version := known.Clip(u.Request.Version)
	if version == "" {
		version = "no HTTP version"
	}
	f.Title = "The Upgrade request uses " + version + ", expected HTTP/1.1"
	f.Remedy = known.Remedy(known.Unknown, known.OldVersion)
	connection, _ := u.Request.Get("Connection")
	by := forwarder(u)
	switch {
	case by != "":
		f.Fault = record.FaultIntermediary
		f.Title += ": a proxy wrote it (" + by + ")"
	case r.Has("WS501"), strings.EqualFold(connection, "close"):
		f.Fault = record.FaultIntermediary
		f.Remedy = known.Remedy(known.Nginx, known.OldVersion)
	case u.Request.Version == "HTTP/1.0":
		f.Title += ", as nginx sends to its upstream without proxy_http_version 1.1"
	}
	r.Add(f)
}
