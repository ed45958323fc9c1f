package known

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Product is a proxy, load balancer, content network or server software.
type Product string

const (
	Unknown      Product = ""
	Nginx        Product = "nginx"
	HAProxy      Product = "HAProxy"
	Apache       Product = "Apache httpd"
	Squid        Product = "Squid"
	Varnish      Product = "Varnish"
	Envoy        Product = "Envoy"
	Traefik      Product = "Traefik"
	Caddy        Product = "Caddy"
	IIS          Product = "IIS"
	Lighttpd     Product = "lighttpd"
	LiteSpeed    Product = "LiteSpeed"
	Kong         Product = "Kong"
	ATS          Product = "Apache Traffic Server"
	Tinyproxy    Product = "tinyproxy"
	Nghttpx      Product = "nghttpx"
	Cloudflare   Product = "Cloudflare"
	CloudFront   Product = "Amazon CloudFront"
	ALB          Product = "AWS Elastic Load Balancing"
	APIGateway   Product = "Amazon API Gateway"
	Fastly       Product = "Fastly"
	Akamai       Product = "Akamai"
	GoogleLB     Product = "Google Cloud load balancing"
	AppGateway   Product = "Azure Application Gateway"
	FrontDoor    Product = "Azure Front Door"
	Heroku       Product = "Heroku router"
	Fly          Product = "Fly.io proxy"
	BigIP        Product = "F5 BIG-IP"
	NetScaler    Product = "NetScaler"
	Imperva      Product = "Imperva"
	Filter       Product = "a filtering product"
	NodeWS       Product = "Node.js ws"
	EngineIO     Product = "Engine.IO"
	SockJS       Product = "SockJS"
	Gorilla      Product = "gorilla/websocket"
	Coder        Product = "coder/websocket"
	PyWebsockets Product = "Python websockets"
	Backend      Product = "server software"
)

// sign is how a product shows itself in the head of an answer. An empty text
// means that the field's presence is enough.
type sign struct {
	field, text string // text in lower case
	product     Product
	proxy       bool
}

// signs, first match first. Sources: the products' documentation for their
// own fields (nginx server_tokens; Squid X-Squid-Error; Varnish X-Varnish;
// Envoy server_name; Cloudflare CF-Ray; CloudFront X-Amz-Cf-Id; Azure
// X-Azure-Ref; Fly.io Fly-Request-Id; Heroku Via vegur and heroku-router), and
// the open signature lists of wafw00f and OONI for the others.
var signs = []sign{
	{"Server", "zscaler", Filter, true},
	{"Server", "barracuda", Filter, true},
	{"Server", "sonicwall", Filter, true},
	{"Server", "captiveportal", Filter, true},
	{"Server", "cloudflare", Cloudflare, true},
	{"Server", "awselb", ALB, true},
	{"Server", "cloudfront", CloudFront, true},
	{"Server", "akamaighost", Akamai, true},
	{"Server", "microsoft-azure-application-gateway", AppGateway, true},
	{"Server", "google frontend", GoogleLB, true},
	{"Server", "heroku", Heroku, true},
	{"Server", "fly/", Fly, true},
	{"Server", "bigip", BigIP, true},
	{"Server", "big-ip", BigIP, true},
	{"Server", "openresty", Nginx, true},
	{"Server", "tengine", Nginx, true},
	{"Server", "nginx", Nginx, true},
	{"Server", "haproxy", HAProxy, true},
	{"Server", "apache-coyote", Backend, false},
	{"Server", "apache tomcat", Backend, false},
	{"Server", "ats/", ATS, true},
	{"Server", "apache", Apache, true},
	{"Server", "squid", Squid, true},
	{"Server", "varnish", Varnish, true},
	{"Server", "envoy", Envoy, true},
	{"Server", "istio-envoy", Envoy, true},
	{"Server", "traefik", Traefik, true},
	{"Server", "caddy", Caddy, true},
	{"Server", "microsoft-iis", IIS, true},
	{"Server", "lighttpd", Lighttpd, true},
	{"Server", "litespeed", LiteSpeed, true},
	{"Server", "kong", Kong, true},
	{"Server", "tinyproxy", Tinyproxy, true},
	{"Server", "nghttpx", Nghttpx, true},
	{"Server", "websockets/", PyWebsockets, false},
	{"Server", "", Backend, false},
	{"X-Squid-Error", "", Squid, true},
	{"CF-Ray", "", Cloudflare, true},
	{"X-Amz-Cf-Id", "", CloudFront, true},
	{"X-Azure-Ref", "", FrontDoor, true},
	{"Fly-Request-Id", "", Fly, true},
	{"X-Amzn-Requestid", "", APIGateway, true},
	{"X-Amz-Apigw-Id", "", APIGateway, true},
	{"X-Served-By", "cache-", Fastly, true},
	{"X-Envoy-Upstream-Service-Time", "", Envoy, true},
	{"X-Kong-Upstream-Latency", "", Kong, true},
	{"X-Kong-Response-Latency", "", Kong, true},
	{"X-Iinfo", "", Imperva, true},
	{"Via", "(cloudfront)", CloudFront, true},
	{"Via", "squid", Squid, true},
	{"Via", "varnish", Varnish, true},
	{"Via", "1.1 google", GoogleLB, true},
	{"Via", "vegur", Heroku, true},
	{"Via", "heroku-router", Heroku, true},
	{"Via", "fly.io", Fly, true},
	{"Via", "caddy", Caddy, true},
	{"Via", "kong", Kong, true},
	{"Via", "nghttpx", Nghttpx, true},
	{"Via", "tinyproxy", Tinyproxy, true},
	{"Via", "ns-cache", NetScaler, true},
	{"Via", "apachetrafficserver", ATS, true},
	{"Via", "cisco-wsa", Filter, true},
	{"Via", "barracuda", Filter, true},
	{"Via", "", Backend, true},
	{"X-Varnish", "", Varnish, true},
}

// bodySign is how a product without a Server field shows itself in the text of
// its answers.
type bodySign struct {
	text    string // in lower case
	product Product
	proxy   bool
}

var bodySigns = []bodySign{
	// haproxy src/http.c http_err_msgs.
	{"<html><body><h1>503 service unavailable</h1>\nno server is available", HAProxy, true},
	{"<html><body><h1>502 bad gateway</h1>\nthe server returned an invalid", HAProxy, true},
	{"<html><body><h1>504 gateway time-out</h1>\nthe server didn't respond", HAProxy, true},
	{"<html><body><h1>400 bad request</h1>\nyour browser sent an invalid", HAProxy, true},
	{"<html><body><h1>403 forbidden</h1>\nrequest forbidden by administrative", HAProxy, true},
	{"<html><body><h1>429 too many requests</h1>\nyou have sent too many", HAProxy, true},
	// envoy source/common/router, "no healthy upstream" and response flags.
	{"no healthy upstream", Envoy, true},
	{"upstream connect error or disconnect/reset before headers", Envoy, true},
	{"upstream request timeout", Envoy, true},
	{"stylesheet for squid error pages", Squid, true},
	// gorilla/websocket server.go.
	{"websocket: the client is not using the websocket protocol", Gorilla, false},
	{"websocket: request origin not allowed by upgrader.checkorigin", Gorilla, false},
	{"websocket: ", Gorilla, false},
	// coder/websocket accept.go.
	{"websocket protocol violation: ", Coder, false},
	// python-websockets server: "Failed to open a WebSocket connection: …".
	{"failed to open a websocket connection", PyWebsockets, false},
	// engine.io server.ts errorMessages.
	{`{"code":0,"message":"transport unknown"}`, EngineIO, false},
	{`{"code":1,"message":"session id unknown"}`, EngineIO, false},
	{`{"code":2,"message":"bad handshake method"}`, EngineIO, false},
	{`{"code":3,"message":"bad request"}`, EngineIO, false},
	{`{"code":4,"message":"forbidden"}`, EngineIO, false},
	{`{"code":5,"message":"unsupported protocol version"}`, EngineIO, false},
	// sockjs-node: websocket.coffee and faye-websocket.
	{"not a valid websocket request", SockJS, false},
	{`can "upgrade" only to "websocket".`, SockJS, false},
	// Node ws websocket-server.js.
	{"invalid upgrade header", NodeWS, false},
	{"missing or invalid sec-websocket-key header", NodeWS, false},
	{"missing or invalid sec-websocket-version header", NodeWS, false},
}

// Answerer names who answered the handshake: from the fields Server, Via and
// those of one product only, then from the text of the answer. proxy tells
// that the product is one that usually stands in front of a server (nginx and
// Apache can be either). An empty name means that nothing tells.
func Answerer(c *record.Connection) (name string, product Product, proxy bool) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil {
		return "", Unknown, false
	}
	u := c.Facts.Upgrade
	for _, s := range signs {
		for _, f := range u.Response.Fields {
			if !strings.EqualFold(f.Name, s.field) || !strings.Contains(strings.ToLower(f.Value), s.text) || f.Value == "" {
				continue
			}
			return signName(s, f.Value), s.product, s.proxy
		}
	}
	if _, p, isProxy := bodyProduct(u.Body); p != Unknown {
		return string(p), p, isProxy
	}
	return "", Unknown, false
}

// Speaker tells which software wrote the text of an answer: it may be another
// than the proxy that passed it on.
func Speaker(body []byte) Product {
	_, p, _ := bodyProduct(body)
	return p
}

func bodyProduct(body []byte) (text string, p Product, proxy bool) {
	if len(body) == 0 {
		return "", Unknown, false
	}
	lower := strings.ToLower(string(body))
	for _, s := range bodySigns {
		if strings.Contains(lower, s.text) {
			return s.text, s.product, s.proxy
		}
	}
	return "", Unknown, false
}

// signName is what the answer calls itself: the Server field's value, the
// product in a Via field's comment, or the product's name.
func signName(s sign, value string) string {
	switch s.field {
	case "Server":
		if s.product == Backend && !strings.ContainsAny(value, "/ ") {
			return "the server (" + Clip(value) + ")"
		}
		return Clip(value)
	case "Via":
		last := value[strings.LastIndexByte(value, ',')+1:]
		if _, comment, ok := strings.Cut(last, "("); ok {
			if comment, _, ok = strings.Cut(comment, ")"); ok && strings.ContainsAny(comment, "/") {
				return Clip(comment)
			}
		}
		if s.product == Backend {
			if fields := strings.Fields(last); len(fields) > 1 {
				return "the proxy " + Clip(fields[1])
			}
			return "a proxy"
		}
	}
	return string(s.product)
}

// Who names the answerer and its address so that a sentence can begin with it:
// "nginx/1.22.1 at 10.0.0.5:80" or "The server at 10.0.0.5:80".
func Who(c *record.Connection) string {
	if bare(c) {
		return ""
	}
	name, _, _ := Answerer(c)
	if name == "" {
		name = "the server"
	}
	if strings.HasPrefix(name, "the ") || name == "a proxy" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	return name + " at " + Endpoint(c)
}
