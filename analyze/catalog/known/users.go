package known

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Kind is what a client ran into, by which it chooses its message.
type Kind string

const (
	SawStatus            Kind = "status"             // args: the status
	SawUnauthorized      Kind = "unauthorized"       // 401
	SawProxyAuth         Kind = "proxy-auth"         // 407
	SawUpgradeMissing    Kind = "upgrade-missing"    // in the 101
	SawUpgradeWrong      Kind = "upgrade-wrong"      // args: its value
	SawConnectionMissing Kind = "connection-missing" //
	SawConnectionWrong   Kind = "connection-wrong"   //
	SawAcceptMissing     Kind = "accept-missing"     //
	SawAcceptWrong       Kind = "accept-wrong"       //
	SawProtocolUnasked   Kind = "protocol-unasked"   // args: the protocol
	SawProtocolMismatch  Kind = "protocol-mismatch"  // args: the protocol
	SawProtocolNone      Kind = "protocol-none"      //
	SawExtension         Kind = "extension"          // args: the extension
	SawDeflate           Kind = "deflate"            // args: the problem
	SawVersion10         Kind = "http10"             //
	SawNoAnswer          Kind = "no-answer"          // waited until its own timer
	SawClosedUnanswered  Kind = "closed-unanswered"  // FIN before any byte
	SawResetUnanswered   Kind = "reset-unanswered"   // RST before any byte
	SawNotHTTP           Kind = "not-http"           //
	SawResponseCut       Kind = "response-cut"       //
	SawRefused           Kind = "refused"            // TCP
	SawConnectTimeout    Kind = "connect-timeout"    // TCP
	SawHostUnreachable   Kind = "host-unreachable"   // ICMP, as Linux tells it: EHOSTUNREACH
	SawNetUnreachable    Kind = "net-unreachable"    // ENETUNREACH
	SawDenied            Kind = "denied"             // EACCES, of ICMPv6
	SawTunnel            Kind = "tunnel"             // args: the status
	SawAbnormal          Kind = "abnormal"           // 1006 after it opened
	SawResetOpen         Kind = "reset-open"         // RST after it opened
	SawCloseCode         Kind = "close-code"         // args: code
	SawMasked            Kind = "masked"             // frames of the server
	SawReservedBits      Kind = "reserved-bits"      // RSV1
	SawReserved23        Kind = "reserved-23"        // RSV2 or RSV3; args: as gorilla lists them
	SawOpcode            Kind = "opcode"             // args: the opcode
	SawContinuation      Kind = "continuation"       //
	SawUnfinished        Kind = "unfinished"         // a new message inside an unfinished one
	SawUTF8              Kind = "utf8"               //
	SawControlFIN        Kind = "control-fin"        // a fragmented control frame
	SawControlLength     Kind = "control-length"     // args: the length
	SawCloseCodeBad      Kind = "close-code-bad"     // args: the code
	SawCloseShort        Kind = "close-short"        // one byte of payload
	SawCloseUTF8         Kind = "close-utf8"         // the reason
	SawInflate           Kind = "inflate"            // a message that does not inflate
	SawFrame             Kind = "frame"              // another frame error
	SawMixedContent      Kind = "mixed-content"      //
	SawTooBig            Kind = "too-big"            //
	SawKeepalive         Kind = "keepalive"          // no Pong
)

const handshake = "Error during WebSocket handshake: "

// frameError is how aiohttp hands a broken frame to the application.
const frameError = "WSMsgType.ERROR: "

// jettyStatus is how Jetty begins to tell of a status, and javaRefuses all that
// Java-WebSocket tells of a bad 101.
const (
	jettyStatus = "Failed to upgrade to websocket: Unexpected HTTP Response Status Code: "
	javaRefuses = "onClose 1002, draft … refuses handshake"
)

// undiciFailed is the error event of Node.js's own WebSocket for all that goes
// wrong before a 101; undici 7.30 leaves the texts of its error events empty.
const (
	undiciFailed = "Received network error or non-101 status code." + emptied
	emptied      = " (empty in newer versions)"
)

// unexpected101 is what Node.js's http module makes of a 101 that lacks Upgrade or
// 'Connection: Upgrade': a response like any other (nodejs/node:lib/_http_client.js).
const unexpected101 = "Unexpected server response: 101"

// older marks texts of Safari before it used the system's WebSocket
// (NSURLSession): WebKit's own.
const older = " (older versions)"

// messageSources are the files that have an engine's texts; where a text is
// not in them the row says so.
var messageSources = map[Engine][]string{
	Chromium: {"chromium/chromium:net/websockets/websocket_basic_handshake_stream.cc", "chromium/chromium:net/websockets/websocket_handshake_stream_base.cc",
		"chromium/chromium:net/websockets/websocket_stream.cc", "chromium/chromium:net/websockets/websocket_channel.cc", "chromium/chromium:net/websockets/websocket_deflate_parameters.cc",
		"chromium/chromium:net/http/http_stream_parser.cc", "chromium/chromium:net/base/net_error_list.h", "chromium/chromium:third_party/blink/renderer/core/loader/mixed_content_checker.cc"},
	Firefox: {"mozilla/gecko-dev:dom/websocket/WebSocket.cpp", "mozilla/gecko-dev:dom/locales/en-US/chrome/appstrings.properties",
		"mozilla/gecko-dev:security/manager/locales/en-US/chrome/pipnss/nsserrors.properties", "mozilla/gecko-dev:security/nss/lib/ssl/ssl3con.c",
		"mozilla/gecko-dev:netwerk/base/nsSocketTransport2.cpp"},
	Safari: {"WebKit/WebKit:Source/WebCore/Modules/websockets/WebSocketHandshake.cpp", "https://github.com/miroslavpejic85/mirotalk/issues/227"},
	Node: {"websockets/ws:lib/websocket.js", "websockets/ws:lib/receiver.js", "nodejs/node:lib/_http_client.js", "nodejs/node:lib/_tls_wrap.js",
		"openssl/openssl:crypto/x509/x509_txt.c", "openssl/openssl:ssl/ssl_stat.c"},
	Python: {"python-websockets/websockets:src/websockets/exceptions.py", "python-websockets/websockets:src/websockets/client.py",
		"python-websockets/websockets:src/websockets/protocol.py", "python-websockets/websockets:src/websockets/frames.py",
		"python-websockets/websockets:src/websockets/asyncio/client.py", "openssl/openssl:crypto/x509/x509_txt.c", "openssl/openssl:ssl/ssl_stat.c"},
	Aiohttp: {"aio-libs/aiohttp:aiohttp/client.py", "aio-libs/aiohttp:aiohttp/client_exceptions.py", "aio-libs/aiohttp:aiohttp/connector.py",
		"aio-libs/aiohttp:aiohttp/_websocket/reader_py.py"},
	GoGorilla: {"gorilla/websocket:client.go", "gorilla/websocket:conn.go", "gorilla/websocket:proxy.go", "golang/go:src/net/http/response.go",
		"golang/go:src/crypto/tls/alert.go", "golang/go:src/crypto/x509/verify.go"},
	GoCoder: {"coder/websocket:dial.go", "coder/websocket:read.go", "coder/websocket:frame.go", "golang/go:src/net/http/transport.go"},
	OkHttp: {"square/okhttp:okhttp/src/commonJvmAndroid/kotlin/okhttp3/internal/ws/RealWebSocket.kt",
		"square/okhttp:okhttp/src/commonJvmAndroid/kotlin/okhttp3/internal/ws/WebSocketReader.kt"},
	JavaHTTP: {"openjdk/jdk:src/java.net.http/share/classes/jdk/internal/net/http/websocket/OpeningHandshake.java"},
	Undici:   {"nodejs/undici:lib/web/websocket/connection.js"}, // and observed of Node.js 20 and undici 7.30
	JavaWS:   {"TooTallNate/Java-WebSocket:src/main/java/org/java_websocket/drafts/Draft.java", "TooTallNate/Java-WebSocket:src/main/java/org/java_websocket/WebSocketImpl.java"},
	Jetty: {"jetty/jetty.project:jetty-core/jetty-websocket/jetty-websocket-core-client/src/main/java/org/eclipse/jetty/websocket/core/client/CoreClientUpgradeRequest.java",
		"jetty/jetty.project:jetty-core/jetty-websocket/jetty-websocket-core-client/src/main/java/org/eclipse/jetty/websocket/core/client/internal/HttpUpgraderOverHTTP.java"},
	SignalR: {"dotnet/runtime:src/libraries/System.Net.WebSockets.Client/src/Resources/Strings.resx",
		"dotnet/runtime:src/libraries/System.Net.WebSockets.Client/src/System/Net/WebSockets/WebSocketHandle.Managed.cs",
		"dotnet/aspnetcore:src/SignalR/clients/csharp/Http.Connections.Client/src/Internal/Constants.cs", "dotnet/AspNetCore.Docs:aspnetcore/fundamentals/websockets/includes/websockets6.md"},
	Java: {"openjdk/jdk:src/java.base/share/classes/sun/security/ssl", "openjdk/jdk:src/java.base/share/classes/sun/security/validator",
		"openjdk/jdk:src/java.base/share/classes/java/security/cert/CertificateRevokedException.java",
		"openjdk/jdk:src/java.base/share/classes/sun/security/util/HostnameChecker.java"},
}

// messages by kind and engine; %s are the arguments.
var messages = map[Kind]map[Engine]string{
	SawStatus: {
		Undici: undiciFailed,
		JavaWS: "onClose 1002, Invalid status code received: %s Status line: …", Jetty: jettyStatus + "%s …", SignalR: "The server returned status code '%s' when status code '101' was expected.",
		OkHttp: "Expected HTTP 101 response but was '%s …'", JavaHTTP: "Unexpected HTTP response status code %s",
		Chromium: handshake + "Unexpected response code: %s", Node: "Unexpected server response: %s",
		Python: "server rejected WebSocket connection: HTTP %s", Aiohttp: "WSServerHandshakeError: %s, message='Invalid response status'",
		GoGorilla: "websocket: bad handshake", GoCoder: "expected handshake response status code 101 but got %s",
		Safari: "There was a bad response from the server. (older versions: Unexpected response code: %s)",
	},
	SawUnauthorized: {
		Undici: undiciFailed,
		JavaWS: "onClose 1002, Invalid status code received: 401 Status line: …", Jetty: jettyStatus + "401 …", SignalR: "The server returned status code '401' when status code '101' was expected.",
		OkHttp: "Expected HTTP 101 response but was '401 …'", JavaHTTP: "Unexpected HTTP response status code 401",
		Chromium: "HTTP Authentication failed; no valid credentials available", Node: "Unexpected server response: 401",
		Python: "server rejected WebSocket connection: HTTP 401", Aiohttp: "WSServerHandshakeError: 401, message='Invalid response status'",
		GoGorilla: "websocket: bad handshake", GoCoder: "expected handshake response status code 101 but got 401",
	},
	SawProxyAuth: {
		Chromium: "Proxy authentication failed", Node: "Unexpected server response: 407",
		Python: "proxy rejected connection: HTTP 407", GoGorilla: "Proxy Authentication Required",
		Aiohttp: "ClientHttpProxyError: 407, message='…'",
	},
	SawUpgradeMissing: {
		Undici: `Server did not set Upgrade header to "websocket".` + emptied, JavaWS: javaRefuses, SignalR: "The server's response was missing the required header 'Upgrade'.",
		OkHttp:   "Expected 'Upgrade' header value 'websocket' but was 'null'",
		Chromium: handshake + "'Upgrade' header is missing", Node: unexpected101, Safari: "'Upgrade' header is missing" + older,
		Python: "missing Upgrade header", Aiohttp: "WSServerHandshakeError: 101, message='Invalid upgrade header'",
		GoGorilla: "websocket: bad handshake", GoCoder: `WebSocket protocol violation: Upgrade header "" does not contain websocket`,
	},
	SawUpgradeWrong: {
		Undici: `Server did not set Upgrade header to "websocket".` + emptied, JavaWS: javaRefuses, SignalR: "The 'Upgrade' header value '%s' is invalid.",
		OkHttp: "Expected 'Upgrade' header value 'websocket' but was '%s'", JavaHTTP: "Bad response field: Upgrade",
		Chromium: handshake + "'Upgrade' header value is not 'WebSocket': %s", Node: "Invalid Upgrade header",
		Python: "invalid Upgrade header: %s", Aiohttp: "WSServerHandshakeError: 101, message='Invalid upgrade header'",
		GoGorilla: "websocket: bad handshake", GoCoder: `WebSocket protocol violation: Upgrade header "%s" does not contain websocket`,
	},
	SawConnectionMissing: {
		Undici: `Server did not set Connection header to "upgrade".` + emptied, Jetty: "WebSocket upgrade missing 'Connection: Upgrade' header", JavaWS: javaRefuses, SignalR: "The server's response was missing the required header 'Connection'.",
		OkHttp: "Expected 'Connection' header value 'Upgrade' but was 'null'",
		Node:   unexpected101, Chromium: handshake + "'Connection' header is missing", Python: "missing Connection header",
		Aiohttp: "WSServerHandshakeError: 101, message='Invalid connection header'", GoGorilla: "websocket: bad handshake",
		GoCoder: `WebSocket protocol violation: Connection header "" does not contain Upgrade`, Safari: "'Connection' header value is not 'Upgrade'" + older,
	},
	SawConnectionWrong: {
		Undici: `Server did not set Connection header to "upgrade".` + emptied, Jetty: "WebSocket upgrade missing 'Connection: Upgrade' header", JavaWS: javaRefuses, SignalR: "The 'Connection' header value '%s' is invalid.",
		OkHttp: "Expected 'Connection' header value 'Upgrade' but was '%s'", JavaHTTP: "Bad response field: Connection",
		Node: unexpected101, Chromium: handshake + "'Connection' header value must contain 'Upgrade'", Python: "invalid Connection header: %s",
		Aiohttp: "WSServerHandshakeError: 101, message='Invalid connection header'", GoGorilla: "websocket: bad handshake",
		GoCoder: `WebSocket protocol violation: Connection header "%s" does not contain Upgrade`, Safari: "'Connection' header value is not 'Upgrade'" + older,
	},
	SawAcceptMissing: {
		Undici: "Incorrect hash received in Sec-WebSocket-Accept header." + emptied, Jetty: "Invalid Sec-WebSocket-Accept hash (was: … expected: …)", JavaWS: javaRefuses, SignalR: "The server's response was missing the required header 'Sec-WebSocket-Accept'.",
		OkHttp:   "Expected 'Sec-WebSocket-Accept' header value '…' but was 'null'",
		Chromium: handshake + "'Sec-WebSocket-Accept' header is missing", Node: "Invalid Sec-WebSocket-Accept header",
		Python: "missing Sec-WebSocket-Accept header", Aiohttp: "WSServerHandshakeError: 101, message='Invalid challenge response'",
		GoGorilla: "websocket: bad handshake", GoCoder: `WebSocket protocol violation: invalid Sec-WebSocket-Accept ""`, Safari: "Sec-WebSocket-Accept mismatch" + older,
	},
	SawAcceptWrong: {
		Undici: "Incorrect hash received in Sec-WebSocket-Accept header." + emptied, Jetty: "Invalid Sec-WebSocket-Accept hash (was: … expected: …)", JavaWS: javaRefuses, SignalR: "The 'Sec-WebSocket-Accept' header value '…' is invalid.",
		OkHttp:   "Expected 'Sec-WebSocket-Accept' header value '…' but was '…'",
		Chromium: handshake + "Incorrect 'Sec-WebSocket-Accept' header value", Node: "Invalid Sec-WebSocket-Accept header",
		Python: "invalid Sec-WebSocket-Accept header: …", Aiohttp: "WSServerHandshakeError: 101, message='Invalid challenge response'",
		GoGorilla: "websocket: bad handshake", GoCoder: "WebSocket protocol violation: invalid Sec-WebSocket-Accept …", Safari: "Sec-WebSocket-Accept mismatch" + older,
	},
	SawProtocolUnasked: {
		Jetty:    "Upgrade failed: subprotocol [%s] not found in offered subprotocols …",
		Undici:   "Protocol was not set in the opening handshake." + emptied,
		Chromium: handshake + "Response must not include 'Sec-WebSocket-Protocol' header if not present in request: %s",
		Node:     "Server sent a subprotocol but none was requested", Python: "no subprotocols supported",
		GoCoder: `WebSocket protocol violation: unexpected Sec-WebSocket-Protocol from server: "%s"`, Safari: "Sec-WebSocket-Protocol mismatch" + older,
	},
	SawProtocolMismatch: {
		SignalR:  "The WebSocket client request requested '…' protocol(s), but server is only accepting '%s' protocol(s).",
		Jetty:    "Upgrade failed: subprotocol [%s] not found in offered subprotocols …",
		Undici:   "Protocol was not set in the opening handshake." + emptied,
		Chromium: handshake + "'Sec-WebSocket-Protocol' header value '%s' in response does not match any of sent values",
		Node:     "Server sent an invalid subprotocol", Python: "unsupported subprotocol: %s",
		GoCoder: `WebSocket protocol violation: unexpected Sec-WebSocket-Protocol from server: "%s"`, Safari: "Sec-WebSocket-Protocol mismatch" + older,
	},
	SawProtocolNone: {
		Undici:   "Server did not respond with sent protocols." + emptied,
		Chromium: handshake + "Sent non-empty 'Sec-WebSocket-Protocol' header but no response was received", Node: "Server sent no subprotocol",
	},
	SawExtension: {
		Undici: "Sec-WebSocket-Extensions header does not match." + emptied, Jetty: "Upgrade failed: Sec-WebSocket-Extensions contained extension not requested",
		Chromium: handshake + "Found an unsupported extension '%s' in 'Sec-WebSocket-Extensions' header",
		Node:     "Server indicated an extension that was not requested", Python: "Unsupported extension: name = %s, params = …",
		GoCoder: "WebSocket protcol violation: unsupported extensions from server", // the library's spelling
	},
	SawDeflate: {
		Chromium: handshake + "Error in permessage-deflate: %s", Node: "Invalid Sec-WebSocket-Extensions header",
		Python: "Unsupported extension: name = permessage-deflate, params = …", GoGorilla: "websocket: invalid compression negotiation",
		GoCoder: "unsupported permessage-deflate parameter: …",
	},
	SawVersion10: {
		Python: "did not receive a valid HTTP response", Safari: "Invalid HTTP version string: HTTP/1.0" + older,
	},
	SawNoAnswer: {
		Undici:   undiciFailed,
		Chromium: "WebSocket opening handshake timed out", Node: "Opening handshake has timed out",
		Python: "timed out during opening handshake", GoGorilla: "i/o timeout", GoCoder: "context deadline exceeded",
	},
	SawClosedUnanswered: {
		Chromium: "Connection closed before receiving a handshake response", Node: "socket hang up",
		Python: "did not receive a valid HTTP response", Aiohttp: "ServerDisconnectedError: Server disconnected",
		GoGorilla: "unexpected EOF", GoCoder: "failed to send handshake request: … EOF",
	},
	SawResetUnanswered: {
		Chromium: handshake + "net::ERR_CONNECTION_RESET", Node: "read ECONNRESET", Python: "did not receive a valid HTTP response",
		Aiohttp: "ClientOSError: [Errno 104] Connection reset by peer", GoGorilla: "read: connection reset by peer", GoCoder: "read: connection reset by peer",
	},
	SawNotHTTP: {
		Chromium: handshake + "Invalid status line", Node: "Parse Error: Expected HTTP/", Python: "did not receive a valid HTTP response",
		GoGorilla: "malformed HTTP response", GoCoder: "malformed HTTP response", Aiohttp: "ClientResponseError: 400, message='…'",
	},
	SawResponseCut: {
		Chromium: handshake + "net::ERR_CONNECTION_CLOSED", Node: "socket hang up", Python: "did not receive a valid HTTP response",
		GoGorilla: "unexpected EOF", GoCoder: "unexpected EOF",
	},
	SawRefused: {
		Chromium: "Error in connection establishment: net::ERR_CONNECTION_REFUSED", Node: "connect ECONNREFUSED",
		Python: "[Errno 111] Connect call failed", GoGorilla: "connect: connection refused", GoCoder: "connect: connection refused",
	},
	SawConnectTimeout: {
		Chromium: "Error in connection establishment: net::ERR_CONNECTION_TIMED_OUT", Node: "connect ETIMEDOUT",
		Python: "timed out during opening handshake", GoGorilla: "dial tcp: i/o timeout", GoCoder: "dial tcp: i/o timeout",
	},
	SawHostUnreachable: {
		Chromium: "Error in connection establishment: net::ERR_ADDRESS_UNREACHABLE", Node: "connect EHOSTUNREACH",
		Python: "[Errno 113] Connect call failed", GoGorilla: "connect: no route to host", GoCoder: "connect: no route to host",
	},
	SawNetUnreachable: {
		Chromium: "Error in connection establishment: net::ERR_ADDRESS_UNREACHABLE", Node: "connect ENETUNREACH",
		Python: "[Errno 101] Connect call failed", GoGorilla: "connect: network is unreachable", GoCoder: "connect: network is unreachable",
	},
	SawDenied: {
		Chromium: "Error in connection establishment: net::ERR_NETWORK_ACCESS_DENIED", Node: "connect EACCES",
		Python: "[Errno 13] Connect call failed", GoGorilla: "connect: permission denied", GoCoder: "connect: permission denied",
	},
	SawTunnel: {
		Chromium: "Establishing a tunnel via proxy server failed.", Node: "Unexpected server response: %s", Python: "proxy rejected connection: HTTP %s", GoGorilla: "the proxy's status text",
		Aiohttp: "ClientHttpProxyError: %s, message='…'",
	},
	SawAbnormal: {
		Undici: "close event with code 1006", JavaWS: "onClose 1006", SignalR: "The remote party closed the WebSocket connection without completing the close handshake.",
		Chromium: "close event with code 1006", Firefox: "The connection to %URL was interrupted while the page was loading.", Node: "close event with code 1006",
		Python: "no close frame received or sent", Aiohttp: "WSMsgType.CLOSED", GoGorilla: "websocket: close 1006 (abnormal closure): unexpected EOF",
		GoCoder: "failed to read frame header: EOF",
	},
	SawResetOpen: {
		Undici:   "close event with code 1006",
		Chromium: "close event with code 1006", Firefox: "The connection to %URL was interrupted while the page was loading.", Node: "close event with code 1006",
		Python: "no close frame received or sent", GoGorilla: "read: connection reset by peer", GoCoder: "read: connection reset by peer",
	},
	SawCloseCode: {
		Undici:   "close event with code %s",
		Chromium: "close event with code %s", Firefox: "close event with code %s", Node: "close event with code %s",
		Python: "received %s", GoGorilla: "websocket: close %s", GoCoder: "received close frame: status = Status…",
	},
	SawMasked: {
		OkHttp:   "Server-sent frames must not be masked.",
		Chromium: "A server must not mask any frames that it sends to the client.", Node: "Invalid WebSocket frame: MASK must be clear",
		Python: "sent 1002 (protocol error) incorrect masking", GoGorilla: "websocket: bad MASK",
	},
	SawReservedBits: {
		OkHttp:   "Unexpected rsv1 flag",
		Chromium: "One or more reserved bits are on", Node: "Invalid WebSocket frame: RSV1 must be clear", Python: "sent 1002 (protocol error) reserved bits must be 0",
		GoGorilla: "websocket: RSV1 set", GoCoder: "received header with unexpected rsv bits set", Aiohttp: frameError + "Received frame with non-zero reserved bits",
	},
	SawReserved23: {
		Chromium: "One or more reserved bits are on", Node: "Invalid WebSocket frame: RSV2 and RSV3 must be clear", Python: "sent 1002 (protocol error) reserved bits must be 0",
		GoGorilla: "websocket: %s", GoCoder: "received header with unexpected rsv bits set", Aiohttp: frameError + "Received frame with non-zero reserved bits",
	},
	SawOpcode: {
		Chromium: "Unrecognized frame opcode: %s", Node: "Invalid WebSocket frame: invalid opcode %s", Python: "sent 1002 (protocol error) invalid opcode",
		GoGorilla: "websocket: bad opcode %s", GoCoder: "received unknown opcode …", Aiohttp: frameError + "Unexpected opcode=%s",
	},
	SawContinuation: {
		Chromium: "Received unexpected continuation frame.", Node: "Invalid WebSocket frame: invalid opcode 0", Python: "sent 1002 (protocol error) unexpected continuation frame",
		GoGorilla: "websocket: continuation after FIN", GoCoder: "received continuation frame without text or binary frame", Aiohttp: frameError + "Continuation frame for non started message",
	},
	SawUnfinished: {
		Chromium: "Received start of new message but previous message is unfinished.", Node: "Invalid WebSocket frame: invalid opcode",
		Python: "sent 1002 (protocol error) expected a continuation frame", GoGorilla: "websocket: data before FIN",
		GoCoder: "received new data message without finishing the previous message", Aiohttp: frameError + "The opcode in non-fin frame is expected to be zero, got …",
	},
	SawUTF8: {
		Chromium: "Could not decode a text frame as UTF-8.", Node: "Invalid WebSocket frame: invalid UTF-8 sequence", Python: "sent 1007 (invalid frame payload data)",
		Aiohttp: frameError + "Invalid UTF-8 text message",
	},
	SawControlFIN: {
		Chromium: "Invalid frame header", Node: "Invalid WebSocket frame: FIN must be set", Python: "sent 1002 (protocol error) fragmented control frame",
		GoGorilla: "websocket: FIN not set on control",
	},
	SawControlLength: {
		Chromium: "Invalid frame header", Node: "Invalid WebSocket frame: invalid payload length %s", Python: "sent 1002 (protocol error) control frame too long",
		GoGorilla: "websocket: len > 125 for control",
	},
	SawCloseCodeBad: {
		Chromium: "Received a broken close frame containing a reserved status code.", Node: "Invalid WebSocket frame: invalid status code %s",
		Python: "sent 1002 (protocol error) invalid status code", GoGorilla: "websocket: bad close code %s",
	},
	SawCloseShort: {
		Chromium: "Received a broken close frame containing an invalid size body.", Node: "Invalid WebSocket frame: invalid payload length 1",
		Python: "sent 1002 (protocol error) close frame too short",
	},
	SawCloseUTF8: {
		Chromium: "Received a broken close frame containing invalid UTF-8.", Node: "Invalid WebSocket frame: invalid UTF-8 sequence",
		Python: "sent 1007 (invalid frame payload data)", GoGorilla: "websocket: invalid utf8 payload in close frame",
	},
	SawInflate: {
		Chromium: "Invalid frame header", Node: "an error of zlib (Z_DATA_ERROR)", Python: "sent 1002 (protocol error) decompression failed",
	},
	SawFrame: {
		Chromium: "Invalid frame header", Node: "Invalid WebSocket frame: …", Python: "sent 1002 (protocol error)", GoGorilla: "websocket: …",
	},
	SawMixedContent: {
		Chromium: "Mixed Content: The page at … was loaded over HTTPS, but attempted to connect to the insecure WebSocket endpoint '%URL'",
		Firefox:  "SecurityError: The operation is insecure.",
	},
	SawTooBig: {
		Chromium: "close event with code 1009", Node: "Max payload size exceeded", Python: "sent 1009 (message too big)", GoGorilla: "websocket: read limit exceeded",
		Aiohttp: frameError + "Message size … exceeds limit …",
	},
	SawKeepalive: {
		Python: "sent 1011 (internal error) keepalive ping timeout; no close frame received",
	},
}

// openKinds are those that happen to a WebSocket that had opened; before that
// Firefox has one text for all.
var openKinds = map[Kind]bool{
	SawAbnormal: true, SawResetOpen: true, SawCloseCode: true, SawMasked: true, SawReservedBits: true, SawReserved23: true, SawOpcode: true, SawContinuation: true,
	SawUnfinished: true, SawUTF8: true, SawFrame: true, SawControlFIN: true, SawControlLength: true, SawCloseCodeBad: true, SawCloseShort: true, SawCloseUTF8: true, SawInflate: true, SawTooBig: true, SawKeepalive: true, SawMixedContent: true,
}

// withoutHead are those in which the client has got no head of an answer;
// oneForAll is what some engines tell of all of them, and of TLS.
var (
	withoutHead = map[Kind]bool{SawClosedUnanswered: true, SawResetUnanswered: true, SawNotHTTP: true, SawResponseCut: true, SawRefused: true, SawConnectTimeout: true,
		SawHostUnreachable: true, SawNetUnreachable: true, SawDenied: true}
	oneForAll = map[Engine]string{Undici: undiciFailed, SignalR: "Unable to connect to the remote server"}
)

// shown are the engines that are quoted when the request does not tell the client.
var shown = []Engine{Chromium, Firefox, Node, Python, GoGorilla, Java}

// UserSaw is what the browser or library of this connection's client printed;
// of a client that is not known, what the commonest would have. It never holds
// a query of the URL. Empty where the client's messages are not known.
func UserSaw(c *record.Connection, kind Kind, args ...string) string {
	if bare(c) {
		return ""
	}
	client := ClientOf(c)
	switch client.Engine {
	case Other:
		return ""
	case AnyClient:
		var parts []string
		engines := helloEngines(c)
		if c.Facts != nil && c.Facts.H2 != nil {
			engines = []Engine{Chromium, Firefox} // the libraries do not speak HTTP/2
		}
		if engines == nil {
			engines = shown
		}
		for _, engine := range engines {
			if text := message(c, engine, kind, args); text != "" {
				parts = append(parts, string(engine)+": "+text)
			}
		}
		return strings.Join(parts, "; ")
	}
	text := message(c, client.Engine, kind, args)
	if text == "" {
		return ""
	}
	return string(client.Engine) + ": " + text
}

func message(c *record.Connection, engine Engine, kind Kind, args []string) string {
	text := messages[kind][engine]
	library := engine
	switch engine {
	case OkHttp, JavaHTTP:
		library = Java // whose TLS it is
	case JavaWS, Jetty:
		if strings.HasPrefix(string(kind), "certificate-") {
			library = Java // whose certificates' path it is; what else they tell is not known
		}
	}
	aboutTLS := tlsMessages[kind][engine]
	if aboutTLS == "" {
		aboutTLS = tlsMessages[kind][library]
	}
	if aboutTLS != "" {
		text = aboutTLS
		if engine == Firefox {
			return "Firefox can't establish a connection to the server at " + URL(c) + ". (A page of the host shows " + text + ".)"
		}
	}
	if text == "" && engine == Firefox && !openKinds[kind] {
		return "Firefox can't establish a connection to the server at " + URL(c) + "."
	}
	if text == "" && (withoutHead[kind] || tlsMessages[kind] != nil && kind != SawTLSNoAnswer) {
		text = oneForAll[engine]
	}
	if text == "" {
		return ""
	}
	if strings.Contains(text, "%s") {
		arg := "…"
		if len(args) > 0 {
			arg = alertIn(library, kind, Clip(args[0]))
		}
		text = strings.ReplaceAll(text, "%s", arg)
	}
	text = strings.ReplaceAll(text, "%URL", URL(c))
	if engine == Chromium {
		text = chromium(c, kind, text)
	}
	if (engine == Chromium || engine == Safari) && !strings.HasPrefix(text, "close event") && kind != SawMixedContent {
		return fmt.Sprintf("WebSocket connection to '%s' failed: %s", URL(c), text)
	}
	return text
}

// chromium puts right what Chromium tells in another way of some URLs: of wss
// it does not take half an answer's head, and it takes what is no HTTP for
// HTTP/0.9 only at the scheme's own port (http_stream_parser.cc,
// HandleReadHeaderResult and ParseResponseHeaders).
func chromium(c *record.Connection, kind Kind, text string) string {
	scheme, rest, _ := strings.Cut(c.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	switch {
	case kind == SawResponseCut && scheme == "wss":
		return handshake + "net::ERR_RESPONSE_HEADERS_TRUNCATED"
	case kind == SawNotHTTP && strings.LastIndexByte(host, ':') > strings.LastIndexByte(host, ']'):
		return handshake + "net::ERR_INVALID_HTTP_RESPONSE"
	}
	return text
}
