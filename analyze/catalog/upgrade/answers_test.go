package upgrade

import (
	"net/netip"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:80")

const nginx = "Server: nginx/1.22.1\n"

func status(line string) string { return "HTTP/1.1 " + line + "\n" }

var statusCases = []caseOf{
	{code: "WS521", name: "page", response: status("200 OK") + nginx + "Content-Length: 35\n", title: "nginx/1.22.1 at 10.0.0.5:80 answered 200 OK to GET /socket: the request was handled as plain HTTP", fault: record.FaultServer},
	{code: "WS521", name: "a page from behind nginx", response: status("200 OK") + nginx + "Transfer-Encoding: chunked\n", title: "a server behind it made a page", fault: record.FaultIntermediary, remedy: "proxy_set_header"},
	{code: "WS521", name: "204", response: status("204 No Content"), title: "204 No Content", fault: record.FaultServer},
	{code: "WS521", name: "101", response: good101},
	{code: "WS521", name: "200 over http/2", response: status("200"), change: overH2},

	{code: "WS522", name: "to https", response: status("301 Moved Permanently") + "Location: https://app.test/socket?token=hunter2\n", title: "redirected to 'https://app.test/socket', which", fault: record.FaultServer, remedy: "wss://"},
	{code: "WS522", name: "slash", response: status("308 Permanent Redirect") + "Location: /socket/\n", title: "308", remedy: "slash"},
	{code: "WS522", name: "login", response: status("302 Found") + "Location: /login\n", title: "'/login'", remedy: "Log in"},
	{code: "WS522", name: "no redirect", response: status("404 Not Found")},

	{code: "WS523", name: "plain", response: status("400 Bad Request"), title: "The server at 10.0.0.5:80 answered 400 Bad Request to GET /socket, though the request is what RFC 6455 asks for", fault: record.FaultServer},
	{code: "WS523", name: "engine.io behind nginx", response: status("400 Bad Request") + nginx, body: `{"code":3,"message":"Bad request"}`,
		title: "Engine.IO saw a plain request without an upgrade (code 3, Bad request), though the client sent it", fault: record.FaultIntermediary, remedy: "proxy_set_header"},
	{code: "WS523", name: "gorilla", response: status("400 Bad Request"), body: "websocket: the client is not using the websocket protocol: 'upgrade' token not found in 'Connection' header", title: "gorilla/websocket found no 'upgrade'", fault: record.FaultIntermediary},
	{code: "WS523", name: "tornado", response: status("400 Bad Request") + "Server: TornadoServer/6.4\n", body: `"Connection" must be "Upgrade".`, title: "Tornado (or SockJS) saw a request without 'Upgrade' in its Connection header, though the client sent it", fault: record.FaultIntermediary},
	{code: "WS523", name: "gorilla is right", request: stripped, response: status("400 Bad Request"), body: "websocket: the client is not using the websocket protocol: 'upgrade' token not found in 'Connection' header", title: "gorilla", fault: record.FaultServer},
	{code: "WS523", name: "large", response: status("400 Bad Request") + nginx, body: "<title>400 Request Header Or Cookie Too Large</title>", title: "larger than it takes (", fault: record.FaultServer, remedy: "large_client_header_buffers"},
	{code: "WS523", name: "sticky", response: status("400 Bad Request"), body: `{"code":1,"message":"Session ID unknown"}`, title: "does not know the session", remedy: "sticky"},
	{code: "WS523", name: "compressed text is not read", response: status("400 Bad Request"), body: `{"code":3,"message":"Bad request"}`, change: func(c *record.Connection) { c.Facts.Upgrade.BodyEncoding = "gzip" }, title: "though the request is what", fault: record.FaultServer},
	{code: "WS523", name: "gorilla says no more than its version", response: status("400 Bad Request") + nginx + "Sec-Websocket-Version: 13\n", body: "Bad Request\n", title: "gorilla/websocket misses part of the handshake", fault: record.FaultIntermediary, remedy: "proxy_set_header"},
	{code: "WS523", name: "404", response: status("404 Not Found")},

	{code: "WS524", name: "basic", response: status("401 Unauthorized") + "WWW-Authenticate: Basic realm=\"x\"\n", title: "it wants Basic credentials, the request carries no credentials", fault: record.FaultClient},
	{code: "WS524", name: "wrong", request: goodRequest + "Authorization: Basic aHVudGVyMg==\n", response: status("401 Unauthorized"), title: ": the request's Authorization is not accepted"},
	{code: "WS524", name: "403", response: status("403 Forbidden")},

	{code: "WS525", name: "coder saw another host", request: goodRequest + "Origin: http://app.test\n", response: status("403 Forbidden") + nginx, body: `request Origin "http://app.test" is not authorized for Host "backend.internal"`,
		title: "coder/websocket does not allow this Origin for the Host that it got, though the page is on the very host", remedy: "proxy_set_header Host $host"},
	{code: "WS525", name: "another origin", request: goodRequest + "Origin: http://evil.test\n", response: status("403 Forbidden"), body: "Cross origin websockets not allowed", title: "Tornado does not allow this Origin", remedy: "Add the page's origin"},
	{code: "WS525", name: "plain", response: status("403 Forbidden"), title: "answered 403 Forbidden to GET /socket", fault: record.FaultServer},
	{code: "WS525", name: "origin", request: goodRequest + "Origin: http://evil.test\n", response: status("403 Forbidden"), title: "perhaps because of the Origin: the page is on evil.test, not on app.test", remedy: "origins"},
	{code: "WS525", name: "origin by its text", request: goodRequest + "Origin: http://evil.test\n", response: status("403 Forbidden"), body: "Failed to open a WebSocket connection: invalid Origin header: http://evil.test.", title: "does not allow this Origin"},
	{code: "WS525", name: "gorilla", request: goodRequest + "Origin: http://evil.test\n", response: status("403 Forbidden") + "Sec-Websocket-Version: 13\n", title: "gorilla/websocket's CheckOrigin does not allow a page on evil.test", remedy: "CheckOrigin"},
	{code: "WS525", name: "envoy", response: status("403 Forbidden") + "server: envoy\n", title: "as Envoy does where upgrades are not configured", remedy: "upgrade_configs", fault: record.FaultIntermediary},
	{code: "WS525", name: "behind envoy", response: status("403 Forbidden") + "server: envoy\nx-envoy-upstream-service-time: 3\n", title: "answered 403 Forbidden to GET /socket", remedy: "Look for this request", fault: record.FaultServer},
	{code: "WS525", name: "http/2", request: "CONNECT /socket HTTP/1.1\nHost: app.test\n", response: status("403"), change: overH2, title: "403 to CONNECT /socket"},
	{code: "WS525", name: "401", response: status("401 Unauthorized")},

	{code: "WS526", name: "404", request: instead(goodRequest, "/socket", "/nope?token=hunter2"), response: status("404 Not Found") + nginx, title: "404 Not Found to GET /nope?…", fault: record.FaultClient},
	{code: "WS526", name: "410", response: status("410 Gone"), title: "410 Gone", remedy: "gone for good"},
	{code: "WS526", name: "405", response: status("405 Method Not Allowed")},
	{code: "WS526", name: "cut by the end", response: status("404 Not Found"), change: func(c *record.Connection) { c.Facts.Upgrade.ResponseCut = true }},
	{code: "WS526", name: "cut by the capture", response: status("404 Not Found"), change: func(c *record.Connection) {
		c.Facts.Upgrade.ResponseCut, c.Facts.Upgrade.CutByCapture = true, true
	}, title: "404"},

	{code: "WS527", name: "405", response: status("405 Method Not Allowed"), title: "405 Method Not Allowed to GET /socket: this path does not take the method", fault: record.FaultUnknown},
	{code: "WS527", name: "418", response: status("418 I'm a teapot"), title: "418", fault: record.FaultUnknown},
	{code: "WS527", name: "431", response: status("431 Request Header Fields Too Large"), title: "too large", remedy: "cookies"},
	{code: "WS527", name: "407 is WS302", response: status("407 Proxy Authentication Required")},
	{code: "WS527", name: "426", response: status("426 Upgrade Required")},

	{code: "WS528", name: "nginx in front", response: status("426 Upgrade Required") + nginx, title: "nginx/1.22.1 at 10.0.0.5:80 answered 426 Upgrade Required to GET /socket, though the client's request has the Upgrade header: it did not reach the server behind nginx",
		fault: record.FaultIntermediary, remedy: "proxy_set_header Upgrade"},
	{code: "WS528", name: "apache in front", response: status("426 Upgrade Required") + "Server: Apache/2.4.71 (Debian)\n", title: "Apache/2.4.71", fault: record.FaultIntermediary, remedy: "upgrade=websocket"},
	{code: "WS528", name: "varnish in front", response: status("426 Upgrade Required") + "X-Varnish: 2\nVia: 1.1 varnish (Varnish/7.1)\n", title: "Varnish/7.1 at", fault: record.FaultIntermediary, remedy: "pipe"},
	{code: "WS528", name: "nobody named", response: status("426 Upgrade Required"), title: "a proxy on the way to the server probably took it off", fault: record.FaultIntermediary},
	{code: "WS528", name: "the server's leg", request: stripped, response: status("426 Upgrade Required"), title: "426", fault: record.FaultIntermediary},
	{code: "WS528", name: "wrong version", request: instead(goodRequest, "Version: 13", "Version: 8"), response: status("426 Upgrade Required") + "Sec-WebSocket-Version: 13\n", title: "426", fault: record.FaultClient},
	{code: "WS528", name: "old server", response: status("426 Upgrade Required") + "Sec-WebSocket-Version: 8\n", title: "it speaks version 8, the client 13", fault: record.FaultServer},
	{code: "WS528", name: "TLS first", response: status("426 Upgrade Required") + "Upgrade: TLS/1.2, HTTP/1.1\n", title: "it wants 'Upgrade: TLS/1.2, HTTP/1.1' first", fault: record.FaultClient},
	{code: "WS528", name: "400", response: status("400 Bad Request")},

	{code: "WS529", name: "nginx", response: status("429 Too Many Requests") + nginx + "Retry-After: 5\n", title: "429 Too Many Requests to GET /socket, Retry-After: 5", fault: record.FaultServer, remedy: "limit_req"},
	{code: "WS529", name: "503", response: status("503 Service Unavailable")},

	{code: "WS530", name: "hijacker", response: status("500 Internal Server Error"), body: "websocket: response does not implement http.Hijacker", title: "a middleware hides http.Hijacker", fault: record.FaultServer, remedy: "Hijacker"},
	{code: "WS530", name: "gorilla without a text", response: status("500 Internal Server Error") + "Sec-Websocket-Version: 13\n", title: "gorilla/websocket could not take the connection over", remedy: "Hijacker"},
	{code: "WS530", name: "501", response: status("501 Not Implemented"), title: "501"},
	{code: "WS530", name: "cloudflare", response: status("522 ") + "Server: cloudflare\n", title: "its connection to the origin timed out"},
	{code: "WS530", name: "502", response: status("502 Bad Gateway")},
	{code: "WS530", name: "404", response: status("404 Not Found")},

	{code: "WS531", name: "nginx", response: status("502 Bad Gateway") + nginx, title: "after 1 ms: it could not use the server behind it", fault: record.FaultIntermediary, remedy: "error.log"},
	{code: "WS531", name: "500", response: status("500 x")},

	{code: "WS532", name: "haproxy", response: status("503 Service Unavailable"), body: "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n",
		title: "HAProxy at 10.0.0.5:80 answered 503 Service Unavailable to GET /socket: no server behind it is up", fault: record.FaultServer, remedy: "termination state"},
	{code: "WS532", name: "squid", response: status("503 Service Unavailable") + "Server: squid/5.7\nX-Squid-Error: ERR_CONNECT_FAIL 111\n", title: "(ERR_CONNECT_FAIL 111): Squid could not connect to the server behind it", remedy: "From Squid's host"},
	{code: "WS532", name: "maintenance", response: status("503 Service Unavailable") + "Retry-After: 120\n", title: "Retry-After: 120"},
	{code: "WS532", name: "502", response: status("502 Bad Gateway")},

	{code: "WS533", name: "nginx", response: status("504 Gateway Time-out") + nginx, change: slowBy(3 * time.Second), title: "after 3.00 s: the server behind it did not answer", fault: record.FaultIntermediary, remedy: "upstream timed out"},
	{code: "WS533", name: "502", response: status("502 Bad Gateway")},

	{code: "WS549", name: "6 s", response: good101, change: slowBy(6 * time.Second), title: "took 6.00 s to answer GET /socket", fault: record.FaultServer},
	{code: "WS549", name: "dribbled", response: good101, change: func(c *record.Connection) { c.Facts.Upgrade.ResponseLast = at(8, 6*time.Second) }, title: "took 6.00 s to answer GET /socket: the answer began after 1 ms and came in pieces", remedy: "the whole header block at once"},
	{code: "WS549", name: "0.5 s", response: good101, change: slowBy(500 * time.Millisecond)},

	{code: "WS551", name: "zscaler", response: status("403 Forbidden") + "Server: Zscaler/6.2\n", title: "blocked by Zscaler, which answered 403 Forbidden (Server: Zscaler/6.2)", fault: record.FaultIntermediary, confidence: record.Certain},
	{code: "WS551", name: "fortiguard", response: status("403 Forbidden"), body: "<h1>FortiGuard Intrusion Prevention - Access Blocked</h1>", title: "FortiGuard"},
	{code: "WS551", name: "squid", response: status("403 Forbidden") + "Server: squid/5.7\nX-Squid-Error: ERR_ACCESS_DENIED 0\n", title: "Squid's access rules"},
	{code: "WS551", name: "meraki", response: status("302 Found") + "Location: http://wired.meraki.com:8090/blocked.cgi?blocked_url=hunter2\n", title: "Cisco Meraki"},
	{code: "WS551", name: "portal", response: status("200 OK") + "Server: CaptivePortal/2.1\n", title: "caught by a captive portal", remedy: "Log in"},
	{code: "WS551", name: "511", response: status("511 Network Authentication Required"), title: "captive portal"},
	{code: "WS551", name: "wording", response: status("403 Forbidden"), body: "Web Page Blocked", title: "a web filter", confidence: record.Likely},
	{code: "WS551", name: "a server's 403", response: status("403 Forbidden") + nginx, body: "Forbidden"},
	{code: "WS551", name: "squid's other errors", response: status("503 Service Unavailable") + "X-Squid-Error: ERR_CONNECT_FAIL 111\n"},
}

func slowBy(d time.Duration) change {
	return func(c *record.Connection) {
		c.Facts.Upgrade.ResponseRef, c.Facts.Upgrade.ResponseLast = at(7, time.Millisecond+d), at(7, time.Millisecond+d)
	}
}

// ended ends the TCP connection.
func ended(by record.Dir, how string, after time.Duration) change {
	return func(c *record.Connection) {
		t := &c.Facts.TCP
		t.End, t.EndBy, t.EndHow = at(8, after), by, how
		if how == "fin" {
			t.Sides[by].FIN = t.End
		} else {
			t.Resets = []record.Reset{{Ref: t.End, From: by}}
		}
	}
}

func both(a, b change) change {
	return func(c *record.Connection) { a(c); b(c) }
}

var silenceCases = []caseOf{
	{code: "WS534", name: "client gives up", change: ended(record.Client, "fin", 4*time.Second), title: "acknowledged GET /socket but sent no response: the client gave up after 4.00 s", fault: record.FaultServer},
	{code: "WS534", name: "client leaves at once", change: ended(record.Client, "rst", 11*time.Millisecond), title: "gave up 10 ms after GET /socket, before a response had come", fault: record.FaultClient},
	{code: "WS534", name: "a client's own limit", request: goodRequest + "User-Agent: Python/3.11 websockets/10.4\n", change: ended(record.Client, "fin", 10*time.Second),
		title: ", the limit of Python websockets"},
	{code: "WS534", name: "the request never ends", change: both(cutRequest, ended(record.Client, "fin", 4*time.Second)), title: "its head lacks the empty line (CR LF CR LF), so it got no response", fault: record.FaultClient, confidence: record.Certain},
	{code: "WS534", name: "the capture lacks the request's end", change: both(both(cutRequest, ended(record.Client, "fin", 4*time.Second)), func(c *record.Connection) { c.Facts.TCP.GapBytes[record.Client] = 9 })},
	{code: "WS535", name: "the request never ends", change: both(cutRequest, ended(record.Server, "fin", 4*time.Second)), title: "GET /socket of the client does not end", fault: record.FaultClient},
	{code: "WS527", name: "the request never ends", response: status("408 Request Timeout"), change: both(cutRequest, ended(record.Server, "fin", 4*time.Second)), title: "its head lacks the empty line", fault: record.FaultClient},
	{code: "WS534", name: "capture ends", change: func(c *record.Connection) { c.Facts.Last = at(9, 3*time.Second) }, title: "the capture ended"},
	{code: "WS534", name: "the answer was lost on the path", change: both(ended(record.Client, "fin", 4*time.Second), func(c *record.Connection) {
		c.Facts.TCP.Gaps = []record.Gap{{Ref: at(9, 4*time.Second), From: record.Server, Length: 129, Kind: "lost", Unacked: true}}
	}), title: "sent 129 bytes in answer to GET /socket that never arrived", fault: record.FaultIntermediary},
	{code: "WS534", name: "http/2", change: both(overH2, func(c *record.Connection) {
		c.Facts.H2.Reset = &record.H2Reset{Ref: at(8, 3*time.Second), Dir: record.Client}
	}), title: "the client gave up"},
	{code: "WS534", name: "not acknowledged", change: both(ended(record.Client, "fin", 4*time.Second), func(c *record.Connection) { c.Facts.Upgrade.RequestAcked = false })},
	{code: "WS534", name: "one way", change: both(ended(record.Client, "fin", 4*time.Second), func(c *record.Connection) { c.Facts.TCP.OneWay = true })},
	{code: "WS534", name: "the capture lacks it", change: both(ended(record.Client, "fin", 4*time.Second), func(c *record.Connection) {
		c.Facts.TCP.Gaps = []record.Gap{{Ref: at(5, 0), From: record.Server, Length: 129, Kind: "lost"}}
	})},
	{code: "WS534", name: "too early to say", change: func(c *record.Connection) { c.Facts.Last = at(9, 100*time.Millisecond) }},
	{code: "WS534", name: "reset by the server", change: ended(record.Server, "rst", time.Second)},
	{code: "WS534", name: "answered", response: good101},

	{code: "WS535", name: "close_notify", change: both(ended(record.Server, "fin", time.Second), func(c *record.Connection) {
		c.Facts.TCP.Notified, c.Facts.TCP.Sides[record.Server].FIN = true, record.Ref{}
	}), title: "closed the connection"},
	{code: "WS535", name: "at once", change: ended(record.Server, "fin", 3*time.Millisecond), title: "10.0.0.5:80 closed the connection 2 ms after GET /socket without a response", fault: record.FaultServer},
	{code: "WS535", name: "TLS port", change: both(ended(record.Server, "fin", time.Second), func(c *record.Connection) { c.Server = netip.MustParseAddrPort("10.0.0.5:8443") }),
		title: "the port usually speaks TLS", fault: record.FaultClient, remedy: "wss://"},
	{code: "WS535", name: "interim", change: both(ended(record.Server, "fin", time.Second), func(c *record.Connection) { c.Facts.Upgrade.Interim = 1 }), title: "only an interim answer"},
	{code: "WS535", name: "before the request", change: ended(record.Server, "fin", -time.Second), title: "closed the connection before it had got GET /socket"},
	{code: "WS535", name: "the client closes first", change: ended(record.Client, "fin", time.Second)},
	{code: "WS535", name: "reset", change: ended(record.Server, "rst", time.Second)},
	{code: "WS535", name: "not HTTP", change: both(ended(record.Server, "fin", time.Second), answeredBy("SSH-2.0-x\r\n"))},

	{code: "WS536", name: "ssh", change: answeredBy("SSH-2.0-OpenSSH_9\r\n"), title: "answered GET /socket with an SSH server's greeting, expected HTTP", fault: record.FaultServer},
	{code: "WS536", name: "no status code", change: answeredBy("HTTP/1.1 OK\r\n"), title: "with a status line without a status code"},
	{code: "WS536", name: "frame", change: answeredBy("\x81\x05hello"), title: "a WebSocket frame without a handshake"},
	{code: "WS536", name: "http/2", change: answeredBy("\x00\x00\x12\x04\x00\x00\x00\x00\x00"), title: "HTTP/2 frames", remedy: "HTTP/1.1 too"},
	{code: "WS536", name: "text", change: answeredBy("hello from elsewhere\r\n"), title: "text that is no HTTP (beginning 'hello from elsew')"},
	{code: "WS536", name: "binary", change: answeredBy("\x00\x01\x02\x03hunter2"), title: "beginning 00 01 02 03"},
	{code: "WS536", name: "TLS alert is WS412", change: both(answeredBy("\x15\x03\x01\x00\x02\x02\x46"), func(c *record.Connection) { c.Facts.Upgrade.TLSAnswer = true })},
	{code: "WS536", name: "http", response: good101},

	{code: "WS537", name: "fin", response: status("101 Switching Protocols"), change: both(ended(record.Server, "fin", time.Second), cutResponse), title: "not complete when the connection ended (FIN of the server)", fault: record.FaultServer},
	{code: "WS537", name: "by the capture", response: status("101 Switching Protocols"), change: both(both(ended(record.Server, "fin", time.Second), cutResponse), func(c *record.Connection) { c.Facts.Upgrade.CutByCapture = true })},
	{code: "WS537", name: "still open", response: status("101 Switching Protocols"), change: cutResponse},
	{code: "WS537", name: "whole", response: good101, change: ended(record.Server, "fin", time.Second)},

	{code: "WS548", name: "with the request", response: good101, change: early, title: "sent 11 bytes after its request", fault: record.FaultClient},
	{code: "WS548", name: "hixie-76", request: "GET / HTTP/1.1\nHost: a\nUpgrade: WebSocket\nSec-WebSocket-Key1: 1\nSec-WebSocket-Key2: 2\n", change: early},
	{code: "WS548", name: "waits", response: good101},
	{code: "WS548", name: "the answer is not in the capture", change: both(early, func(c *record.Connection) { c.Facts.TCP.OneWay = true })},
	{code: "WS548", name: "no answer came", change: early, title: "without waiting"},
}

var cutResponse change = func(c *record.Connection) { c.Facts.Upgrade.ResponseCut = true; c.Facts.WS = nil }

var early change = func(c *record.Connection) {
	c.Facts.Upgrade.EarlyData, c.Facts.Upgrade.EarlyDataRef = 11, at(5, time.Millisecond)
}

func answeredBy(text string) change {
	return func(c *record.Connection) {
		c.Facts.Upgrade.NotHTTP, c.Facts.Upgrade.NotHTTPRef = []byte(text), at(6, 0)
	}
}

// accept is the 101 with another Sec-WebSocket-Accept.
func accept(value string) string {
	return strings.Replace(good101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", value, 1)
}

var otherKey = instead(goodRequest, "dGhlIHNhbXBsZSBub25jZQ==", "x3JJHMbDL1EzLkh9GBhXDw==")

var switchCases = []caseOf{
	{code: "WS540", name: "missing", response: without(good101, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), title: "101 without Sec-WebSocket-Accept, expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", fault: record.FaultServer},
	{code: "WS540", name: "there", response: good101},
	{code: "WS540", name: "cut", response: status("101 x"), change: cutResponse},
	{code: "WS540", name: "http/2", response: status("200"), change: overH2},

	{code: "WS541", name: "unknown", response: accept("ICX+Yqv66kxgM0FcWaLWlFLwTAI="), title: "'ICX+Yqv66kxgM0FcWaLWlFLwTAI=', expected 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='", fault: record.FaultUnknown},
	{code: "WS541", name: "another case", response: accept("S3PPLMBITXAQ9KYGZZHZRBK+XOO="), title: "only upper and lower case differ", fault: record.FaultUnknown},
	{code: "WS541", name: "the key itself", response: accept("dGhlIHNhbXBsZSBub25jZQ=="), title: "it is the key itself", fault: record.FaultServer},
	{code: "WS541", name: "no GUID", response: accept("hHLtf2V1k8aDQZfNjw3Ia1hCwt0="), title: "the GUID was left out", fault: record.FaultServer},
	{code: "WS541", name: "the example", request: otherKey, response: good101, title: "the example of RFC 6455", fault: record.FaultServer},
	{code: "WS541", name: "not a digest", response: accept("abc"), title: "not the base64 of 20 bytes", fault: record.FaultServer},
	{code: "WS541", name: "twice", response: good101 + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n", title: "2 Sec-WebSocket-Accept fields"},
	{code: "WS541", name: "a key changed on the way", response: accept("ICX+Yqv66kxgM0FcWaLWlFLwTAI="), change: elsewhere(2 * time.Millisecond), title: "it fits the key of connection 77", fault: record.FaultIntermediary},
	{code: "WS541", name: "replayed is WS542", response: accept("ICX+Yqv66kxgM0FcWaLWlFLwTAI="), change: elsewhere(-time.Minute)},
	{code: "WS541", name: "right", response: good101},
	{code: "WS541", name: "no request", request: "-", response: good101},

	{code: "WS542", name: "replayed", response: accept("ICX+Yqv66kxgM0FcWaLWlFLwTAI="), change: elsewhere(-time.Minute), title: "the Sec-WebSocket-Accept of connection 77: a cache replayed", fault: record.FaultIntermediary, remedy: "cache"},
	{code: "WS542", name: "a later connection", response: accept("ICX+Yqv66kxgM0FcWaLWlFLwTAI="), change: elsewhere(2 * time.Millisecond)},
	{code: "WS542", name: "right", response: good101},

	{code: "WS543", name: "both gone", response: without(without(good101, "Upgrade: websocket"), "Connection: Upgrade"), title: "no Connection field and no Upgrade field, expected 'Connection: Upgrade' and 'Upgrade: websocket'", fault: record.FaultIntermediary, confidence: record.Likely},
	{code: "WS543", name: "no upgrade", response: without(good101, "Upgrade: websocket"), title: "with no Upgrade field", fault: record.FaultServer},
	{code: "WS543", name: "h2c", response: instead(good101, "Upgrade: websocket", "Upgrade: h2c"), title: "'Upgrade: h2c', expected 'Upgrade: websocket'", fault: record.FaultServer},
	{code: "WS543", name: "close, by nginx", response: instead(good101, "Connection: Upgrade", "Connection: close") + nginx, title: "'Connection: close'", fault: record.FaultIntermediary},
	{code: "WS543", name: "twice", response: good101 + "Upgrade: websocket\n", title: "'Upgrade: websocket, websocket'"},
	{code: "WS543", name: "case and company", response: instead(instead(good101, "Upgrade: websocket", "Upgrade: WebSocket"), "Connection: Upgrade", "Connection: keep-alive, upgrade")},

	{code: "WS544", name: "another", request: goodRequest + "Sec-WebSocket-Protocol: chat.v1\n", response: good101 + "Sec-WebSocket-Protocol: chat.v9\n", title: "selected the subprotocol 'chat.v9', the client offered 'chat.v1'", fault: record.FaultServer},
	{code: "WS544", name: "case", request: goodRequest + "Sec-WebSocket-Protocol: chat.v1\n", response: good101 + "Sec-WebSocket-Protocol: Chat.V1\n", title: "'Chat.V1'"},
	{code: "WS544", name: "none offered", response: good101 + "Sec-WebSocket-Protocol: chat.v9\n", title: "the client offered none"},
	{code: "WS544", name: "two", request: goodRequest + "Sec-WebSocket-Protocol: a, b\n", response: good101 + "Sec-WebSocket-Protocol: a, b\n", title: "several subprotocols ('a', 'b'), expected one", remedy: "or none."},
	{code: "WS544", name: "http/2", request: goodRequest + "Sec-WebSocket-Protocol: a\n", response: status("200") + "Sec-WebSocket-Protocol: b\n", change: overH2, title: "'b'"},
	{code: "WS544", name: "one of two", request: goodRequest + "Sec-WebSocket-Protocol: a\nSec-WebSocket-Protocol: b\n", response: good101 + "Sec-WebSocket-Protocol: b\n"},
	{code: "WS544", name: "refused", response: status("404 x") + "Sec-WebSocket-Protocol: b\n"},

	{code: "WS545", name: "none", request: goodRequest + "Sec-WebSocket-Protocol: chat.v2, chat.v1\n", response: good101, title: "offered the subprotocols 'chat.v2', 'chat.v1' and the server at", fault: record.FaultServer},
	{code: "WS545", name: "client leaves", request: goodRequest + "Sec-WebSocket-Protocol: chat\n", response: good101, change: ended(record.Client, "fin", time.Second/2), title: "left without a frame"},
	{code: "WS545", name: "client leaves later", request: goodRequest + "Sec-WebSocket-Protocol: chat\n", response: good101, change: ended(record.Client, "fin", 3*time.Second), title: "left without a frame"},
	{code: "WS545", name: "a token is not shown", request: goodRequest + "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.hunter2\n", response: good101, title: "a token"},
	{code: "WS545", name: "selected", request: goodRequest + "Sec-WebSocket-Protocol: chat\n", response: good101 + "Sec-WebSocket-Protocol: chat\n"},
	{code: "WS545", name: "none offered", response: good101},

	{code: "WS546", name: "not offered", response: good101 + "Sec-WebSocket-Extensions: permessage-deflate\n", title: "answered with the extension 'permessage-deflate', which was not offered", fault: record.FaultServer},
	{code: "WS546", name: "unknown", request: deflateOffer(""), response: good101 + "Sec-WebSocket-Extensions: x-foo\n", title: "'x-foo', which was not offered"},
	{code: "WS546", name: "bits 16", request: deflateOffer(""), response: deflateAnswer("; server_max_window_bits=16"), title: "server_max_window_bits has the invalid value 16"},
	{code: "WS546", name: "client bits unoffered", request: deflateOffer(""), response: deflateAnswer("; client_max_window_bits=10"), title: "client_max_window_bits was not offered"},
	{code: "WS546", name: "unknown parameter", request: deflateOffer(""), response: deflateAnswer("; foo=1"), title: "unknown parameter foo"},
	{code: "WS546", name: "twice", request: deflateOffer(""), response: deflateAnswer(", permessage-deflate"), title: "accepted twice"},
	{code: "WS546", name: "larger window", request: deflateOffer("; server_max_window_bits=10"), response: deflateAnswer("; server_max_window_bits=12"), title: "larger than offered"},
	{code: "WS546", name: "parameter twice", request: deflateOffer(""), response: deflateAnswer("; server_no_context_takeover; server_no_context_takeover"), title: "more than once"},
	{code: "WS546", name: "plain", request: deflateOffer("; client_max_window_bits"), response: deflateAnswer("")},
	{code: "WS546", name: "with parameters", request: deflateOffer("; client_max_window_bits"), response: deflateAnswer("; client_max_window_bits=12; server_no_context_takeover")},
	{code: "WS546", name: "declined", request: deflateOffer(""), response: good101},
	{code: "WS546", name: "unsolicited window", request: deflateOffer(""), response: deflateAnswer("; server_max_window_bits=12; client_no_context_takeover")},

	{code: "WS547", name: "1.0", response: instead(good101, "HTTP/1.1", "HTTP/1.0"), title: "answered HTTP/1.0 101, expected HTTP/1.1", fault: record.FaultIntermediary},
	{code: "WS547", name: "a refusal", response: "HTTP/1.0 404 Not Found\n"},
	{code: "WS547", name: "1.1", response: good101},

	{code: "WS550", name: "length", response: good101 + "Content-Length: 0\n", title: "'Content-Length: 0', expected neither", fault: record.FaultServer},
	{code: "WS550", name: "coding", response: good101 + "Transfer-Encoding: chunked\n", title: "'Transfer-Encoding: chunked'"},
	{code: "WS550", name: "none", response: good101},
	{code: "WS550", name: "of a page", response: status("200 OK") + "Content-Length: 5\n"},
}

func deflateOffer(params string) string {
	return goodRequest + "Sec-WebSocket-Extensions: permessage-deflate" + params + "\n"
}

func deflateAnswer(params string) string {
	return good101 + "Sec-WebSocket-Extensions: permessage-deflate" + params + "\n"
}

// elsewhere: the Accept value fits another connection's key.
func elsewhere(after time.Duration) change {
	return func(c *record.Connection) {
		c.Facts.KeyElsewhere = &record.OtherConnection{ID: "77", Ref: at(2, after)}
	}
}
