package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS529 = &rule.Rule{
	Code: "WS529", Slug: "rate-limited", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 429",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The handshake was answered with 429 Too Many Requests.",
		Why:   "Whoever answered limits how many requests or connections one client may have. Clients that connect again at once after a failure make it worse.",
		How:   "The status line is quoted, and Retry-After where the answer has it.",
		Alike: "Many users behind one address (NAT, a proxy) share one limit although each of them behaves. A real storm of reconnects is named by its own finding (WS801).",
		Fix:   "Let the client wait longer after each failure (exponential backoff with jitter) and honour Retry-After; raise the limit, or count by user instead of by address, if the load is legitimate.",
	},
	References: []string{"RFC 6585 section 4", "RFC 6455 section 7.2.3"},
	Needs:      rule.ClientError,
	Check:      checkRateLimited,
}

func checkRateLimited(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 429 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	product, _ := known.ProductOf(c)
	_, clause, f := because(c, r)
	f.Remedy = known.Remedy(product, known.Limited)
	clause += retryAfter(c, r, &f)
	answer(c, r, f, clause)
}

// retryAfter is a clause about the answer's Retry-After.
func retryAfter(c *record.Connection, r *rule.Reporter, f *rule.Found) string {
	u := c.Facts.Upgrade
	value, ok := u.Response.Get("Retry-After")
	if !ok {
		return ""
	}
	f.Evidence = append(f.Evidence, r.At(responseField(u, "Retry-After"), "Retry-After: %s", known.Clip(value)))
	return ", Retry-After: " + known.Clip(value)
}
