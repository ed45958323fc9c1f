package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS551 = &rule.Rule{
	Code: "WS551", Slug: "blocked-by-filter", Family: "upgrade", Since: "1.0.0",
	Title:    "The answer is, or redirects to, a block page or captive portal of a known filtering product",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen:  "The handshake was answered by a filtering product or a captive portal: with its block page, or with a redirect to it.",
		Why:   "A device between client and server decided that this connection must not pass, or that the user has to log in to the network first. The server never saw the request.",
		How:   "The answer's Server, Via or Location field, or the wording of its page, is that of a known product; the signatures come from public lists.",
		Alike: "Products change their pages, and a site may use the same wording. A product that is the site's own firewall (F5, Imperva, Cloudflare) blocks on behalf of the site, not of the user's network.",
		Fix:   "Ask the operator of the filter to allow the host, or let the user log in at the portal. wss:// hides the request from filters that do not break TLS open, and often passes where ws:// does not.",
	},
	References: []string{"RFC 6585 section 6", "RFC 8952", "https://ooni.org/support/interpreting-ooni-data/"},
	Explains: []string{"WS521", "WS522", "WS523", "WS524", "WS525", "WS526", "WS527", "WS528", "WS529", "WS530", "WS531", "WS532",
		"WS533"},
	Needs: rule.Refusal,
	Check: checkBlocked,
}

func checkBlocked(c *record.Connection, r *rule.Reporter) {
	if refusal(c) == 0 {
		return
	}
	block, ok := known.Blocked(c)
	if !ok {
		return
	}
	u := c.Facts.Upgrade
	f := rule.Found{
		Title:      "The request was blocked by " + block.Name + ", which answered " + statusLine(u) + " (" + block.Seen + ")",
		Remedy:     "Ask whoever runs the filter to allow this host; wss:// passes filters that do not open TLS.",
		SeenByUser: known.UserSaw(c, known.SawStatus, statusCode(u)),
		Evidence:   []record.Evidence{r.At(u.ResponseRef, "%s: %s", statusLine(u), block.Seen)},
	}
	if block.Portal {
		f.Title = "The request was caught by " + block.Name + ", which answered " + statusLine(u) + " (" + block.Seen + ")"
		f.Remedy = "Log in at the network's portal (open any http:// page), then connect again."
	}
	if block.Weak {
		f.Confidence = record.Likely
	}
	r.Add(f)
}
