package tunnel

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS301 = &rule.Rule{
	Code: "WS301", Slug: "tunnel-refused", Family: "tunnel", Since: "1.0.0",
	Title:    "A forward proxy refused CONNECT",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The client asked its forward proxy with CONNECT for a tunnel to the server, and the proxy said no, or said nothing.",
		Why:  "Without the tunnel there is no way to the server for this client: neither TLS nor the WebSocket handshake even began. The server knows nothing of it.",
		How: "The status line of the answer to CONNECT is quoted. Refusals for want of credentials (407, 401) and answers that say that the target could not be reached (502, 503, 504) are findings of their own. " +
			"The usual reason is a rule at the proxy: most allow CONNECT to port 443 only, which stops ws:// (port 80) and servers on other ports; or the name is on a list.",
		Alike: "A server that is no forward proxy answers CONNECT with 400, 404, 405 or 501: then the client's proxy setting is wrong. What the refused tunnel was for cannot be seen: it may have been a WebSocket or an ordinary https:// page.",
		Fix: "Allow CONNECT to this host and port at the proxy, or use wss:// on port 443, which most proxies let through. If the proxy's rules are meant, ask its administrator; " +
			"if this host must not go through the proxy, put it on the client's list of exceptions (NO_PROXY, PAC file).",
	},
	References: []string{"RFC 9110 section 9.3.6", "RFC 6455 section 4.1", "http://www.squid-cache.org/Doc/config/http_access/"},
	Explains:   []string{"WS204", "WS535", "WS551"},
	Needs:      rule.Tunnel,
	Check:      checkRefused,
}

func checkRefused(c *record.Connection, r *rule.Reporter) {
	t := failed(c)
	if t == nil || t.AuthRefused || t.Kind != "http-connect" {
		return
	}
	if t.Response == nil {
		unansweredConnect(c, r)
		return
	}
	if _, ok := upstream(t); ok || t.Response.Status/100 == 2 {
		return
	}
	who, product := proxy(c)
	f := rule.Found{
		Title:      fmt.Sprintf("%s refused CONNECT %s with %s", who, target(t), answer(t)),
		Remedy:     allow(t, product),
		SeenByUser: sawRefusal(c),
		Evidence:   exchange(r, t, "the proxy answers "+answer(t)),
	}
	if block, ok := known.Blocked(atProxy(c)); ok && product != known.Squid {
		f.Title += ": a page of " + block.Name
		f.Remedy = "Let the administrator of " + block.Name + " allow this host for WebSockets (" + block.Seen + "). " + f.Remedy
	}
	if squid := squidError(t); squid != "" {
		f.Title += " (" + squid + ")"
	}
	switch t.Response.Status {
	case 301, 302, 303, 307, 308:
		if location, ok := t.Response.Get("Location"); ok {
			place, _, _ := strings.Cut(location, "?")
			f.Title += ": redirected to " + known.Quote(place)
			f.Remedy = "Open that page from the client's network: a portal or the proxy itself wants a login or consent before it lets the client out."
		}
	case 429:
		f.Remedy = "Let the client wait longer between attempts, or raise the limit at the proxy."
	case 500:
		f.Remedy = "Look at the proxy's log for this request: it says why the proxy could not serve it."
	case 400, 404, 405, 501:
		f.Title += ", as a server does that is no forward proxy"
		f.Confidence = record.Likely
		f.Remedy = "Check the client's proxy setting: whoever answers at " + c.Server.String() + " does not do CONNECT. " + f.Remedy
	}
	r.Add(f)
}

// unansweredConnect: the proxy took the request and never said anything.
func unansweredConnect(c *record.Connection, r *rule.Reporter) {
	t := c.Facts.Tunnel
	if t.Assumed || t.Request == nil {
		return
	}
	who, _ := proxy(c)
	end := c.Facts.TCP.End
	f := rule.Found{
		Fault: record.FaultUnknown, Confidence: record.Likely,
		Title:      fmt.Sprintf("%s never answered CONNECT %s, the client gave up after %s", who, target(t), wait(t.Waited)),
		Remedy:     "Look at the proxy's log: it was probably still trying to reach " + target(t) + ", to resolve its name or to authenticate the user.",
		NextStep:   "Capture at the proxy, on the side of the server: does its SYN to the target get an answer?",
		SeenByUser: sawRefusal(c),
		Evidence:   []record.Evidence{r.At(t.RequestRef, "CONNECT %s", target(t)), r.At(end, "the client ends the connection without an answer")},
	}
	switch {
	case len(t.Strange) > 0:
		f.Fault = record.FaultClient
		f.Title = fmt.Sprintf("%s answered CONNECT %s with something that is not HTTP: %s", who, target(t), firstLine(t.Strange))
		f.Remedy = "Check the client's proxy setting: what answers at " + c.Server.String() + " is no HTTP proxy."
		if t.Strange[0] == 5 { // SOCKS5: "no acceptable methods", for it took CONNECT for a greeting
			f.Title = fmt.Sprintf("%s answered CONNECT %s as a SOCKS proxy does that was not asked in SOCKS", who, target(t))
			f.Remedy = "Check the client's proxy setting: a SOCKS proxy wants socks5://" + c.Server.String() + " there, not http://."
		}
		f.NextStep = ""
		f.Evidence[1] = r.At(t.StrangeRef, "the answer begins with %s", firstLine(t.Strange))
	case c.Facts.TCP.EndBy == record.Server && t.Waited < tooSoon:
		f.Fault = record.FaultIntermediary
		f.Title = fmt.Sprintf("%s closed the connection without an answer to CONNECT %s, after %s", who, target(t), wait(t.Waited))
		f.Remedy = "Check the client's proxy setting: a SOCKS proxy, or a server that is no proxy at all, closes like this. If it is an HTTP proxy, its log says why it closed."
		f.Evidence[1].Note = "the proxy's side ends the connection (" + strings.ToUpper(c.Facts.TCP.EndHow) + ") without an answer"
	case c.Facts.TCP.EndBy == record.Server:
		f.Fault = record.FaultIntermediary
		f.Title = fmt.Sprintf("%s closed the connection without an answer to CONNECT %s, after %s", who, target(t), wait(t.Waited))
		f.Evidence[1].Note = "the proxy's side ends the connection (" + strings.ToUpper(c.Facts.TCP.EndHow) + ") without an answer"
	}
	r.Add(f)
}

// tooSoon is how soon a proxy closes that did not try to reach the target first.
const tooSoon = time.Second

// firstLine quotes the first line of an answer.
func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\r\n")
	return known.Quote(line)
}

func wait(d time.Duration) string { return known.Seconds(d) }

// setting is what to set at one product, and the document that says so: an
// address, or "repository:path".
type setting struct{ text, source string }

// allowing is the very setting that refuses CONNECT at one product.
var allowing = map[known.Product]setting{
	known.Squid: {"In squid.conf: the stock rule http_access deny CONNECT !SSL_ports lets only port 443 through. Add the port (acl SSL_ports port %d) and reload (squid -k reconfigure); " +
		"for a host, look for the http_access deny line that matches it. access.log says TCP_DENIED.", "squid-cache/squid:src/cf.data.pre"},
	known.Tinyproxy: {"In tinyproxy.conf: add ConnectPort %d; if Filter or FilterDefaultDeny is on, allow the host there.", "tinyproxy/tinyproxy:docs/man5/tinyproxy.conf.txt.in"},
	known.Apache:    {"With mod_proxy_connect: AllowCONNECT 443 563 %d, and a <Proxy> section that grants this host.", "https://httpd.apache.org/docs/2.4/mod/mod_proxy_connect.html"},
	known.ATS: {"In records: proxy.config.http.connect_ports must list %d (443 only by default).",
		"https://docs.trafficserver.apache.org/en/latest/admin-guide/files/records.yaml.en.html#proxy-config-http-connect-ports"},
	known.Envoy: {"Envoy answers 403 to CONNECT until it is configured: a route with connect_matcher {} and upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}].",
		"https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades#connect-support"},
	known.Nginx: {"nginx does CONNECT from 1.31.0 on: tunnel_pass, with this port and host in the lists that it is allowed by. Before, use a forward proxy such as Squid, or let the client go without a proxy.",
		"https://nginx.org/en/docs/http/ngx_http_tunnel_module.html"},
}

// denying is where to look at products that let CONNECT to port 443 through
// unless a rule says otherwise.
var denying = map[known.Product]string{
	known.Squid: "Squid's stock rules let port 443 through: look in squid.conf for the http_access deny line that matches this host or client, allow it above that line, " +
		"and reload (squid -k reconfigure). access.log says TCP_DENIED.",
	known.Apache: "mod_proxy_connect lets port 443 through by default: look for the <Proxy> section that denies this host or client, and for an AllowCONNECT without 443.",
	known.ATS:    "Traffic Server lets port 443 through by default: look in ip_allow.yaml for the rule that denies this client CONNECT.",
}

func allow(t *record.TunnelFacts, product known.Product) string {
	number := port(t)
	text := "Allow CONNECT to this host and to port %d at the proxy."
	if denied, ok := denying[product]; ok && number == 443 {
		return denied
	}
	if at, ok := allowing[product]; ok {
		text = known.Documented(at.text, at.source)
	}
	as := "NUMBER"
	if number != 0 {
		as = strconv.Itoa(number)
	}
	text = strings.ReplaceAll(text, "%d", as)
	if number != 443 {
		text += " Or use wss:// on port 443, which most proxies allow."
	}
	return text
}
