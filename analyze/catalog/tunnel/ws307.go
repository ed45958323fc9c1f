package tunnel

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS307 = &rule.Rule{
	Code: "WS307", Slug: "proxy-header-rejected", Family: "tunnel", Since: "1.0.0",
	Title:    "A PROXY protocol header was sent to a server that answered it as a bad request",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The connection begins with a PROXY protocol header, with which a load balancer tells the client's address. The server took it for a broken request: it answered 400, or hung up.",
		Why:   "A server that does not expect the header cannot do anything else. Every connection over this load balancer fails in the same way, while a direct one works.",
		How:   "The header stands at the very beginning of the stream, and the answer came to a request that is otherwise in order. An answer before the request had even come proves it.",
		Alike: "A server that knows the header may answer 400 for another reason, for example a Host that it does not serve. If other connections with the header succeed at the same server, look for that.",
		Fix: "Let both ends agree: switch the header on at the server (nginx: listen 80 proxy_protocol; Apache: RemoteIPProxyProtocol On), or off at the load balancer (HAProxy: send-proxy or send-proxy-v2 on the server line; " +
			"AWS target group: proxy_protocol_v2.enabled). It must be on or off for a port as a whole: health checks need it, too.",
	},
	References: []string{"https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt section 2", "RFC 9110 section 15.5.1"},
	Explains:   []string{"WS204", "WS401", "WS403", "WS411", "WS523", "WS527", "WS530", "WS534", "WS535", "WS536"},
	Needs:      rule.Proxied,
	Check:      checkProxyHeader,
}

// atOnce is how soon a server hangs up that cannot read what it got.
const atOnce = time.Second

func checkProxyHeader(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Proxy == nil || c.Facts.WS != nil || c.Facts.Tunnel != nil {
		return
	}
	p := c.Facts.Proxy
	what, at, confidence := reaction(c)
	if what == "" || confidence == record.Possible && r.Has("WS206") { // a device cut it off
		return
	}
	who := known.Who(c)
	from := ""
	if p.Client != "" {
		from = " (for " + known.Clip(p.Client) + ")"
	}
	product, _ := known.ProductOf(c)
	reason := "it does not expect the header"
	if confidence == record.Possible {
		reason = "it probably does not expect the header"
	}
	f := rule.Found{
		Confidence: confidence,
		Title:      fmt.Sprintf("%s %s a connection that begins with a PROXY protocol v%d header%s: %s", who, what, p.Version, from, reason),
		Remedy:     expect(product) + " Or switch the header off at the load balancer (HAProxy: take send-proxy or send-proxy-v2 off the server line; AWS: proxy_protocol_v2.enabled=false; nginx stream: proxy_protocol off).",
		Evidence:   []record.Evidence{r.At(p.Ref, "PROXY protocol version %d header before the first byte", p.Version), r.At(at, "the server %s it", what)},
	}
	if u := c.Facts.Upgrade; u != nil && u.Response != nil {
		f.SeenByUser = known.UserSaw(c, known.SawStatus, fmt.Sprint(u.Response.Status))
	}
	r.Add(f)
}

// reaction is how the server showed that it cannot read the header.
func reaction(c *record.Connection) (what string, at record.Ref, confidence record.Confidence) {
	if what, at := tlsReaction(c.Facts.TLS); what != "" {
		return what, at, record.Likely
	}
	if hungUp(c) {
		return "hung up at once on", c.Facts.TCP.End, record.Possible
	}
	u := c.Facts.Upgrade
	if u == nil || u.Request == nil {
		return "", at, ""
	}
	tcp := &c.Facts.TCP
	switch {
	case u.Response != nil && !u.ResponseCut:
		switch u.Response.Status {
		case 400, 405, 501:
		default:
			return "", at, ""
		}
		what = fmt.Sprintf("answered %d to", u.Response.Status)
		switch {
		case c.Facts.Proxy.EarlyAnswer || u.ResponseRef.Time < u.RequestRef.Time:
			return what, u.ResponseRef, record.Certain
		case readsRequests(u):
			return "", at, ""
		}
		return what, u.ResponseRef, record.Likely
	case u.NotHTTP != nil && u.NotHTTP[0] == '<':
		// A request line that is none is taken for HTTP/0.9, which has no heads.
		return "answered with a page without a head to", u.NotHTTPRef, record.Likely
	case u.Response == nil && u.NotHTTP == nil && tcp.EndBy == record.Server && tcp.End.Seen() && u.Waited < atOnce && tcp.Sides[record.Server].Bytes == 0:
		return "hung up at once on", tcp.End, record.Possible
	}
	return "", at, ""
}

// unreadable is what Python websockets says of a request line that is none.
// Source: python-websockets/websockets:src/websockets/legacy/server.py.
const unreadable = "did not receive a valid HTTP request"

// readsRequests: the answer shows that the server read the request behind the
// header, or the request is itself in disorder.
func readsRequests(u *record.UpgradeFacts) bool {
	if bytes.Contains(u.Body, []byte(unreadable)) {
		return false
	}
	switch known.Speaker(u.Body) {
	case known.Gorilla, known.Coder, known.NodeWS, known.EngineIO, known.SockJS, known.Tornado, known.PyWebsockets:
		return true
	}
	return u.Response.Has("Sec-WebSocket-Version") || !u.Request.HasToken("Upgrade", "websocket") || !u.Request.HasToken("Connection", "upgrade") ||
		len(u.Request.Violations) > 0
}

// hungUp: the server ended it without a byte, as OpenSSL, Node.js and Go do
// with what is no TLS.
func hungUp(c *record.Connection) bool {
	t, tcp := c.Facts.TLS, &c.Facts.TCP
	return t != nil && c.Facts.TLSFailed && !t.ServerHello.Seen() && tcp.EndHow != "" && tcp.EndBy == record.Server && !tcp.OneWay &&
		tcp.Sides[record.Server].Bytes == 0 && tcp.GapBytes[record.Server] == 0 && tcp.End.Time.Sub(c.Facts.Proxy.Ref.Time) < atOnce
}

// tlsReaction: a TLS server takes the header for a broken record.
func tlsReaction(t *record.TLSFacts) (string, record.Ref) {
	if t == nil || t.ServerHello.Seen() {
		return "", record.Ref{}
	}
	if t.NotTLSDir == record.Server && strings.HasPrefix(string(t.NotTLS), "HTTP/") {
		return "answered in clear text to", t.NotTLSRef
	}
	for i := range t.Alerts {
		a := &t.Alerts[i]
		switch a.Code {
		case 10, 22, 50, 70: // unexpected_message, record_overflow, decode_error, protocol_version
			if a.Dir == record.Server && !a.Opaque && a.Fatal {
				return "sent the TLS alert " + a.Name + " to", a.Ref
			}
		}
	}
	return "", record.Ref{}
}

// expecting is the setting that makes a server read the header.
var expecting = map[known.Product]setting{
	known.Nginx:   {"nginx: listen 80 proxy_protocol; with set_real_ip_from and real_ip_header proxy_protocol.", "https://nginx.org/en/docs/http/ngx_http_realip_module.html"},
	known.Apache:  {"Apache 2.4.31 or later: RemoteIPProxyProtocol On (mod_remoteip) in this virtual host.", "https://httpd.apache.org/docs/2.4/mod/mod_remoteip.html#remoteipproxyprotocol"},
	known.HAProxy: {"HAProxy behind HAProxy: bind :80 accept-proxy.", "https://docs.haproxy.org/3.0/configuration.html#5.1-accept-proxy"},
	known.Envoy:   {"Envoy: listener filter envoy.filters.listener.proxy_protocol.", "https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/listener_filters/proxy_protocol"},
	known.Traefik: {"Traefik: entryPoints.NAME.proxyProtocol.trustedIPs with the load balancer's address.", "https://doc.traefik.io/traefik/routing/entrypoints/#proxyprotocol"},
	known.Varnish: {"Varnish: -a :80,PROXY.", "https://varnish-cache.org/docs/trunk/reference/varnishd.html"},
	known.Caddy:   {"Caddy, in the global options: servers { listener_wrappers { proxy_protocol } }, for HTTPS with tls on the line after proxy_protocol.", "https://caddyserver.com/docs/caddyfile/options#listener-wrappers"},
}

func expect(product known.Product) string {
	if at, ok := expecting[product]; ok {
		return "Let the server expect the header. " + known.Documented(at.text, at.source)
	}
	return "Let the server expect the header (nginx: listen 80 proxy_protocol; Apache: RemoteIPProxyProtocol On; Go: github.com/pires/go-proxyproto; Node has nothing built in: put nginx or HAProxy with accept-proxy in front)."
}
