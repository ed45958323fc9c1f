package upgrade

import (
	"net/netip"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS508 = &rule.Rule{
	Code: "WS508", Slug: "cross-origin", Family: "upgrade", Since: "1.0.0",
	Title:    "The Origin's host differs from the Host asked for",
	Severity: record.Info, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The page that opened the WebSocket (Origin) was loaded from another host than the one that the WebSocket goes to (Host).",
		Why:   "Nothing is wrong with that in itself: WebSocket has no same-origin rule in the browser, and many services run on a host of their own. But the server is meant to check Origin, and a server that does not expect this one answers 403.",
		How:   "The host names of the two fields are compared; ports are not, and 'null' is no host.",
		Alike: "A proxy that changes Host on the way to the backend makes every request look cross-origin there. An attack from a foreign page (cross-site WebSocket hijacking) looks the same as a legitimate use.",
		Fix:   "If the connection was refused with 403, add this origin to the server's list. If it was accepted, make sure that the server checks Origin, in particular when it goes by cookies.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 10.2", "RFC 6454 section 7"},
	Needs:      rule.Origin,
	Check:      checkOrigin,
}

func checkOrigin(c *record.Connection, r *rule.Reporter) {
	originHost, host, u := crossOrigin(c)
	if u == nil {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	value, _ := u.Request.Get("Origin")
	from := "The page is on " + known.Clip(originHost)
	if !strings.HasPrefix(value, "http") { // a browser's extension, an app
		from = "The Origin is " + known.Quote(value)
	}
	r.Add(rule.Found{
		Title:  from + ", the WebSocket goes to " + known.Clip(host),
		Remedy: "If the server refuses it, add this origin to the ones that it allows; if it does not check Origin at all, let it do so.",
		Evidence: []record.Evidence{r.At(requestField(u, "Origin"), "Origin: %s", known.Clip(value)),
			r.At(requestField(u, "Host"), "Host: %s", known.Clip(host))},
	})
}

// crossOrigin returns the two host names where they differ, else no handshake.
func crossOrigin(c *record.Connection) (originHost, host string, u *record.UpgradeFacts) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Request == nil {
		return "", "", nil
	}
	u = c.Facts.Upgrade
	value, ok := u.Request.Get("Origin")
	if !ok {
		return "", "", nil
	}
	field, ok := u.Request.Get("Host")
	if !ok {
		if field, ok = u.Request.Get(":authority"); !ok {
			field = c.Host
		}
	}
	authority, found := strings.CutPrefix(value, "http://")
	if !found {
		_, authority, found = strings.Cut(value, "://")
	}
	if !found || authority == "" || field == "" {
		return "", "", nil // "null", or no origin at all
	}
	if path := strings.IndexByte(authority, '/'); path >= 0 {
		authority = authority[:path]
	}
	originHost, host = hostOf(authority), hostOf(field)
	if strings.EqualFold(originHost, host) {
		return "", "", nil
	}
	if before, ok := u.Request.Get("X-Forwarded-Host"); ok && strings.EqualFold(hostOf(before), originHost) {
		// A proxy put the backend's address into Host and says what it was.
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			return "", "", nil
		}
	}
	return originHost, host, u
}

// hostOf is the host of host:port, with the brackets of an IPv6 address.
func hostOf(authority string) string {
	end := strings.IndexByte(authority, ':')
	if end < 0 && strings.IndexByte(authority, ']') < 0 {
		return authority
	}
	if bracket := strings.LastIndexByte(authority, ']'); bracket >= 0 {
		return authority[:bracket+1]
	}
	return authority[:end]
}
