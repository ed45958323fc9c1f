package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS530 = &rule.Rule{
	Code: "WS530", Slug: "server-error", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 500, 501, 505 or another 5xx",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The handshake was answered with a 5xx status other than 502, 503 and 504.",
		Why:   "The server took the request and failed while handling it: an exception in the handler, a middleware that is in the way of the upgrade, or a broken configuration.",
		How:   "The status line is quoted, and the answer's text where it is a known one.",
		Alike: "A content network's own codes (Cloudflare's 520 to 527, 530) mean that its origin failed: then the origin's log is the one to read. 505 means that the HTTP version is not supported.",
		Fix:   "Read the server's log at the time of this request. In Go, 500 or 501 at a handshake is most often a middleware whose ResponseWriter does not implement http.Hijacker.",
	},
	References: []string{"RFC 9110 section 15.6", "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/"},
	Explains:   []string{"WS549"},
	Needs:      rule.ServerError,
	Check:      checkServerError,
}

const hijackRemedy = "Let the middleware's ResponseWriter implement http.Hijacker (or Unwrap, for http.ResponseController), or leave it out on this route."

// cloudflareErrors: developers.cloudflare.com, Cloudflare 5xx errors.
var cloudflareErrors = map[int]string{
	520: ": its origin answered something that it does not understand", 521: ": its origin refused the connection",
	522: ": its connection to the origin timed out", 523: ": its origin is unreachable", 524: ": its origin did not answer in time",
	525: ": the TLS handshake with its origin failed", 526: ": its origin's certificate is not valid", 530: ": it cannot resolve or reach its origin",
}

func checkServerError(c *record.Connection, r *rule.Reporter) {
	status := refusal(c)
	if status < 500 || status == 502 || status == 503 || status == 504 || status == 511 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	_, clause, f := because(c, r)
	if product, _ := known.ProductOf(c); product == known.Cloudflare && clause == "" {
		clause = cloudflareErrors[status]
	}
	if status == 500 && clause == "" && refusedByGorilla(c.Facts.Upgrade) {
		clause = ": gorilla/websocket could not take the connection over, as when a middleware hides http.Hijacker"
		f.Remedy = hijackRemedy
	}
	if status == 501 {
		f.Remedy = "In Go, coder/websocket answers 501 where a middleware hides http.Hijacker. " + hijackRemedy
	}
	if f.Remedy == "" {
		f.Remedy = "Read the server's log at the time of this request: an exception in the handler, or a middleware that hides the connection from the upgrade."
	}
	answer(c, r, f, clause)
}
