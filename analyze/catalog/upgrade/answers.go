package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// reason is what the text of a refusal gives away.
type reason struct {
	text string // in the body, lower case
	says string // a clause: "gorilla/websocket found no 'upgrade' in Connection"
	// lost: the server did not get to see the Upgrade header or its company.
	lost   bool
	remedy string
}

const (
	sticky = "Engine.IO keeps a session on one server: let the load balancer send all requests of a client to the same one (sticky sessions), or use the websocket transport only."
	origin = "Add the page's origin to the origins that the server allows, or open the page under the server's own name."
)

// reasons, first match first. Sources: gorilla/websocket server.go,
// coder/websocket accept.go, Node ws websocket-server.js, python-websockets
// server.py, engine.io server.ts, sockjs-node, Tornado websocket.py, nginx ngx_http_special_response.c,
// Apache httpd http_protocol.c and protocol.c.
var reasons = []reason{
	{"'upgrade' token not found in 'connection' header", "gorilla/websocket found no 'upgrade' in its Connection header", true, ""},
	{"'websocket' token not found in 'upgrade' header", "gorilla/websocket found no 'websocket' in its Upgrade header", true, ""},
	{"unsupported version: 13 not found in 'sec-websocket-version' header", "gorilla/websocket found no Sec-WebSocket-Version: 13", false, ""},
	{"'sec-websocket-key' header must be base64", "gorilla/websocket wants a Sec-WebSocket-Key of 16 bytes in base64", false, ""},
	{"request origin not allowed by upgrader.checkorigin", "gorilla/websocket does not allow this Origin", false,
		"Set Upgrader.CheckOrigin to allow the page's origin. " + origin},
	{"is not authorized for host", "coder/websocket does not allow this Origin for the Host that it got", false, origin},
	{"cross origin websockets not allowed", "Tornado does not allow this Origin", false, origin},
	{"response does not implement http.hijacker", "a middleware hides http.Hijacker from gorilla/websocket", false,
		hijackRemedy},
	{"http.responsewriter does not implement http.hijacker", "a middleware hides http.Hijacker from coder/websocket", false,
		hijackRemedy},
	{"does not contain upgrade", "coder/websocket found no 'Upgrade' in its Connection header", true, ""},
	{"does not contain websocket", "coder/websocket found no 'websocket' in its Upgrade header", true, ""},
	{`{"code":3,"message":"bad request"}`, "Engine.IO saw a plain request without an upgrade (code 3, Bad request)", true, ""},
	{`{"code":1,"message":"session id unknown"}`, "Engine.IO does not know the session (code 1, Session ID unknown)", false, sticky},
	{`{"code":0,"message":"transport unknown"}`, "Engine.IO does not offer this transport (code 0, Transport unknown)", false,
		"Add websocket to the server's transports, and look at the path: another Engine.IO may answer."},
	{`{"code":2,"message":"bad handshake method"}`, "Engine.IO wants GET (code 2, Bad handshake method)", false, ""},
	{`{"code":4,"message":"forbidden"}`, "Engine.IO's allowRequest refused (code 4, Forbidden)", false, ""},
	{`{"code":5,"message":"unsupported protocol version"}`, "Engine.IO does not speak the client's version (code 5)", false,
		"Use client and server of the same major version, or set allowEIO3 on the server for clients of version 2."},
	{"not a valid websocket request", "SockJS saw a plain request without an upgrade", true, ""},
	{`can "upgrade" only to "websocket".`, "Tornado (or SockJS) saw a request without 'Upgrade: websocket'", true, ""},
	{`"connection" must be "upgrade".`, "Tornado (or SockJS) saw a request without 'Upgrade' in its Connection header", true, ""},
	{"invalid upgrade header", "the server's WebSocket library found no valid Upgrade header", true, ""},
	{"missing upgrade header", "the server's WebSocket library found no Upgrade header", true, ""},
	{"empty connection header", "the server's WebSocket library found no Connection header", true, ""},
	{"missing connection header", "the server's WebSocket library found no Connection header", true, ""},
	{"invalid connection header", "the server's WebSocket library found no 'Upgrade' in its Connection header", true, ""},
	{"invalid origin header", "the server does not allow this Origin", false, origin},
	{"missing or invalid sec-websocket-key header", "Node ws found no valid Sec-WebSocket-Key", false, ""},
	{"missing or invalid sec-websocket-version header", "Node ws found no valid Sec-WebSocket-Version", false, ""},
	{"request header or cookie too large", "the request's header fields are larger than it takes", false, "large"},
	{"size of a request header field exceeds server limit", "a header field of the request is larger than it takes", false, "large"},
	{"no required ssl certificate was sent", "it wants a client certificate", false, "Give the client a certificate that the server trusts."},
	{"the ssl certificate error", "it refuses the client's certificate", false, "Give the client a certificate that the server trusts."},
	{"no server is available to handle this request", "no server behind it is up", false, ""},
	{"no healthy upstream", "no server behind it is healthy", false, ""},
	{"upstream connect error or disconnect/reset before headers", "the server behind it refused or reset the connection", false, ""},
	{"can \"upgrade\" only", "the server saw no 'Upgrade: websocket'", true, ""},
}

// reasonOf reads what the text of a refusal gives away.
func reasonOf(u *record.UpgradeFacts) (reason, bool) {
	if len(u.Body) == 0 || u.BodyEncoding != "" {
		return reason{}, false
	}
	if i := reasonPhrases.Find(u.Body); i >= 0 {
		return reasons[i], true
	}
	return reason{}, false
}

var reasonPhrases = known.PhrasesOf(reasons, func(r *reason) string { return r.text })

// refusedByGorilla tells that gorilla/websocket's Upgrader refused: it adds the
// version, spelled this way, to each of its refusals, whose text says no more
// than the status (server.go returnError).
func refusedByGorilla(u *record.UpgradeFacts) bool {
	for i := range u.Response.Fields {
		if f := &u.Response.Fields[i]; f.Name == "Sec-Websocket-Version" {
			return f.Value == "13"
		}
	}
	return false
}

// letPass is advice where nothing tells whether a proxy is there.
const letPass = "If a proxy is in front of the server, let that pass Upgrade: websocket and Connection: Upgrade on, with HTTP/1.1 " +
	"(nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\")."

// answer completes and adds the finding of a refusing status. The title is
// "nginx/1.22.1 at 10.0.0.5:80 answered 404 Not Found to GET /x" with more
// behind it.
func answer(c *record.Connection, r *rule.Reporter, f rule.Found, more string) {
	if r.Enough(f) {
		return
	}
	u := c.Facts.Upgrade
	f.Title = known.Who(c) + " answered " + statusLine(u) + " to " + target(u)
	if more != "" {
		f.Title += more
	}
	f.Evidence = append([]record.Evidence{r.At(u.ResponseRef, "%s %s", known.Clip(u.Response.Version), statusLine(u))}, f.Evidence...)
	if u.Request != nil {
		f.Evidence = append(f.Evidence, r.At(u.RequestRef, "%s", target(u)))
	}
	// Behind a proxy that spoiled the request, the user of the client saw another URL.
	if f.SeenByUser == "" && !r.Has("WS501") && !r.Has("WS502") {
		f.SeenByUser = known.UserSaw(c, known.SawStatus, statusCode(u))
	}
	r.Add(f)
}

// because is the reason's clause for a title.
func because(c *record.Connection, r *rule.Reporter) (why reason, clause string, f rule.Found) {
	u := c.Facts.Upgrade
	why, ok := reasonOf(u)
	if !ok {
		return why, "", f
	}
	if c.Facts.Bare {
		return why, why.says, f
	}
	product, _ := known.ProductOf(c)
	f.Remedy = why.remedy
	if why.remedy == "large" {
		f.Remedy = known.Remedy(product, known.LargeHeader)
	}
	f.Evidence = append(f.Evidence, r.At(u.BodyRef, "its text says %s", known.Quote(reasonPhrases.In(u.Body))))
	return why, ": " + why.says, f
}
