package known

import (
	"slices"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Engine is the software that decides what a client's user gets to read.
type Engine string

const (
	AnyClient Engine = "" // not told by the request
	Chromium  Engine = "Chromium"
	Firefox   Engine = "Firefox"
	Safari    Engine = "Safari"
	Node      Engine = "Node.js ws"
	Python    Engine = "Python websockets"
	Aiohttp   Engine = "aiohttp"
	GoGorilla Engine = "gorilla/websocket"
	GoCoder   Engine = "coder/websocket"
	Java      Engine = "Java"
	OkHttp    Engine = "OkHttp"
	JavaHTTP  Engine = "java.net.http"
	Undici    Engine = "Node.js WebSocket" // undici's
	JavaWS    Engine = "Java-WebSocket"
	Jetty     Engine = "Jetty"
	SignalR   Engine = "SignalR for .NET"
	Other     Engine = "other" // named, with messages that are not known here
)

// Client is who sent the request.
type Client struct {
	Engine  Engine
	Name    string // as the User-Agent names it: "Chrome/154", "python-websockets 12.0"; empty: not told
	Browser bool
	// Timeout is how long this client waits for an answer by default; 0 is not known.
	Timeout time.Duration
}

// browserOrder is the order of a browser's handshake fields as it leaves the
// browser over HTTP/1.1: observed of Chromium 154 and 156 and Firefox 157.
// Fields outside of the list (Cookie, Sec-WebSocket-Protocol, Authorization)
// may stand between.
var browserOrder = map[Engine][]string{
	Chromium: {"Host", "Connection", "Pragma", "Cache-Control", "User-Agent", "Upgrade", "Origin", "Sec-WebSocket-Version",
		"Accept-Encoding", "Accept-Language", "Sec-WebSocket-Key", "Sec-WebSocket-Extensions"},
	Firefox: {"Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Sec-WebSocket-Version", "Origin",
		"Sec-WebSocket-Extensions", "Sec-WebSocket-Key", "Connection", "Pragma", "Cache-Control", "Upgrade"},
}

// patience is how long a client waits for the opening handshake by default.
type patience struct {
	after  time.Duration
	source string // an address or "repository:path"
}

var timeouts = map[Engine]patience{
	Chromium:  {240 * time.Second, "chromium/chromium:net/websockets/websocket_stream.cc"},
	Firefox:   {20 * time.Second, "mozilla/gecko-dev:modules/libpref/init/all.js"}, // network.websocket.timeout.open
	Python:    {10 * time.Second, "https://websockets.readthedocs.io/en/stable/reference/asyncio/client.html"},
	GoGorilla: {45 * time.Second, "gorilla/websocket:client.go"}, // DefaultDialer.HandshakeTimeout
}

// ClientOf tells who sent the request, from its User-Agent and, where there is
// none, from the fields and their order that are particular to a library.
func ClientOf(c *record.Connection) Client {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Request == nil {
		return Client{}
	}
	h := c.Facts.Upgrade.Request
	agent, _ := h.Get("User-Agent")
	client := clientByAgent(agent)
	if client.Engine == AnyClient || client.Engine == Other {
		names := make([]string, len(h.Fields))
		for i := range h.Fields {
			names[i] = h.Fields[i].Name
		}
		if engine := clientByFields(names, agent); engine != AnyClient {
			client.Engine = engine
			client.Browser = browserOrder[engine] != nil
		}
	}
	client.Timeout = timeouts[client.Engine].after
	return client
}

func clientByAgent(agent string) Client {
	has := func(s string) bool { return strings.Contains(agent, s) }
	named := func(engine Engine, token string, browser bool) Client {
		i := strings.Index(agent, token)
		name, _, _ := strings.Cut(agent[i:], " ")
		major, _, _ := strings.Cut(name, ".")
		if browser {
			name = major
		}
		return Client{Engine: engine, Name: Clip(name), Browser: browser}
	}
	switch {
	case agent == "":
		return Client{}
	case has("Mozilla/") && has("Edg/"):
		return named(Chromium, "Edg/", true)
	case has("Mozilla/") && has("Chrome/"):
		return named(Chromium, "Chrome/", true)
	case has("Firefox/"):
		return named(Firefox, "Firefox/", true)
	case has("Mozilla/") && has("Safari/") && has("Version/"):
		return named(Safari, "Version/", true)
	case has("websockets/"):
		return named(Python, "websockets/", false)
	case has("aiohttp/"):
		return named(Aiohttp, "aiohttp/", false)
	case has("okhttp/"):
		return named(OkHttp, "okhttp/", false)
	case has("Java-http-client/"):
		return named(JavaHTTP, "Java-http-client/", false)
	case has("Jetty/"):
		return named(Jetty, "Jetty/", false)
	case has("SignalR/") && has("; .NET"):
		return named(SignalR, "SignalR/", false)
	case agent == "node" || agent == "undici":
		return Client{Engine: Undici, Name: agent}
	}
	name, _, _ := strings.Cut(agent, " ")
	return Client{Engine: Other, Name: Clip(name)}
}

// clientByFields tells browsers whose User-Agent was changed, and libraries
// that name none of their own. Node ws puts its own fields first and Host last;
// Java-WebSocket sorts them by name (org/java_websocket/handshake/HandshakedataImpl1.java);
// tungstenite and .NET write the same ones and cannot be told apart. Both Go libraries go by the name of
// Go-http-client: gorilla spells Sec-WebSocket-Key, and coder, by net/http,
// Sec-Websocket-Key.
func clientByFields(names []string, agent string) Engine {
	if strings.HasPrefix(agent, "Go-http-client/") {
		for _, name := range names {
			switch name {
			case "Sec-WebSocket-Key":
				return GoGorilla
			case "Sec-Websocket-Key":
				return GoCoder
			}
		}
	}
	for _, engine := range []Engine{Chromium, Firefox} {
		if inOrder(names, browserOrder[engine]) {
			return engine
		}
	}
	node := []string{"Sec-WebSocket-Version", "Sec-WebSocket-Key", "Connection", "Upgrade", "Host"}
	if len(names) >= len(node) && names[0] == node[0] && names[1] == node[1] && inOrder(names, node) {
		return Node
	}
	sorted := []string{"Connection", "Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade"}
	if inOrder(names, sorted) && slices.IsSortedFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		return JavaWS
	}
	return AnyClient
}

// inOrder tells that the names of the list that are there stand in its order
// and case, and that most of them are there.
func inOrder(names, list []string) bool {
	at, found := 0, 0
	for _, name := range names {
		for i, want := range list {
			if name != want && (len(name) != len(want) || name[0]|0x20 != want[0]|0x20 || !strings.EqualFold(name, want)) {
				continue
			}
			if name != want || i < at {
				return false
			}
			at = i
			found++
			break
		}
	}
	return len(list) > 0 && found*4 >= len(list)*3
}
