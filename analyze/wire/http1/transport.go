package http1

import "strings"

// sockTransports are the last path segments of SockJS transports.
var sockTransports = map[string]string{
	"websocket": "websocket", "xhr": "xhr", "xhr_send": "xhr_send", "xhr_streaming": "xhr_streaming",
	"eventsource": "eventsource", "htmlfile": "htmlfile", "jsonp": "jsonp", "jsonp_send": "jsonp_send",
}

// PollingTransport recognises in a request target the libraries that fall back
// from WebSocket to ordinary HTTP, and which transport the request is for:
// "engine.io" (EIO= and transport=), "socket.io" (its protocol 1), "sockjs"
// (/SERVER/SESSION/TRANSPORT), "signalr" (negotiate, connect, id=). Both are
// empty where nothing is recognised; the transport is empty where the target
// does not tell it.
func PollingTransport(target string) (family, transport string) {
	path, query, _ := strings.Cut(target, "?")
	if _, ok := queryValue(query, "EIO"); ok {
		if transport, ok := queryValue(query, "transport"); ok {
			return "engine.io", transport
		}
	}
	segments := strings.Split(path, "/")
	n := len(segments)
	last := segments[n-1]
	if t, ok := sockTransports[last]; ok && n >= 4 && isSockServer(segments[n-3]) && segments[n-2] != "" {
		return "sockjs", t
	}
	if n >= 4 && segments[n-3] == "1" && segments[n-4] == "socket.io" {
		return "socket.io", segments[n-2]
	}
	return signalR(last, query)
}

// isSockServer: SockJS clients choose three digits.
func isSockServer(s string) bool {
	return len(s) == 3 && isDigit(s[0]) && isDigit(s[1]) && isDigit(s[2])
}

func signalR(last, query string) (family, transport string) {
	if _, ok := queryValue(query, "connectionToken"); ok {
		transport, _ := queryValue(query, "transport")
		return "signalr", transport
	}
	if last == "negotiate" {
		for _, name := range []string{"negotiateVersion", "clientProtocol", "connectionData"} {
			if _, ok := queryValue(query, name); ok {
				return "signalr", "negotiate"
			}
		}
	}
	if id, ok := queryValue(query, "id"); ok && isConnectionID(id) {
		return "signalr", ""
	}
	return "", ""
}

// isConnectionID: 16 bytes in base64url without padding, as ASP.NET Core makes
// its connection tokens.
func isConnectionID(s string) bool {
	if len(s) != 22 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && c != '-' && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// queryValue finds a parameter of a query as it stands, without decoding it.
func queryValue(query, name string) (string, bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}
