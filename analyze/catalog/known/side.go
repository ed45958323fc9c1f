package known

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// Side names one end of the connection in the middle of a sentence: "the
// client at 10.0.0.1:50000", "nginx/1.22.1 at 10.0.0.5:80".
func Side(c *record.Connection, d record.Dir) string {
	if bare(c) {
		return ""
	}
	if d == record.Client {
		if f := c.Facts; f != nil && f.Upgrade != nil && f.Upgrade.Request != nil {
			if name, _ := Forwarder(f.Upgrade.Request); name != "" {
				return "the client at " + addr(c.Client) + " (a proxy, by " + name + ")"
			}
		}
		return "the client at " + addr(c.Client)
	}
	name, _, _ := Answerer(c)
	if name == "" {
		name = "the server"
	}
	if target, proxy := Endpoint(c), addr(c.Server); target != proxy {
		return name + " at " + target + " (through the proxy at " + proxy + ")"
	}
	return name + " at " + addr(c.Server)
}

// Forwarder is the field, with its value, by which a proxy says that it passed a
// request on; empty if there is none.
func Forwarder(request *http1.Head) (name, value string) {
	for _, name := range [...]string{"Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP",
		"X-Envoy-External-Address", "X-Amzn-Trace-Id", "CF-Connecting-IP", "X-BlueCoat-Via", "X-ARR-LOG-ID"} {
		if value, ok := request.Get(name); ok {
			return name, value
		}
	}
	return "", ""
}

// Forwarded tells that a proxy says of the request that it passed it on.
func Forwarded(c *record.Connection) bool {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Request == nil {
		return false
	}
	name, _ := Forwarder(c.Facts.Upgrade.Request)
	return name != ""
}

// SideFirst is Side for the beginning of a sentence.
func SideFirst(c *record.Connection, d record.Dir) string {
	return first(Side(c, d))
}

// FramesOf is Side for who wrote a side's frames: proxies that pass bytes on write none.
func FramesOf(c *record.Connection, d record.Dir) string {
	if bare(c) {
		return ""
	}
	name, product, proxy := Answerer(c)
	if d == record.Server && proxy && passesFrames[product] && !strings.Contains(strings.ToLower(name), "openresty") { // which has a WebSocket server of its own
		return "the server behind " + Side(c, d)
	}
	return Side(c, d)
}

// FramesOfFirst is FramesOf at the beginning of a sentence.
func FramesOfFirst(c *record.Connection, d record.Dir) string { return first(FramesOf(c, d)) }

// passesFrames are proxies that pass what follows a 101 on as it is.
var passesFrames = map[Product]bool{Nginx: true, HAProxy: true, Apache: true, Varnish: true, Squid: true, Nghttpx: true, Caddy: true, Traefik: true, Envoy: true, ATS: true}

// first makes a name the beginning of a sentence.
func first(s string) string {
	for _, small := range []string{"the ", "a proxy"} {
		if strings.HasPrefix(s, small) {
			return strings.ToUpper(s[:1]) + s[1:]
		}
	}
	return s
}

// Seconds writes a duration for a title: "35 µs", "350 ms", "4.02 s", "60.0 s", "2 h 5 min".
func Seconds(d time.Duration) string {
	if d > 0 && d < time.Millisecond {
		return fmt.Sprintf("%d µs", max(1, d.Microseconds()))
	}
	switch d = d.Round(time.Millisecond); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 9995*time.Millisecond: // more is written as 10.0 s
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60), " 0 s")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60), " 0 min")
}

// Plural is "s" unless n is 1.
func Plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
