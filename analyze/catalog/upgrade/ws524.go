package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS524 = &rule.Rule{
	Code: "WS524", Slug: "unauthorized", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is 401",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The handshake was answered with 401 Unauthorized.",
		Why:   "The server wants credentials that the request does not carry, or does not accept those that it carries.",
		How:   "The answer's WWW-Authenticate field tells what is wanted; whether the request carries an Authorization field, a cookie or a token tells whether anything was sent. Values are never shown.",
		Alike: "A proxy that does not pass Authorization or Cookie on makes the backend answer 401 although the client sent them.",
		Fix: "Let the client send valid credentials. Browsers cannot set an Authorization field on a WebSocket: use a cookie, a token in the URL (short-lived), or the first message. " +
			"If the token had expired, get a new one before connecting again.",
	},
	References: []string{"RFC 9110 section 15.5.2", "RFC 9110 section 11.6.1", "RFC 6455 section 10.5"},
	Needs:      rule.ClientError,
	Check:      checkUnauthorized,
}

func checkUnauthorized(c *record.Connection, r *rule.Reporter) {
	if refusal(c) != 401 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	u := c.Facts.Upgrade
	f := rule.Found{
		Remedy:     "Let the client send valid credentials with the handshake (a browser can only send cookies or a token in the URL).",
		SeenByUser: known.UserSaw(c, known.SawUnauthorized),
	}
	var more []string
	if want, ok := u.Response.Get("WWW-Authenticate"); ok {
		scheme, _, _ := strings.Cut(want, " ")
		more = append(more, "it wants "+known.Clip(scheme)+" credentials")
		f.Evidence = append(f.Evidence, r.At(responseField(u, "WWW-Authenticate"), "WWW-Authenticate: %s", known.Clip(scheme)))
	}
	if u.Request != nil && !u.RequestCut {
		if sent := sentCredentials(u); sent != "" {
			more = append(more, "the request's "+sent+" is not accepted")
			f.Evidence = append(f.Evidence, r.At(requestField(u, sent), "%s was sent", sent))
		} else {
			more = append(more, "the request carries no credentials")
		}
	}
	clause := ""
	if len(more) > 0 {
		clause = ": " + strings.Join(more, ", ")
	}
	answer(c, r, f, clause)
}

// sentCredentials names what of the request may be credentials.
func sentCredentials(u *record.UpgradeFacts) string {
	for _, name := range []string{"Authorization", "Cookie"} {
		if u.Request.Has(name) {
			return name
		}
	}
	if rule.SecretParam(u.Request.Target) != "" {
		return "token in the URL"
	}
	return ""
}
