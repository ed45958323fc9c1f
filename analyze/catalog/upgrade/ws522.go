package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS522 = &rule.Rule{
	Code: "WS522", Slug: "redirected", Family: "upgrade", Since: "1.0.0",
	Title:    "The response is a redirect, which WebSocket clients do not follow",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The handshake was answered with a redirect (301, 302, 303, 307 or 308) to another place.",
		Why:  "Browsers never follow a redirect of a WebSocket handshake, and most libraries do not either. The connection fails although the page loads, because the page's redirect is followed.",
		How:  "The status and the Location field are in the answer.",
		Alike: "A captive portal redirects everything to its own login page; a known one is named by WS551. " +
			"A redirect to a login page means that the session is missing or expired.",
		Fix: "Let the client use the final URL. From http to https: use wss://. A slash at the end: add it to the client's URL. To a login page: log in first, or let the server answer 401 to WebSocket requests.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 9110 section 15.4", "https://websockets.spec.whatwg.org/#websocket-opening-handshake"},
	Needs:      rule.NoError,
	Check:      checkRedirect,
}

func checkRedirect(c *record.Connection, r *rule.Reporter) {
	if s := refusal(c); s < 300 || s > 399 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	u := c.Facts.Upgrade
	location, ok := u.Response.Get("Location")
	place, _, _ := strings.Cut(location, "?")
	f := rule.Found{Remedy: redirectRemedy(c, u, place)}
	more := ", which WebSocket clients do not follow"
	if ok {
		more = ": redirected to " + known.Quote(place) + more
		f.Evidence = []record.Evidence{r.At(responseField(u, "Location"), "Location: %s", known.Clip(place))}
	}
	answer(c, r, f, more)
}

func redirectRemedy(c *record.Connection, u *record.UpgradeFacts, place string) string {
	lower := strings.ToLower(place)
	path := ""
	if u.Request != nil {
		path, _, _ = strings.Cut(u.Request.Target, "?")
	}
	switch {
	case strings.HasPrefix(lower, "https://") && c.Scheme == "ws":
		return "Let the client use wss:// instead of ws://; the server redirects http to https."
	case path != "" && strings.HasSuffix(place, path+"/"):
		return "Let the client use the path with the slash at its end."
	case strings.Contains(lower, "login") || strings.Contains(lower, "signin") || strings.Contains(lower, "auth"):
		return "Log in before opening the WebSocket, and let the server answer 401 instead of redirecting WebSocket requests."
	}
	return "Let the client use the URL that the redirect points to, or take the redirect off for this path."
}
