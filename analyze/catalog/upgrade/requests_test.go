package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func without(head, line string) string { return strings.Replace(head, line+"\n", "", 1) }

func instead(head, line, other string) string { return strings.Replace(head, line, other, 1) }

var cutRequest change = func(c *record.Connection) { c.Facts.Upgrade.RequestCut = true }

var overH2 change = func(c *record.Connection) { c.Facts.H2 = &record.H2Facts{ConnectEnabled: true} }

var overTLS change = func(c *record.Connection) { c.Scheme, c.Facts.TLS = "wss", &record.TLSFacts{} }

var requestCases = []caseOf{
	{code: "WS501", name: "nginx", request: stripped, title: "has Sec-WebSocket-Key but no 'Upgrade: websocket': a proxy took it off, nginx by default does so (HTTP/1.0, Connection: close)",
		fault: record.FaultIntermediary, confidence: record.Certain, remedy: "proxy_set_header Upgrade"},
	{code: "WS501", name: "nginx over HTTP/1.1", request: instead(stripped, "HTTP/1.0", "HTTP/1.1"), title: "nginx by default", remedy: "proxy_http_version 1.1"},
	{code: "WS501", name: "squid", request: without(without(goodRequest, "Upgrade: websocket"), "Connection: Upgrade") + "Via: 1.1 proxy.test (squid/5.7)\nConnection: keep-alive\n",
		title: "Squid took it off (Via: 1.1 proxy.test (squid/5.7))", remedy: "http_upgrade_request_protocols"},
	{code: "WS501", name: "apache", request: without(goodRequest, "Upgrade: websocket") + "X-Forwarded-Host: a\nX-Forwarded-Server: a\n", title: "like Apache", remedy: "upgrade=websocket"},
	{code: "WS501", name: "lighttpd", request: without(without(goodRequest, "Upgrade: websocket"), "Connection: Upgrade") + "X-Forwarded-For: 10.9.9.9\nX-Host: a\nX-Forwarded-Host: a\nX-Forwarded-Proto: http\nConnection: close\n",
		title: "like lighttpd took it off", remedy: "proxy.header"},
	{code: "WS501", name: "varnish", request: without(goodRequest, "Upgrade: websocket") + "X-Varnish: 3\n", title: "Varnish", remedy: "pipe"},
	{code: "WS501", name: "another proxy", request: without(goodRequest, "Upgrade: websocket") + "X-Forwarded-For: 10.9.9.9\n", title: "a proxy took it off (X-Forwarded-For"},
	{code: "WS501", name: "only Upgrade is gone", request: without(goodRequest, "Upgrade: websocket"), title: "while 'Connection: Upgrade' is there", fault: record.FaultIntermediary, confidence: record.Likely},
	{code: "WS501", name: "its name was written over", request: instead(goodRequest, "Upgrade: websocket", "X-radee: websocket"), title: "a device on the path wrote 'X-radee: websocket' over it", fault: record.FaultIntermediary, confidence: record.Likely},
	{code: "WS501", name: "a browser's fields", request: without(goodRequest, "Upgrade: websocket") + "Sec-Fetch-Mode: websocket\n", title: "while 'Connection: Upgrade' is there"},
	{code: "WS501", name: "another protocol", request: instead(goodRequest, "Upgrade: websocket", "Upgrade: h2c"), title: "'Upgrade: h2c', expected 'Upgrade: websocket'", fault: record.FaultClient},
	{code: "WS501", name: "whole request", response: good101},
	{code: "WS501", name: "several protocols", request: instead(goodRequest, "Upgrade: websocket", "Upgrade: foo, WebSocket")},
	{code: "WS501", name: "a page request", request: "GET / HTTP/1.1\nHost: app.test\n"},
	{code: "WS501", name: "the request is cut", request: stripped, change: cutRequest},
	{code: "WS501", name: "http/2", request: stripped, change: overH2},

	{code: "WS502", name: "keep-alive", request: instead(goodRequest, "Connection: Upgrade", "Connection: keep-alive"), title: "'Connection: keep-alive', expected 'Connection: Upgrade'",
		fault: record.FaultIntermediary, confidence: record.Likely, remedy: "If the client wrote this request itself, let it send 'Connection: Upgrade'. Make every proxy"},
	{code: "WS502", name: "missing, by a proxy", request: without(goodRequest, "Connection: Upgrade") + "X-Real-IP: 10.9.9.9\n", title: "no Connection field", confidence: record.Certain},
	{code: "WS502", name: "firefox", request: instead(goodRequest, "Connection: Upgrade", "Connection: keep-alive, Upgrade")},
	{code: "WS502", name: "no Upgrade either", request: stripped},
	{code: "WS502", name: "the request is cut", request: without(goodRequest, "Connection: Upgrade"), change: cutRequest},

	{code: "WS503", name: "version 8", request: instead(goodRequest, "Version: 13", "Version: 8"), title: "'Sec-WebSocket-Version: 8', expected 13", fault: record.FaultClient},
	{code: "WS503", name: "missing", request: without(goodRequest, "Sec-WebSocket-Version: 13"), title: "no Sec-WebSocket-Version, expected 13"},
	{code: "WS503", name: "the server says what it speaks", request: instead(goodRequest, "Version: 13", "Version: 14"), response: "HTTP/1.1 426 Upgrade Required\nSec-WebSocket-Version: 13, 8\n",
		title: "expected 13; the server speaks 13, 8"},
	{code: "WS503", name: "version 13", response: good101},
	{code: "WS503", name: "hixie-76 is WS507", request: "GET / HTTP/1.1\nHost: a\nUpgrade: WebSocket\nConnection: Upgrade\nSec-WebSocket-Key1: 1\nSec-WebSocket-Key2: 2\n"},

	{code: "WS504", name: "missing", request: without(goodRequest, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), title: "no Sec-WebSocket-Key", fault: record.FaultClient},
	{code: "WS504", name: "two", request: goodRequest + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n", title: "2 Sec-WebSocket-Key fields, expected one"},
	{code: "WS504", name: "15 bytes", request: instead(goodRequest, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), title: "decodes to 15 bytes, expected 16"},
	{code: "WS504", name: "not base64", request: instead(goodRequest, "dGhlIHNhbXBsZSBub25jZQ==", "!!!!IHNhbXBsZSBub25jZQ=="), title: "is not base64 (24 characters)"},
	{code: "WS504", name: "valid"},
	{code: "WS504", name: "http/2 has no key", request: without(goodRequest, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), change: overH2},

	{code: "WS505", name: "post", request: instead(goodRequest, "GET", "POST"), title: "uses POST, expected GET", fault: record.FaultClient},
	{code: "WS505", name: "head", request: instead(goodRequest, "GET", "HEAD"), title: "uses HEAD, expected GET", fault: record.FaultClient, remedy: "without -I"},
	{code: "WS505", name: "http/1.0", request: instead(goodRequest, "HTTP/1.1", "HTTP/1.0"), title: "uses HTTP/1.0, expected HTTP/1.1", fault: record.FaultClient, remedy: "proxy_http_version"},
	{code: "WS505", name: "http/1.0 by a proxy", request: instead(goodRequest, "HTTP/1.1", "HTTP/1.0") + "X-Forwarded-For: 10.9.9.9\n", title: "a proxy wrote it", fault: record.FaultIntermediary},
	{code: "WS505", name: "http/1.0 of a proxy that strips", request: stripped, title: "HTTP/1.0", fault: record.FaultIntermediary},
	{code: "WS505", name: "get"},
	{code: "WS505", name: "extended connect", request: "CONNECT /socket HTTP/1.1\nHost: a\n", change: overH2},

	{code: "WS506", name: "none", request: without(goodRequest, "Host: app.test"), title: "no Host field", fault: record.FaultClient},
	{code: "WS506", name: "two", request: goodRequest + "Host: evil.test\n", title: "2 Host fields (app.test, evil.test), expected one"},
	{code: "WS506", name: "one"},
	{code: "WS506", name: "cut", request: without(goodRequest, "Host: app.test"), change: cutRequest},

	{code: "WS507", name: "hixie-76", request: "GET / HTTP/1.1\nHost: a\nUpgrade: WebSocket\nConnection: Upgrade\nSec-WebSocket-Key1: 1 2\nSec-WebSocket-Key2: 2\n", title: "hixie-76", fault: record.FaultClient},
	{code: "WS507", name: "hixie-75", request: "GET / HTTP/1.1\nUpgrade: WebSocket\nConnection: Upgrade\nHost: a\nOrigin: http://a\n", title: "hixie-75"},
	{code: "WS507", name: "hybi-10", request: instead(goodRequest, "Version: 13", "Version: 8") + "Sec-WebSocket-Origin: http://a\n", title: "hybi-10"},
	{code: "WS507", name: "hybi-07", request: instead(goodRequest, "Version: 13", "Version: 7"), title: "hybi-07"},
	{code: "WS507", name: "today's"},
	{code: "WS507", name: "only the key is missing", request: without(goodRequest, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")},
	{code: "WS507", name: "a plain request", request: "GET / HTTP/1.1\nHost: a\n"},

	{code: "WS508", name: "another host", request: goodRequest + "Origin: http://evil.test\n", title: "The page is on evil.test, the WebSocket goes to app.test", fault: record.FaultClient},
	{code: "WS508", name: "an extension", request: goodRequest + "Origin: chrome-extension://abcdef\n", title: "The Origin is 'chrome-extension://abcdef', the WebSocket goes to app.test"},
	{code: "WS508", name: "same host", request: goodRequest + "Origin: http://APP.test\n"},
	{code: "WS508", name: "another port", request: goodRequest + "Origin: http://app.test:8000\n"},
	{code: "WS508", name: "null", request: goodRequest + "Origin: null\n"},
	{code: "WS508", name: "a proxy changed Host", request: instead(goodRequest, "Host: app.test", "Host: 10.0.0.2:8080") + "Origin: http://app.test\nX-Forwarded-Host: app.test\n"},
	{code: "WS508", name: "ipv6", request: instead(goodRequest, "Host: app.test", "Host: [fd00::1]:80") + "Origin: http://[fd00::1]\n"},

	{code: "WS509", name: "a client without a browser", request: goodRequest + "Origin: https://app.test\n", title: "'https://app.test' but opened ws://", fault: record.FaultClient, confidence: record.Certain},
	{code: "WS509", name: "a browser, which would have blocked it", request: chrome},
	{code: "WS509", name: "a hop behind a proxy", request: goodRequest + "Origin: https://app.test\n", change: func(c *record.Connection) { c.HopOf = "1" }},
	{code: "WS509", name: "behind a proxy that says so", request: goodRequest + "Origin: https://app.test\nX-Forwarded-Proto: https\n"},
	{code: "WS509", name: "over TLS", request: goodRequest + "Origin: https://app.test\n", change: overTLS},
	{code: "WS509", name: "http page", request: goodRequest + "Origin: http://app.test\n"},
	{code: "WS509", name: "localhost", request: goodRequest + "Origin: https://app.test\n", change: func(c *record.Connection) { c.Server = loopback }},

	{code: "WS510", name: "authorization", request: goodRequest + "Authorization: Bearer hunter2\n", title: "without TLS: Authorization", fault: record.FaultClient},
	{code: "WS510", name: "cookie and token", request: instead(goodRequest, "/socket", "/socket?room=1&Access_Token=hunter2") + "Cookie: sid=hunter2\n", title: "Cookie, the parameter access_token of the URL"},
	{code: "WS510", name: "token as subprotocol", request: goodRequest + "Sec-WebSocket-Protocol: chat, eyJhbGciOiJIUzI1NiJ9.eyJhIjoiaHVudGVyMiJ9.x\n", title: "a token as a subprotocol"},
	{code: "WS510", name: "proxy credentials", change: func(c *record.Connection) {
		c.Facts.Tunnel = &record.TunnelFacts{RequestRef: at(2, 0), Opened: true}
		c.Facts.Tunnel.Request = c.Facts.Upgrade.Request
	}, request: goodRequest + "Proxy-Authorization: Basic aHVudGVyMg==\n", title: "Proxy-Authorization (Basic) in CONNECT"},
	{code: "WS510", name: "over TLS", request: goodRequest + "Cookie: a=b\n", change: overTLS},
	{code: "WS510", name: "session id of Engine.IO", request: instead(goodRequest, "/socket", "/socket.io/?EIO=4&sid=x&token=")},
	{code: "WS510", name: "loopback", request: goodRequest + "Cookie: a=b\n", change: func(c *record.Connection) { c.Server = loopback }},
}
