package upgrade

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS523 = &rule.Rule{
	Code: "WS523", Slug: "bad-request", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 400",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The handshake was answered with 400 Bad Request.",
		Why:  "Whoever answered found the request wrong, as it arrived there. Behind a proxy that may be another request than the one that the client sent.",
		How: "The request in this capture is checked field by field; if it lacks something, another finding says so and explains this one. " +
			"If it is complete and the answer's text complains about a missing Upgrade or Connection, a proxy in between took them off.",
		Alike: "400 also stands for cookies that are too large, for a Host that the server does not know, for plain HTTP on a TLS port, for a missing client certificate and for a PROXY header that was not expected.",
		Fix:   "Read the text of the answer; the libraries say what they miss. If it is Upgrade or Connection, configure the proxy in front. If the header is too large, send fewer cookies or raise the limit.",
	},
	References: []string{"RFC 6455 section 4.2.1", "RFC 6455 section 4.4", "RFC 9110 section 15.5.1"},
	Needs:      rule.ClientError,
	Check:      checkBadRequest,
}

func checkBadRequest(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 400 {
		return
	}
	u := c.Facts.Upgrade
	why, clause, f := because(c, r)
	gorilla := clause == "" && refusedByGorilla(u) && fine(c, u)
	unseen := why.lost && fine(c, u)
	if gorilla || unseen {
		lost(c, r, &f)
	}
	if r.Enough(f) {
		return
	}
	switch {
	case gorilla:
		clause = ": gorilla/websocket misses part of the handshake, though the client sent all of it: a proxy in between took it off"
		f.Evidence = append(f.Evidence, r.At(responseField(u, "Sec-WebSocket-Version"), "Sec-Websocket-Version: 13, which gorilla/websocket adds to its refusals"))
	case unseen:
		clause += ", though the client sent it: a proxy in between took it off"
	case why.remedy == "large":
		clause = fmt.Sprintf("%s (%d bytes)", clause, headBytes(u))
	case clause == "" && fine(c, u) && !r.Has("WS412") && !r.Has("WS307"):
		clause = ", though the request is what RFC 6455 asks for"
		if c.Facts.H2 != nil {
			clause = ", though the request is what RFC 8441 asks for"
		}
	}
	if f.Remedy == "" && c.Facts.H2 != nil {
		f.Remedy = "Look for this request in the log of who answered; it may not take WebSockets over HTTP/2: then let the client use HTTP/1.1 for them (offer only http/1.1 in ALPN)."
	}
	if f.Remedy == "" {
		f.Remedy = "Look for this request in the log of who answered; as it arrived there it may lack what the client sent. " + letPass
	}
	answer(c, r, f, clause)
}

// lost makes a finding that of a proxy between who answered and the client.
func lost(c *record.Connection, r *rule.Reporter, f *rule.Found) {
	f.Fault = record.FaultIntermediary
	if r.Has("WS306") {
		f.Fault = record.FaultClient // it should have asked the proxy for a tunnel
	}
	if c.Facts.Bare {
		return
	}
	product, proxy := known.ProductOf(c)
	if !proxy {
		product = known.Unknown
	}
	f.Remedy = known.Remedy(product, known.Stripped)
}

func headBytes(u *record.UpgradeFacts) int64 {
	if u.Request == nil {
		return 0
	}
	return u.Request.End - u.Request.Start
}
