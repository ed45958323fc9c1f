package known

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

const request = "GET /x HTTP/1.1\nHost: a\nUpgrade: websocket\n"

func connection(req, resp, body string) *record.Connection {
	raw := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") + "\r\n" }
	u := &record.UpgradeFacts{Body: []byte(body)}
	if req != "" {
		u.Request = http1.ParseHead(http1.Request, raw(req))
	}
	if resp != "" {
		u.Response = http1.ParseHead(http1.Response, raw(resp))
	}
	return &record.Connection{Server: netip.MustParseAddrPort("10.0.0.5:80"), URL: "ws://a/x?token=hunter2", Facts: &record.Facts{Upgrade: u}}
}

func TestAnswerer(t *testing.T) {
	for _, tc := range []struct {
		fields, body string
		name         string
		product      Product
		proxy        bool
		who          string
	}{
		{"Server: nginx/1.22.1\n", "", "nginx/1.22.1", Nginx, true, "nginx/1.22.1 at 10.0.0.5:80"},
		{"Server: Apache/2.4.71 (Debian)\n", "", "Apache/2.4.71 (Debian)", Apache, true, "Apache/2.4.71 (Debian) at 10.0.0.5:80"},
		{"Server: Apache-Coyote/1.1\n", "", "Apache-Coyote/1.1", Backend, false, "Apache-Coyote/1.1 at 10.0.0.5:80"},
		{"Server: api\n", "", "the server (api)", Backend, false, "The server (api) at 10.0.0.5:80"},
		{"server: cloudflare\ncf-ray: 8a-FRA\n", "", "cloudflare", Cloudflare, true, "cloudflare at 10.0.0.5:80"},
		{"Via: 1.1 filter.test (squid/5.7)\n", "", "squid/5.7", Squid, true, "squid/5.7 at 10.0.0.5:80"},
		{"X-Varnish: 2\nVia: 1.1 varnish (Varnish/7.1)\n", "", "Varnish/7.1", Varnish, true, "Varnish/7.1 at 10.0.0.5:80"},
		{"Via: 1.1 gw.test\n", "", "the proxy gw.test", Backend, true, "The proxy gw.test at 10.0.0.5:80"},
		{"Via: 1.1 abc.cloudfront.net (CloudFront)\nX-Amz-Cf-Id: x\n", "", "Amazon CloudFront", CloudFront, true, "Amazon CloudFront at 10.0.0.5:80"},
		{"Server: awselb/2.0\n", "", "awselb/2.0", ALB, true, "awselb/2.0 at 10.0.0.5:80"},
		{"", "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n", "HAProxy", HAProxy, true, "HAProxy at 10.0.0.5:80"},
		{"", `{"code":3,"message":"Bad request"}`, "Engine.IO", EngineIO, false, "Engine.IO at 10.0.0.5:80"},
		{"", "", "", Unknown, false, "The server at 10.0.0.5:80"},
		{"Server: \n", "", "", Unknown, false, "The server at 10.0.0.5:80"},
		{"Server: a\x01b" + strings.Repeat("c", 100) + "/\n", "", "a.b" + strings.Repeat("c", 57) + "…", Backend, false, "a.b" + strings.Repeat("c", 57) + "… at 10.0.0.5:80"},
	} {
		c := connection(request, "HTTP/1.1 400 Bad Request\n"+tc.fields, tc.body)
		name, product, proxy := Answerer(c)
		if name != tc.name || product != tc.product || proxy != tc.proxy {
			t.Errorf("%q: %q %q %v, expected %q %q %v", tc.fields+tc.body, name, product, proxy, tc.name, tc.product, tc.proxy)
		}
		if who := Who(c); who != tc.who {
			t.Errorf("%q: %q, expected %q", tc.fields, who, tc.who)
		}
	}
}

// TestSignsAreReachable: a sign behind a more general one would never count.
func TestSignsAreReachable(t *testing.T) {
	for i, s := range signs {
		if s.text != strings.ToLower(s.text) {
			t.Errorf("%s %q is not in lower case", s.field, s.text)
		}
		for _, before := range signs[:i] {
			if strings.EqualFold(before.field, s.field) && strings.Contains(s.text, before.text) && before.product != s.product {
				t.Errorf("%s %q is hidden by %q", s.field, s.text, before.text)
			}
		}
	}
	for _, s := range append([]bodySign(nil), bodySigns...) {
		if s.text != strings.ToLower(s.text) {
			t.Errorf("%q is not in lower case", s.text)
		}
		if p := Speaker([]byte(s.text)); p != s.product {
			t.Errorf("%q is taken for %s, expected %s", s.text, p, s.product)
		}
	}
}

func TestEveryFilterSignIsFound(t *testing.T) {
	for _, s := range filterSigns {
		fields, body := "", ""
		switch s.where {
		case inServer:
			fields = "Server: " + s.text + "\n"
		case inVia:
			fields = "Via: 1.1 " + s.text + "\n"
		case inLocation:
			fields = "Location: http://x" + s.text + "\n"
		case inField:
			name, value, _ := strings.Cut(s.text, ": ")
			fields = name + ": " + value + "x\n"
		case inBody:
			body = "<p>" + strings.ToUpper(s.text)
		}
		block, ok := Blocked(connection(request, "HTTP/1.1 403 Forbidden\n"+fields, body))
		if !ok || block.Name == "" || block.Seen == "" {
			t.Errorf("%q is not found", s.text)
		}
		if ok && block.Name != s.name && !strings.Contains(fields+strings.ToLower(body), strings.ToLower(block.Name)) {
			t.Errorf("%q is taken for %s, expected %s", s.text, block.Name, s.name)
		}
	}
	if block, ok := Blocked(connection(request, "HTTP/1.1 403 Forbidden\nServer: nginx\n", "403 Forbidden")); ok {
		t.Errorf("an ordinary 403 is taken for %s", block.Name)
	}
}

const chrome154 = "GET /x HTTP/1.1\nHost: a\nConnection: Upgrade\nPragma: no-cache\nCache-Control: no-cache\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/154.0.0.0 Safari/537.36\n" +
	"Upgrade: websocket\nOrigin: http://a\nSec-WebSocket-Version: 13\nAccept-Encoding: gzip\nAccept-Language: en\nCookie: a=b\nSec-WebSocket-Key: x\nSec-WebSocket-Extensions: permessage-deflate\n"

func TestClientOf(t *testing.T) {
	for name, tc := range map[string]struct {
		head    string
		engine  Engine
		browser bool
		called  string
	}{
		"chrome":                     {chrome154, Chromium, true, "Chrome/154"},
		"another name for a browser": {strings.Replace(chrome154, "Chrome/154.0.0.0 Safari/537.36", "Kiosk", 1), Chromium, true, "Mozilla/5.0"},
		"chrome behind nginx":        {strings.Replace(strings.Replace(chrome154, "Upgrade: websocket\n", "", 1), "Host: a\n", "Upgrade: websocket\nHost: a\n", 1), Chromium, true, "Chrome/154"},
		"chrome behind HAProxy":      {strings.Replace(chrome154, "Host: a", "host: a", 1), Chromium, true, "Chrome/154"},
		"firefox":                    {request + "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:157.0) Gecko/20100101 Firefox/157.0\n", Firefox, true, "Firefox/157"},
		"safari":                     {request + "User-Agent: Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15\n", Safari, true, "Version/19"},
		"python":                     {request + "User-Agent: Python/3.11 websockets/10.4\n", Python, false, "websockets/10.4"},
		"node":                       {"GET /x HTTP/1.1\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: x\nConnection: Upgrade\nUpgrade: websocket\nHost: a\n", Node, false, ""},
		"gorilla":                    {request + "User-Agent: Go-http-client/1.1\nSec-WebSocket-Key: x\n", GoGorilla, false, "Go-http-client/1.1"},
		"coder":                      {request + "User-Agent: Go-http-client/1.1\nSec-Websocket-Key: x\n", GoCoder, false, "Go-http-client/1.1"},
		"okhttp":                     {request + "User-Agent: okhttp/4.9\n", OkHttp, false, "okhttp/4.9"},
		"java":                       {request + "User-Agent: Java-http-client/21.0.2\n", JavaHTTP, false, "Java-http-client/21.0.2"},
		"undici":                     {request + "User-Agent: undici\n", Undici, false, "undici"},
		"node's own":                 {request + "User-Agent: node\n", Undici, false, "node"},
		"jetty":                      {request + "User-Agent: Jetty/12.0.3\n", Jetty, false, "Jetty/12.0.3"},
		"signalr":                    {request + "User-Agent: Microsoft SignalR/8.0 (8.0.1; Linux; .NET; .NET 8.0.1)\n", SignalR, false, "SignalR/8.0"},
		"signalr on node ws":         {request + "User-Agent: Microsoft SignalR/8.0 (8.0.1; Linux; NodeJS; 20)\n", Other, false, "Microsoft"},
		"java-websocket":             {"GET /x HTTP/1.1\nAuthorization: x\nConnection: Upgrade\nHost: a\nSec-WebSocket-Key: x\nSec-WebSocket-Version: 13\nUpgrade: websocket\n", JavaWS, false, ""},
		"tungstenite or .NET":        {"GET /x HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: x\n", AnyClient, false, ""},
		"another":                    {request + "User-Agent: curl/8.9\n", Other, false, "curl/8.9"},
		"nothing tells":              {request, AnyClient, false, ""},
		"browser's odd cousin":       {request + "User-Agent: Mozilla/5.0\n", Other, false, "Mozilla/5.0"},
	} {
		got := ClientOf(connection(tc.head, "", ""))
		if got.Engine != tc.engine || got.Browser != tc.browser || got.Name != tc.called {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := ClientOf(&record.Connection{}); got != (Client{}) {
		t.Errorf("no facts: %+v", got)
	}
}

func TestUserSaw(t *testing.T) {
	for name, tc := range map[string]struct {
		head string
		kind Kind
		args []string
		want string
	}{
		"chromium":       {chrome154, SawStatus, []string{"426"}, "Chromium: WebSocket connection to 'ws://a/x?…' failed: Error during WebSocket handshake: Unexpected response code: 426"},
		"firefox":        {request + "User-Agent: Mozilla/5.0 Firefox/157.0\n", SawAcceptWrong, nil, "Firefox: Firefox can't establish a connection to the server at ws://a/x?…."},
		"firefox open":   {request + "User-Agent: Mozilla/5.0 Firefox/157.0\n", SawAbnormal, nil, "Firefox: The connection to ws://a/x?… was interrupted while the page was loading."},
		"okhttp":         {request + "User-Agent: okhttp/4.9\n", SawStatus, []string{"426"}, "OkHttp: Expected HTTP 101 response but was '426 …'"},
		"java's TLS":     {request + "User-Agent: Java-http-client/21\n", SawTLSAlert, []string{"unknown_ca"}, "java.net.http: Received fatal alert: unknown_ca"},
		"node ws":        {"GET /x HTTP/1.1\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: x\nConnection: Upgrade\nUpgrade: websocket\nHost: a\n", SawUpgradeMissing, nil, "Node.js ws: Unexpected server response: 101"},
		"an unknown one": {request + "User-Agent: curl/8.9\n", SawStatus, []string{"426"}, ""},
		"no such text":   {request + "User-Agent: aiohttp/3.9\n", SawProtocolNone, nil, ""},
	} {
		if got := UserSaw(connection(tc.head, "", ""), tc.kind, tc.args...); got != tc.want {
			t.Errorf("%s: %q, expected %q", name, got, tc.want)
		}
	}
	got := UserSaw(connection(request, "", ""), SawStatus, "404")
	for _, part := range []string{"Chromium: ", "Firefox: ", "Node.js ws: Unexpected server response: 404", "gorilla/websocket: "} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret in %q", got)
	}
}

// The same fault reads differently by the URL's scheme and port in Chromium, and
// an alert by the library's own spelling.
func TestMessagesOfOneFault(t *testing.T) {
	for _, tc := range []struct {
		url    string
		engine Engine
		kind   Kind
		arg    string
		want   string
	}{
		{"ws://a/x", Chromium, SawResponseCut, "", "WebSocket connection to 'ws://a/x' failed: Error during WebSocket handshake: net::ERR_CONNECTION_CLOSED"},
		{"wss://a/x", Chromium, SawResponseCut, "", "WebSocket connection to 'wss://a/x' failed: Error during WebSocket handshake: net::ERR_RESPONSE_HEADERS_TRUNCATED"},
		{"ws://a/x:y", Chromium, SawNotHTTP, "", "WebSocket connection to 'ws://a/x:y' failed: Error during WebSocket handshake: Invalid status line"},
		{"ws://[::1]/x", Chromium, SawNotHTTP, "", "WebSocket connection to 'ws://[::1]/x' failed: Error during WebSocket handshake: Invalid status line"},
		{"ws://[::1]:81/x", Chromium, SawNotHTTP, "", "WebSocket connection to 'ws://[::1]:81/x' failed: Error during WebSocket handshake: net::ERR_INVALID_HTTP_RESPONSE"},
		{"ws://a/x", Chromium, SawMasked, "", "WebSocket connection to 'ws://a/x' failed: A server must not mask any frames that it sends to the client."},
		{"ws://a/x", Chromium, SawAbnormal, "", "close event with code 1006"},
		{"ws://a/x", Safari, SawAcceptWrong, "", "WebSocket connection to 'ws://a/x' failed: Sec-WebSocket-Accept mismatch (older versions)"},
		{"wss://a/x", GoGorilla, SawTLSAlert, "unknown_ca", "remote error: tls: unknown certificate authority"},
		{"wss://a/x", GoGorilla, SawTLSAlert, "bad_certificate", "remote error: tls: bad certificate"},
		{"wss://a/x", Node, SawTLSAlert, "unknown_ca", "EPROTO … alert unknown ca"},
		{"wss://a/x", Java, SawTLSAlert, "unknown_ca", "Received fatal alert: unknown_ca"},
		{"wss://a/x", Node, SawTLSReset, "", "read ECONNRESET"},
		{"wss://a/x", JavaHTTP, SawTLSReset, "", "Remote host terminated the handshake"},
		{"wss://a/x", OkHttp, SawTLSReset, "", "Connection reset"},
		{"wss://a/x", Jetty, SawCertName, "a", "No subject alternative DNS name matching a found"},
		{"wss://a/x", Jetty, SawTLSReset, "", ""},
		{"wss://a/x", Undici, SawCertExpired, "", "Received network error or non-101 status code. (empty in newer versions)"},
		{"ws://a/x", Undici, SawDeflate, "", ""},
		{"ws://a/x", SignalR, SawStatus, "404", "The server returned status code '404' when status code '101' was expected."},
		{"ws://a/x", SignalR, SawRefused, "", "Unable to connect to the remote server"},
		{"ws://a/x", JavaWS, SawAcceptWrong, "", "onClose 1002, draft … refuses handshake"},
		{"wss://a/x", GoGorilla, SawCertName, "under_score.test", "tls: failed to verify certificate: x509: certificate is valid for …, not under_score.test"},
	} {
		var args []string
		if tc.arg != "" {
			args = []string{tc.arg}
		}
		if got := message(&record.Connection{URL: tc.url}, tc.engine, tc.kind, args); got != tc.want {
			t.Errorf("%s, %s of %s: %q, expected %q", tc.url, tc.kind, tc.engine, got, tc.want)
		}
	}
}

// TestEveryKindHasAMessage: a kind without one would leave its findings without.
func TestEveryKindHasAMessage(t *testing.T) {
	for _, table := range []map[Kind]map[Engine]string{messages, tlsMessages} {
		for kind, by := range table {
			if len(by) == 0 {
				t.Errorf("%s has no message", kind)
			}
			for engine, text := range by {
				if strings.Count(text, "%s") > 1 || text == "" {
					t.Errorf("%s of %s: %q", kind, engine, text)
				}
			}
		}
	}
}

// A client whose TLS failed has sent no request: its ClientHello tells which
// messages its user got.
func TestTheHelloTellsTheClient(t *testing.T) {
	for name, tc := range map[string]struct {
		hello    tls.ClientHello
		saw, not string
		step     string
	}{
		"chromium": {tls.ClientHello{CipherSuites: []tls.CipherSuite{0x3a3a, 0x1301}}, "Chromium: WebSocket connection to 'wss://app.test/…' failed: Error in connection establishment: net::ERR_CERT_DATE_INVALID", "Node", "google-chrome"},
		"firefox":  {tls.ClientHello{CipherSuites: []tls.CipherSuite{0x1301}, Extensions: []tls.Extension{0, 34, 28}}, "SEC_ERROR_EXPIRED_CERTIFICATE", "Chromium", "SSLKEYLOGFILE=/tmp/keys firefox"},
		"openssl":  {tls.ClientHello{Extensions: []tls.Extension{0, 22}}, "Node.js ws: CERT_HAS_EXPIRED: certificate has expired; Python websockets: [SSL: CERTIFICATE_VERIFY_FAILED]", "Chromium", "--tls-keylog=/tmp/keys"},
		"go":       {tls.ClientHello{Extensions: []tls.Extension{0, 18}}, "x509: certificate has expired", "Chromium", "KeyLogWriter"},
		"java":     {tls.ClientHello{Extensions: []tls.Extension{0, 17}}, "CertificateExpiredException", "Chromium", "-javaagent"},
		"unknown":  {tls.ClientHello{Extensions: []tls.Extension{0}}, "Chromium: ", "nothing", "SSLKEYLOGFILE=/tmp/keys for browsers"},
	} {
		c := &record.Connection{Facts: &record.Facts{TLS: &record.TLSFacts{Hello: &tc.hello, SNI: "app.test"}}}
		if got := UserSaw(c, SawCertExpired); !strings.Contains(got, tc.saw) || strings.Contains(got, tc.not) {
			t.Errorf("%s: user saw %q", name, got)
		}
		if got := KeyLogStep(c); !strings.Contains(got, tc.step) || !strings.HasSuffix(got, "--keylog /tmp/keys.") {
			t.Errorf("%s: next step %q", name, got)
		}
	}
}

func TestInspector(t *testing.T) {
	for issuer, want := range map[string]string{"Zscaler Intermediate Root CA (zscalertwo.net)": "Zscaler", "FortiGate CA": "FortiGate", "DO_NOT_TRUST_FiddlerRoot": "Fiddler",
		"DigiCert Global G3 TLS ECC SHA384 2020 CA1": "", "": "", "ACME Web Gateway CA": ""} {
		product, _ := Inspector(&tls.Chain{Certificates: []*tls.Certificate{{IssuerCommonName: issuer, Issuer: "CN=" + issuer}}})
		if product != want {
			t.Errorf("%q: %q, expected %q", issuer, product, want)
		}
	}
	for _, i := range inspections {
		if i.text != strings.ToLower(i.text) {
			t.Errorf("%q is not in lower case", i.text)
		}
	}
}

func TestRemedy(t *testing.T) {
	for problem, by := range remedies {
		if by[Unknown].text == "" {
			t.Errorf("%s has no general advice", problem)
		}
		if got := Remedy("a product that nobody knows", problem); got != by[Unknown].text {
			t.Errorf("%s: no fallback: %q", problem, got)
		}
	}
	got := Remedy(Nginx, Stripped)
	for _, part := range []string{"proxy_http_version 1.1", "proxy_set_header Upgrade $http_upgrade", `proxy_set_header Connection "upgrade"`, "(https://nginx.org/en/docs/http/websocket.html)."} {
		if !strings.Contains(got, part) {
			t.Errorf("nginx: %q lacks %q", got, part)
		}
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"": "", "a\r\nb": "a..b", "ä\x1b[31m": "ä.[31m", strings.Repeat("x", 70): strings.Repeat("x", 60) + "…"} {
		if got := Clip(in); got != want {
			t.Errorf("Clip(%q) = %q", in, got)
		}
	}
}

func TestSidesBehindProxies(t *testing.T) {
	c := &record.Connection{Client: netip.MustParseAddrPort("10.0.0.1:50000"), Server: netip.MustParseAddrPort("10.0.0.9:3128"), Facts: &record.Facts{}}
	check := func(d record.Dir, want string) {
		t.Helper()
		if got := Side(c, d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	c.Facts.Upgrade = &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")}
	check(record.Client, "the client at 10.0.0.1:50000")
	check(record.Server, "the server at 10.0.0.9:3128")
	c.Facts.Upgrade.Request = http1.ParseHead(http1.Request, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n")
	check(record.Client, "the client at 10.0.0.1:50000 (a proxy, by X-Forwarded-For)")
	c.Tunnel, c.Facts.Tunnel = &record.Tunnel{Target: "app.test:443"}, &record.TunnelFacts{Opened: true}
	check(record.Server, "the server at app.test:443 (through the proxy at 10.0.0.9:3128)")
}

// Of a client over HTTP/2 that is not known, only what browsers tell is quoted.
func TestUserSawOverHTTP2(t *testing.T) {
	c := &record.Connection{URL: "wss://app.test/x", Facts: &record.Facts{H2: &record.H2Facts{}}}
	if got := UserSaw(c, SawStatus, "403"); !strings.Contains(got, "Chromium: ") || strings.Contains(got, "gorilla") {
		t.Errorf("%q", got)
	}
}
