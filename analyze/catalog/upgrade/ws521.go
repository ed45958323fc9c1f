package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS521 = &rule.Rule{
	Code: "WS521", Slug: "upgrade-ignored", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is a 2xx other than 101: the request was handled as plain HTTP",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The handshake was answered with success, but not with 101 Switching Protocols: a page, a file, or nothing (204).",
		Why:  "The answer means that whoever answered took the request for a page request. For the client this is a failed handshake.",
		How:  "The status line is quoted. If the request had all the fields that a handshake needs, either nothing at this path speaks WebSocket, or a proxy in between took Upgrade off on the way to a server that does.",
		Alike: "A captive portal or login wall answers 200 with a page of its own; a known one is named by WS551. A single-page application's server answers every unknown path with its start page. " +
			"Over HTTP/2 a 200 is success and is not meant here.",
		Fix: "Check the path in the client and the route at the server. If a proxy is in front, let it pass Upgrade and Connection on to the server for this path, and let it send the path to the right server.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9110 section 7.8"},
	Needs:      rule.NoError,
	Check:      checkIgnored,
}

func checkIgnored(c *record.Connection, r *rule.Reporter) {
	if s := refusal(c); s < 200 || s > 299 {
		return
	}
	u := c.Facts.Upgrade
	product, proxy := known.ProductOf(c)
	var f rule.Found
	hidden := proxy && fine(c, u) && generated(u)
	if hidden {
		f.Fault = record.FaultIntermediary
	}
	if r.Enough(f) {
		return
	}
	f.Remedy = "Check the path in the client and whether this server handles WebSocket there. " + letPass
	more := ": the request was handled as plain HTTP, expected 101"
	if proxy {
		f.Remedy = "Check that this path is sent to the WebSocket server. " + known.Remedy(product, known.Stripped)
	}
	if hidden {
		more = ": a server behind it made a page, the Upgrade header probably did not get there"
	}
	answer(c, r, f, more)
}

// generated tells that a program, and not a file, made the answer that a
// proxy passed on: it names one, or it is chunked without anything that a file
// has (a length, a date, an entity tag) or a compressing proxy adds.
func generated(u *record.UpgradeFacts) bool {
	h := u.Response
	if h.Has("X-Powered-By") {
		return true
	}
	coding, _ := h.Get("Transfer-Encoding")
	return strings.EqualFold(coding, "chunked") && !h.Has("Last-Modified") && !h.Has("ETag") && !h.Has("Content-Encoding")
}
