package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS527 = &rule.Rule{
	Code: "WS527", Slug: "client-error-status", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is a 4xx that has no finding of its own",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "The handshake was answered with a 4xx status other than 400, 401, 403, 404, 407, 410, 426 and 429.",
		Why:   "Whoever answered does not want this request. 405 means that this path does not take GET, 408 that the request came too slowly, 421 that it went to the wrong server, 431 that its fields are too large, 499 that the client left first.",
		How:   "The status line is quoted; the answer's fields tell who answered.",
		Alike: "A framework whose WebSocket route was not matched, because a proxy took Upgrade off, may answer 405 or another of these.",
		Fix:   "Read the answer's text and the log of who answered. For 405, check that the path is that of the WebSocket; for 431, send fewer cookies.",
	},
	References: []string{"RFC 9110 section 15.5", "RFC 6585 section 5"},
	Needs:      rule.ClientError,
	Check:      checkClientError,
}

var clientErrors = map[int][2]string{
	405: {": this path does not take the method", "Check that this is the WebSocket's path and that its route takes GET."},
	406: {"", "The server cannot produce what the Accept fields ask for: the request went to a page's route."},
	408: {": the request came too slowly or not at all", "Look for loss or delay on the way to who answered."},
	414: {": the URL is too long", "Shorten the URL: send tokens in the first message."},
	421: {": this server is not meant for the host", "Let the client connect to the host's own address, or add the host to the server."},
	431: {": the header fields are too large", ""},
	444: {"", "nginx's return 444 closes without an answer; look for it in the configuration."},
	451: {": blocked for legal reasons", "Whoever answered blocks this for legal reasons; ask its operator."},
}

func checkClientError(c *record.Connection, r *rule.Reporter) {
	status := refusal(c)
	if status < 400 || status > 499 {
		return
	}
	switch status {
	case 400, 401, 403, 404, 407, 410, 426, 429:
		return
	}
	why, clause, f := because(c, r)
	if why.lost && fine(c, c.Facts.Upgrade) {
		lost(c, r, &f)
	}
	if status == 408 && unfinished(c) {
		f.Fault, clause, f.Remedy = record.FaultClient, ": the request"+neverEnded, endTheHead
	}
	if r.Enough(f) {
		return
	}
	if hint, ok := clientErrors[status]; ok {
		if clause == "" {
			clause = hint[0]
		}
		if f.Remedy == "" {
			f.Remedy = hint[1]
		}
	}
	if status == 405 && c.Facts.H2 != nil {
		f.Remedy = "Check that this is the WebSocket's path and that its route takes extended CONNECT (RFC 8441); else let the client use HTTP/1.1 for it (offer only http/1.1 in ALPN)."
	}
	if status == 431 {
		product, _ := known.ProductOf(c)
		f.Remedy = known.Remedy(product, known.LargeHeader)
	}
	if f.Remedy == "" {
		f.Remedy = "Read the answer's text, and look for this request in the log of who answered."
	}
	answer(c, r, f, clause)
}
