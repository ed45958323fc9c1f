package tunnel

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

const (
	goodRequest = "GET /socket?token=hunter2 HTTP/1.1\nHost: app.test\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n"
	connect     = "CONNECT app.test:80 HTTP/1.1\nHost: app.test:80\n"
	withBasic   = connect + "Proxy-Authorization: Basic aHVudGVyMg==\n"
)

func at(packet int64, after time.Duration) record.Ref {
	return record.Ref{Packet: packet, Time: record.Time(1_000_000_000 + int64(after))}
}

func head(k http1.Kind, text string) *http1.Head {
	return http1.ParseHead(k, strings.ReplaceAll(text, "\n", "\r\n")+"\r\n")
}

// base is a connection whose server side ended it after a second.
func base() *record.Connection {
	c := &record.Connection{
		ID: "1", Client: netip.MustParseAddrPort("10.0.0.1:50000"), Server: netip.MustParseAddrPort("10.0.0.9:3128"),
		Facts: &record.Facts{Files: []string{"a.pcap"}, First: at(1, 0), Last: at(12, time.Second), CaptureEnd: at(99, time.Minute)},
	}
	c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = at(11, time.Second), record.Server, "fin"
	return c
}

// change edits a connection after it was built.
type change func(*record.Connection)

// asked is a CONNECT, answered unless response is empty.
func asked(request, response, body string, changes ...change) *record.Connection {
	c := base()
	t := &record.TunnelFacts{Kind: "http-connect", Target: "app.test:80", Request: head(http1.Request, request), RequestRef: at(4, 0), RequestLast: at(4, 0), Rounds: 1}
	if strings.Contains(request, "Basic") {
		t.AuthSent = "Basic"
	}
	t.Waited = time.Second
	if response != "" {
		t.Response, t.ResponseRef, t.Waited = head(http1.Response, response), at(6, 2*time.Millisecond), 2*time.Millisecond
		t.Body, t.BodyRef = []byte(body), t.ResponseRef
		t.AuthRefused = t.Response.Status == 407 || t.Response.Status == 401
		t.Opened, t.OpenedRef = t.Response.Status/100 == 2, t.ResponseRef
	}
	c.Facts.Tunnel = t
	for _, f := range changes {
		f(c)
	}
	return c
}

func offers(schemes ...string) change {
	return func(c *record.Connection) { c.Facts.Tunnel.AuthOffered = schemes }
}

// socks is a request to a SOCKS5 proxy that was refused with a reply.
// strange answers in another protocol.
func strange(text string) change {
	return func(c *record.Connection) {
		c.Facts.Tunnel.Strange, c.Facts.Tunnel.StrangeRef = []byte(text), at(7, time.Millisecond)
	}
}

func socks(reply int, name string, changes ...change) *record.Connection {
	c := base()
	c.Facts.Tunnel = &record.TunnelFacts{Kind: "socks5", Target: "app.test:80", RequestRef: at(6, 0), RequestLast: at(6, 0), ResponseRef: at(7, time.Millisecond),
		Reply: reply, ReplyName: name, AuthOffered: []string{"no authentication"}, Opened: name == "succeeded", OpenedRef: at(7, time.Millisecond)}
	for _, f := range changes {
		f(c)
	}
	return c
}

func upgrade(c *record.Connection, request, response string) *record.Connection {
	u := &record.UpgradeFacts{Request: head(http1.Request, request), RequestRef: at(8, 10*time.Millisecond), RequestLast: at(8, 10*time.Millisecond), Waited: 500 * time.Millisecond}
	u.Absolute = strings.HasPrefix(u.Request.Target, "http")
	if response != "" {
		u.Response, u.ResponseRef, u.ResponseLast = head(http1.Response, response), at(10, 20*time.Millisecond), at(10, 20*time.Millisecond)
		c.Facts.TCP.Sides[record.Server].Bytes = 100
	}
	c.Facts.Upgrade = u
	c.URL, c.Scheme, c.Host = "ws://app.test/socket?token=hunter2", "ws", "app.test"
	return c
}

// header puts a PROXY header before a connection.
func header(c *record.Connection) *record.Connection {
	c.Facts.Proxy = &record.ProxyFacts{Ref: at(3, 0), Version: 1, Client: "203.0.113.7:4711", Server: "198.51.100.1:443"}
	return c
}

// hello begins TLS behind the header, and the server closes.
func hello(c *record.Connection) {
	c.Facts.TLS, c.Facts.TLSFailed = &record.TLSFacts{ClientHello: at(4, time.Millisecond)}, true
	c.Facts.TCP.End = at(11, 500*time.Millisecond)
}

func with(c *record.Connection, f change) *record.Connection {
	f(c)
	return c
}

// closed marks a tunnel that the proxy ended before the first byte.
func closed(c *record.Connection) { c.Facts.Tunnel.Closed = true }

func byClient(c *record.Connection) { c.Facts.TCP.EndBy = record.Client }

// caseOf is one case of one rule. Without title the rule stays silent.
type caseOf struct {
	code, name string
	c          *record.Connection
	title      string // part of the title
	fault      record.Fault
	confidence record.Confidence
	remedy     string // part of the remedy
}

var cases = []caseOf{
	{"WS301", "squid", asked(connect, "HTTP/1.1 403 Forbidden\nServer: squid/5.7\nX-Squid-Error: ERR_ACCESS_DENIED 0\n", ""),
		"refused CONNECT app.test:80 with 403 Forbidden (ERR_ACCESS_DENIED)", record.FaultIntermediary, record.Certain, "acl SSL_ports port 80"},
	{"WS301", "tinyproxy", asked(connect, "HTTP/1.0 403 Access violation\nServer: tinyproxy/1.11.1\n", ""), "Tinyproxy/1.11.1 at 10.0.0.9:3128 refused", "", "", "ConnectPort 80"},
	{"WS301", "nameless", asked(connect, "HTTP/1.1 403\n\n", ""), "The forward proxy at 10.0.0.9:3128 refused CONNECT app.test:80 with 403", "", "", "port 80"},
	{"WS301", "no proxy at all", asked(connect, "HTTP/1.1 405 Not Allowed\nServer: nginx/1.22.1\n", ""), "as a server does that is no forward proxy", "", record.Likely, "proxy setting"},
	{"WS301", "a 500 without words", asked(connect, "HTTP/1.1 500 Internal Server Error\n", "oops"), "refused CONNECT", "", "", ""},
	{"WS301", "a portal", asked(connect, "HTTP/1.1 302 Found\nLocation: http://portal.test/login?to=x\n", ""), "with 302 Found: redirected to 'http://portal.test/login'", "", "", "Open that page"},
	{"WS301", "too often", asked(connect, "HTTP/1.1 429 Too Many Requests\n", ""), "with 429", "", "", "wait longer"},
	{"WS303", "Privoxy's 404", asked(connect, "HTTP/1.1 404 No such domain\n", ""), "could not reach app.test:80", record.FaultNetwork, "", "look up app.test"},
	{"WS301", "no answer, the client gives up", asked(connect, "", "", byClient), "never answered CONNECT app.test:80", record.FaultUnknown, record.Likely, ""},
	{"WS301", "no answer, the proxy hangs up", asked(connect, "", ""), "closed the connection without an answer", record.FaultIntermediary, "", ""},
	{"WS301", "no answer, hung up at once", asked(connect, "", "", func(c *record.Connection) { c.Facts.Tunnel.Waited = 20 * time.Millisecond }), "closed the connection without an answer to CONNECT app.test:80, after 20 ms", record.FaultIntermediary, "", "a SOCKS proxy"},
	{"WS301", "SSH answers", asked(connect, "", "", strange("SSH-2.0-OpenSSH\r\n")), "answered CONNECT app.test:80 with something that is not HTTP: 'SSH-2.0-OpenSSH'", record.FaultClient, "", "no HTTP proxy"},
	{"WS301", "a SOCKS proxy answers", asked(connect, "", "", strange("\x05\xff")), "as a SOCKS proxy does", record.FaultClient, "", "socks5://10.0.0.9:3128"},
	{"WS301", "opened", asked(connect, "HTTP/1.1 200 OK\n", ""), "", "", "", ""},
	{"WS301", "407", asked(connect, "HTTP/1.1 407 Proxy Authentication Required\n", ""), "", "", "", ""},
	{"WS301", "502", asked(connect, "HTTP/1.1 502 Bad Gateway\n", ""), "", "", "", ""},
	{"WS301", "SOCKS", socks(2, "connection not allowed by ruleset"), "", "", "", ""},
	{"WS301", "no tunnel", base(), "", "", "", ""},

	{"WS302", "none sent", asked(connect, "HTTP/1.1 407 Proxy Authentication Required\nServer: squid/5.7\n", "", offers("Basic")), "(407, Basic) and the client sent none", record.FaultClient, record.Certain, "USER:PASSWORD"},
	{"WS302", "wrong ones", asked(withBasic, "HTTP/1.1 407 Proxy Authentication Required\n", "", offers("Basic")), "refused the client's Basic credentials", "", "", "Check the user name"},
	{"WS302", "another scheme", asked(withBasic, "HTTP/1.1 407 Proxy Authentication Required\n", "", offers("Negotiate")), "refused the client's Basic credentials", "", "", "Negotiate"},
	{"WS302", "NTLM only", asked(connect, "HTTP/1.1 407 Proxy Authentication Required\n", "", offers("Negotiate", "NTLM")), "Negotiate, NTLM", "", "", "cntlm"},
	{"WS302", "NTLM rounds", asked(connect, "HTTP/1.1 407 Proxy Authentication Required\n", "", offers("NTLM"), func(c *record.Connection) { c.Facts.Tunnel.AuthSent, c.Facts.Tunnel.Rounds = "NTLM", 3 }),
		"still answers 407 after 3 requests with NTLM", "", "", ""},
	{"WS302", "NTLM on a connection that closes", asked(connect, "HTTP/1.1 407 Proxy Authentication Required\nProxy-Connection: close\n", "", offers("NTLM"), func(c *record.Connection) { c.Facts.Tunnel.AuthSent = "NTLM" }),
		"refused the client's NTLM credentials", "", "", "keep connections open"},
	{"WS302", "401", asked(connect, "HTTP/1.0 401 Unauthorized\nServer: tinyproxy/1.11.1\n", ""), "wants authentication", "", "", ""},
	{"WS302", "SOCKS method", socks(0, "", func(c *record.Connection) { c.Facts.Tunnel.AuthRefused = true }), "accepts none of the authentication methods that the client offered (no authentication)", record.FaultClient, "", "socks5://"},
	{"WS302", "SOCKS password", socks(0, "", func(c *record.Connection) {
		c.Facts.Tunnel.AuthRefused, c.Facts.Tunnel.AuthSent = true, "username/password"
	}), "refused the client's user name and password", "", "", ""},
	{"WS302", "opened after rounds", asked(withBasic, "HTTP/1.1 200 OK\n", "", offers("Basic")), "", "", "", ""},
	{"WS302", "an Upgrade request without CONNECT", upgrade(base(), goodRequest, "HTTP/1.1 407 Proxy Authentication Required\nProxy-Authenticate: Basic realm=\"x\"\n"),
		"wants authentication for the Upgrade request (407, offers Basic) and the client sent none", record.FaultClient, record.Certain, "user name and password"},
	{"WS302", "an Upgrade request refused otherwise", upgrade(base(), goodRequest, "HTTP/1.1 401 Unauthorized\n"), "", "", "", ""},
	{"WS302", "403", asked(connect, "HTTP/1.1 403 Forbidden\n", ""), "", "", "", ""},

	{"WS303", "502", asked(connect, "HTTP/1.1 502 Bad Gateway\n", ""), "could not reach app.test:80: it answered CONNECT with 502 Bad Gateway", record.FaultServer, record.Certain, "look up app.test and connect to port 80"},
	{"WS303", "squid 503", asked(connect, "HTTP/1.1 503 Service Unavailable\nServer: squid/5.7\nX-Squid-Error: ERR_CONNECT_FAIL 111\n", ""), "(ERR_CONNECT_FAIL)", record.FaultServer, "", "access.log"},
	{"WS303", "squid's DNS", asked(connect, "HTTP/1.1 503 Service Unavailable\nServer: squid/5.7\nX-Squid-Error: ERR_DNS_FAIL 0\n", ""), "(ERR_DNS_FAIL)", record.FaultNetwork, "", ""},
	{"WS303", "squid 500", asked(connect, "HTTP/1.1 500 Internal Server Error\nServer: squid/5.7\nX-Squid-Error: ERR_CANNOT_FORWARD 0\n", ""), "a name that it cannot resolve", record.FaultIntermediary, record.Likely, ""},
	{"WS303", "tinyproxy 500", asked(connect, "HTTP/1.0 500 Unable to connect\nServer: tinyproxy/1.11.1\n", ""), "500 Unable to connect after", "", "", "opensock"},
	{"WS303", "500 with a page", asked(connect, "HTTP/1.1 500 Error\n", "<h1>Connection refused by app.test</h1>"), "'Connection refused'", "", "", ""},
	{"WS303", "500 without words", asked(connect, "HTTP/1.1 500 Internal Server Error\n", "oops"), "", "", "", ""},
	{"WS303", "403 with such words", asked(connect, "HTTP/1.1 403 Forbidden\n", "unable to connect"), "", "", "", ""},
	{"WS303", "opened", asked(connect, "HTTP/1.1 200 OK\n", ""), "", "", "", ""},

	{"WS304", "ruleset", socks(2, "connection not allowed by ruleset"), "refused the connection to app.test:80: connection not allowed by ruleset (reply 2)", record.FaultIntermediary, record.Certain, "dante"},
	{"WS304", "refused", socks(5, "Connection refused"), "Connection refused", record.FaultServer, "", ""},
	{"WS304", "unreachable", socks(4, "Host unreachable"), "Host unreachable", record.FaultNetwork, record.Likely, ""},
	{"WS304", "general", socks(1, "general SOCKS server failure"), "general SOCKS server failure", record.FaultIntermediary, record.Likely, ""},
	{"WS304", "address type", socks(8, "Address type not supported"), "Address type", record.FaultClient, "", "socks5h"},
	{"WS304", "SOCKS4", socks(91, "request rejected or failed", func(c *record.Connection) { c.Facts.Tunnel.Kind = "socks4" }), "The SOCKS4 proxy at", record.FaultServer, record.Likely, ""},
	{"WS304", "no reply", socks(0, "", func(c *record.Connection) { c.Facts.Tunnel.ResponseRef = record.Ref{} }), "ended the connection 0 ms after the request for app.test:80", record.FaultIntermediary, "", ""},
	{"WS304", "HTTP answers", socks(0, "", strange("HTTP/1.1 400 Bad Request\r\n")), "speaks HTTP, and was asked in SOCKS: it answered 'HTTP/1.1 400 Bad Request'", record.FaultClient, "", "http://10.0.0.9:3128"},
	{"WS304", "no method", socks(0, "", func(c *record.Connection) { c.Facts.Tunnel.Target = "" }), "ended the connection 0 ms after the client's SOCKS greeting, without an answer", record.FaultIntermediary, "", "is this a SOCKS proxy?"},
	{"WS304", "no method, the client gives up", socks(0, "", byClient, func(c *record.Connection) { c.Facts.Tunnel.Target = "" }), "did not answer the client's SOCKS greeting", record.FaultUnknown, "", ""},
	{"WS304", "opened", socks(0, "succeeded"), "", "", "", ""},
	{"WS304", "password refused", socks(0, "", func(c *record.Connection) { c.Facts.Tunnel.AuthRefused = true }), "", "", "", ""},
	{"WS304", "CONNECT", asked(connect, "HTTP/1.1 403 Forbidden\n", ""), "", "", "", ""},

	{"WS305", "after the request", upgrade(asked(connect, "HTTP/1.1 200 OK\n", "", closed), goodRequest, ""), "opened the tunnel to app.test:80 and closed it after 998 ms", record.FaultIntermediary, record.Certain, "log"},
	{"WS305", "after the ClientHello", asked(connect, "HTTP/1.1 200 OK\n", "", closed, func(c *record.Connection) { c.Facts.TLS = &record.TLSFacts{ClientHello: at(8, 0)} }), "the client had sent its ClientHello", "", "", ""},
	{"WS305", "SOCKS, by a RST", socks(0, "succeeded", closed, func(c *record.Connection) { c.Facts.TCP.EndHow = "rst" }), "The SOCKS5 proxy at 10.0.0.9:3128 opened the tunnel", "", "", ""},
	{"WS305", "carried something", asked(connect, "HTTP/1.1 200 OK\n", ""), "", "", "", ""},
	{"WS305", "no tunnel", upgrade(base(), goodRequest, ""), "", "", "", ""},

	{"WS306", "absolute form", upgrade(base(), strings.Replace(goodRequest, "/socket", "http://app.test/socket", 1), "HTTP/1.1 426 Upgrade Required\nVia: 1.1 proxy.test (squid/5.7)\n"), "in absolute form, expected CONNECT", record.FaultClient, "", "CONNECT"},
	{"WS306", "origin form", upgrade(base(), goodRequest, "HTTP/1.1 426 Upgrade Required\n"), "", "", "", ""},
	{"WS306", "inside a tunnel", upgrade(asked(connect, "HTTP/1.1 200 OK\n", ""), strings.Replace(goodRequest, "/socket", "http://app.test/socket", 1), "HTTP/1.1 404 Not Found\n"), "", "", "", ""},

	{"WS307", "400", header(upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\nConnection: close\n")), "answered 400 to a connection that begins with a PROXY protocol v1 header (for 203.0.113.7:4711)", record.FaultServer, record.Likely, "send-proxy"},
	{"WS307", "400 of nginx", header(upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\nServer: nginx/1.22.1\n")), "nginx/1.22.1 at", "", "", "listen 80 proxy_protocol"},
	{"WS307", "400 before the request", with(header(upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\n")), func(c *record.Connection) { c.Facts.Proxy.EarlyAnswer = true }), "answered 400", "", record.Certain, ""},
	{"WS307", "hangs up", header(upgrade(base(), goodRequest, "")), "hung up at once", "", record.Possible, ""},
	{"WS307", "TLS alert", with(header(base()), func(c *record.Connection) {
		c.Facts.TLS = &record.TLSFacts{ClientHello: at(4, 0), Alerts: []record.TLSAlert{{Ref: at(6, 0), Dir: record.Server, Fatal: true, Code: 70, Name: "protocol_version"}}}
	}), "TLS alert protocol_version", "", record.Likely, ""},
	{"WS307", "plaintext to TLS", with(header(base()), func(c *record.Connection) {
		c.Facts.TLS = &record.TLSFacts{ClientHello: at(4, 0), NotTLS: []byte("HTTP/1.1 400 Bad"), NotTLSDir: record.Server, NotTLSRef: at(6, 0)}
	}), "in clear text", "", "", ""},
	{"WS307", "TLS, hangs up", with(header(base()), hello), "hung up at once on", "", record.Possible, ""},
	{"WS307", "TLS, hangs up later", with(header(base()), func(c *record.Connection) { hello(c); c.Facts.TCP.End = at(11, 3*time.Second) }), "", "", "", ""},
	{"WS307", "TLS, answered", with(header(base()), func(c *record.Connection) { hello(c); c.Facts.TLS.ServerHello = at(6, 0) }), "", "", "", ""},
	{"WS307", "HTTP/0.9", with(header(upgrade(base(), goodRequest, "")), func(c *record.Connection) {
		c.Facts.Upgrade.NotHTTP, c.Facts.Upgrade.NotHTTPRef = []byte("<!DOCTYPE HTML"), at(9, 0)
	}),
		"answered with a page without a head to", "", record.Likely, ""},
	{"WS307", "400 of a server that could not read the request line", with(header(upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\nServer: Python/3.11 websockets/10.4\n")), func(c *record.Connection) {
		c.Facts.Upgrade.Body = []byte("Failed to open a WebSocket connection: did not receive a valid HTTP request.\n")
	}), "answered 400", "", record.Likely, ""},
	{"WS307", "400 of a server that read the request", with(header(upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\nServer: Python/3.11 websockets/10.4\n")), func(c *record.Connection) {
		c.Facts.Upgrade.Body = []byte("Failed to open a WebSocket connection: invalid Sec-WebSocket-Key header.\n")
	}), "", "", "", ""},
	{"WS307", "understood", with(header(upgrade(base(), goodRequest, "HTTP/1.1 101 Switching Protocols\n")), func(c *record.Connection) { c.Facts.WS = &record.WSFacts{} }), "", "", "", ""},
	{"WS307", "404", header(upgrade(base(), goodRequest, "HTTP/1.1 404 Not Found\n")), "", "", "", ""},
	{"WS307", "400 that names the versions", header(upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\nSec-WebSocket-Version: 13\n")), "", "", "", ""},
	{"WS307", "400 to a request without Upgrade", header(upgrade(base(), strings.Replace(goodRequest, "Upgrade: websocket\n", "", 1), "HTTP/1.1 400 Bad Request\n")), "", "", "", ""},
	{"WS307", "without a header", upgrade(base(), goodRequest, "HTTP/1.1 400 Bad Request\n"), "", "", "", ""},
	{"WS307", "client gives up", with(header(upgrade(base(), goodRequest, "")), byClient), "", "", "", ""},
}

func TestCases(t *testing.T) {
	var all []ruletest.Case
	for _, tc := range cases {
		want := ruletest.Case{Code: tc.code, Title: tc.title, Remedy: tc.remedy, Fault: tc.fault, Confidence: tc.confidence}
		all = append(all, want)
		t.Run(tc.code+"/"+tc.name, func(t *testing.T) { want.Check(t, Rules, tc.c) })
	}
	ruletest.Covered(t, Rules, all)
}

// TestOneCause: each failure has one finding of this family.
func TestOneCause(t *testing.T) {
	for _, tc := range cases {
		r := rule.NewReporter(tc.c.Facts.Files)
		for _, each := range Rules {
			r.Run(each, tc.c)
		}
		if len(r.Findings()) > 1 {
			t.Errorf("%s/%s: %d findings", tc.code, tc.name, len(r.Findings()))
		}
	}
}
