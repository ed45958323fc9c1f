package known

import (
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
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
	CloudRun     Product = "Google Cloud Run or App Engine"
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
	Tornado      Product = "Tornado or SockJS" // whose texts are the same
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
	source      string // an address, "repository:path", byItsOwnName or seenInPublic
}

// signs, first match first.
var signs = []sign{
	{"Server", "zscaler", Filter, true, wafw00f + "zscaler.py"},
	{"Server", "barracuda", Filter, true, byItsOwnName},
	{"Server", "sonicwall", Filter, true, wafw00f + "sonicwall.py"},
	{"Server", "captiveportal", Filter, true, byItsOwnName},
	{"Server", "cloudflare", Cloudflare, true, byItsOwnName},
	{"Server", "awselb", ALB, true, wafw00f + "awswaf.py"},
	{"Server", "cloudfront", CloudFront, true, byItsOwnName},
	{"Server", "akamaighost", Akamai, true, wafw00f + "kona.py"},
	{"Server", "microsoft-azure-application-gateway", AppGateway, true, byItsOwnName},
	{"Server", "google frontend", CloudRun, true, seenInPublic},
	{"Server", "heroku", Heroku, true, byItsOwnName},
	{"Server", "fly/", Fly, true, "https://fly.io/docs/networking/request-headers/"},
	{"Server", "bigip", BigIP, true, byItsOwnName},
	{"Server", "big-ip", BigIP, true, byItsOwnName},
	{"Server", "openresty", Nginx, true, "https://openresty.org/"},
	{"Server", "tengine", Nginx, true, "https://tengine.taobao.org/"},
	{"Server", "nginx", Nginx, true, "https://nginx.org/en/docs/http/ngx_http_core_module.html#server_tokens"},
	{"Server", "haproxy", HAProxy, true, byItsOwnName},
	{"Server", "apache-coyote", Backend, false, "https://tomcat.apache.org/tomcat-8.5-doc/config/http.html"},
	{"Server", "apache tomcat", Backend, false, "https://tomcat.apache.org/tomcat-8.5-doc/config/http.html"},
	{"Server", "ats/", ATS, true, "https://docs.trafficserver.apache.org/en/latest/admin-guide/files/records.yaml.en.html"},
	{"Server", "apache", Apache, true, "https://httpd.apache.org/docs/2.4/mod/core.html#servertokens"},
	{"Server", "squid", Squid, true, byItsOwnName},
	{"Server", "varnish", Varnish, true, byItsOwnName},
	{"Server", "envoy", Envoy, true, "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#server"},
	{"Server", "istio-envoy", Envoy, true, "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#server"},
	{"Server", "traefik", Traefik, true, byItsOwnName},
	{"Server", "caddy", Caddy, true, byItsOwnName},
	{"Server", "microsoft-iis", IIS, true, byItsOwnName},
	{"Server", "lighttpd", Lighttpd, true, byItsOwnName},
	{"Server", "litespeed", LiteSpeed, true, byItsOwnName},
	{"Server", "kong", Kong, true, byItsOwnName},
	{"Server", "tinyproxy", Tinyproxy, true, byItsOwnName},
	{"Server", "nghttpx", Nghttpx, true, byItsOwnName},
	{"Server", "websockets/", PyWebsockets, false, "python-websockets/websockets:src/websockets/http11.py"},
	{"Server", "", Backend, false, "RFC 9110 section 10.2.4"},
	{"X-Squid-Error", "", Squid, true, "squid-cache/squid:src/errorpage.cc"},
	{"CF-Ray", "", Cloudflare, true, "https://developers.cloudflare.com/fundamentals/reference/cloudflare-ray-id/"},
	{"X-Amz-Cf-Id", "", CloudFront, true, wafw00f + "cloudfront.py"},
	{"X-Azure-Ref", "", FrontDoor, true, "https://learn.microsoft.com/en-us/azure/frontdoor/front-door-http-headers-protocol"},
	{"Fly-Request-Id", "", Fly, true, "https://fly.io/docs/networking/request-headers/"},
	{"X-Amz-Apigw-Id", "", APIGateway, true, "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html"},
	{"X-Served-By", "cache-", Fastly, true, "https://fastly.com/documentation/reference/http/http-headers/X-Served-By"},
	{"X-Envoy-Upstream-Service-Time", "", Envoy, true, "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-upstream-service-time"},
	{"X-Kong-Upstream-Latency", "", Kong, true, srcKong},
	{"X-Kong-Response-Latency", "", Kong, true, byItsOwnName},
	{"X-Iinfo", "", Imperva, true, seenInPublic},
	{"Via", "(cloudfront)", CloudFront, true, wafw00f + "cloudfront.py"},
	{"Via", "squid", Squid, true, byItsOwnName},
	{"Via", "varnish", Varnish, true, byItsOwnName},
	{"Via", "1.1 google", GoogleLB, true, "https://cloud.google.com/load-balancing/docs/https"},
	{"Via", "vegur", Heroku, true, "https://devcenter.heroku.com/articles/http-routing#heroku-headers"},
	{"Via", "heroku-router", Heroku, true, "https://devcenter.heroku.com/articles/http-routing#heroku-headers"},
	{"Via", "fly.io", Fly, true, byItsOwnName},
	{"Via", "caddy", Caddy, true, byItsOwnName},
	{"Via", "kong", Kong, true, srcKong},
	{"Via", "nghttpx", Nghttpx, true, byItsOwnName},
	{"Via", "tinyproxy", Tinyproxy, true, byItsOwnName},
	{"Via", "ns-cache", NetScaler, true, wafw00f + "netscaler.py"},
	{"Via", "apachetrafficserver", ATS, true, byItsOwnName},
	{"Via", "cisco-wsa", Filter, true, ooni + "ooni.br_0"},
	{"Via", "barracuda", Filter, true, byItsOwnName},
	{"Via", "", Backend, true, "RFC 9110 section 7.6.3"},
	{"X-Varnish", "", Varnish, true, byItsOwnName},
}

// bodySign is how a product without a Server field shows itself in the text of
// its answers.
type bodySign struct {
	text    string // in lower case
	product Product
	proxy   bool
	source  string // an address or "repository:path"
}

const (
	srcKong     = "Kong/docs.konghq.com:app/_src/gateway/how-kong-works/routing-traffic.md"
	srcHAProxy  = "haproxy/haproxy:src/http.c"
	srcEnvoy    = "envoyproxy/envoy:source/common/router/router.cc"
	srcGorilla  = "gorilla/websocket:server.go"
	srcCoder    = "coder/websocket:accept.go"
	srcEngineIO = "socketio/engine.io:lib/server.ts"
	srcNodeWS   = "websockets/ws:lib/websocket-server.js"
)

var bodySigns = []bodySign{
	{"<html><body><h1>503 service unavailable</h1>\nno server is available", HAProxy, true, srcHAProxy},
	{"<html><body><h1>502 bad gateway</h1>\nthe server returned an invalid", HAProxy, true, srcHAProxy},
	{"<html><body><h1>504 gateway time-out</h1>\nthe server didn't respond", HAProxy, true, srcHAProxy},
	{"<html><body><h1>400 bad request</h1>\nyour browser sent an invalid", HAProxy, true, srcHAProxy},
	{"<html><body><h1>403 forbidden</h1>\nrequest forbidden by administrative", HAProxy, true, srcHAProxy},
	{"<html><body><h1>429 too many requests</h1>\nyou have sent too many", HAProxy, true, srcHAProxy},
	{"no healthy upstream", Envoy, true, srcEnvoy},
	{"upstream connect error or disconnect/reset before headers", Envoy, true, srcEnvoy},
	{"upstream request timeout", Envoy, true, srcEnvoy},
	{"stylesheet for squid error pages", Squid, true, ooni + "cl.prod_squid_error_page"},
	{"websocket: the client is not using the websocket protocol", Gorilla, false, srcGorilla},
	{"websocket: request origin not allowed by upgrader.checkorigin", Gorilla, false, srcGorilla},
	{"websocket: unsupported version: 13 not found", Gorilla, false, srcGorilla},
	{"websocket: not a websocket handshake", Gorilla, false, srcGorilla},
	{"websocket: application specific 'sec-websocket-extensions' headers", Gorilla, false, srcGorilla},
	{"websocket: response does not implement http.hijacker", Gorilla, false, srcGorilla},
	{"websocket protocol violation: ", Coder, false, srcCoder},
	{"unsupported websocket protocol version (only 13 is supported)", Coder, false, srcCoder},
	{"is not authorized for host", Coder, false, srcCoder},
	{"failed to open a websocket connection", PyWebsockets, false, "python-websockets/websockets:src/websockets/server.py"},
	{`{"code":0,"message":"transport unknown"}`, EngineIO, false, srcEngineIO},
	{`{"code":1,"message":"session id unknown"}`, EngineIO, false, srcEngineIO},
	{`{"code":2,"message":"bad handshake method"}`, EngineIO, false, srcEngineIO},
	{`{"code":3,"message":"bad request"}`, EngineIO, false, srcEngineIO},
	{`{"code":4,"message":"forbidden"}`, EngineIO, false, srcEngineIO},
	{`{"code":5,"message":"unsupported protocol version"}`, EngineIO, false, srcEngineIO},
	{"not a valid websocket request", SockJS, false, "sockjs/sockjs-node:lib/trans-websocket.js"},
	{"only supported websocket protocol is rfc 6455", SockJS, false, "sockjs/sockjs-node:lib/trans-websocket.js"},
	{`can "upgrade" only to "websocket".`, Tornado, false, "tornadoweb/tornado:tornado/websocket.py"},
	{`"connection" must be "upgrade".`, Tornado, false, "tornadoweb/tornado:tornado/websocket.py"},
	{"invalid upgrade header", NodeWS, false, srcNodeWS},
	{"missing or invalid sec-websocket-key header", NodeWS, false, srcNodeWS},
	{"missing or invalid sec-websocket-version header", NodeWS, false, srcNodeWS},
	{"invalid or unacceptable sec-websocket-extensions header", NodeWS, false, srcNodeWS},
}

// Answerer names who answered the handshake: from the fields Server, Via and
// those of one product only, then from the text of the answer. proxy tells
// that the product is one that usually stands in front of a server (nginx and
// Apache can be either). An empty name means that nothing tells.
func Answerer(c *record.Connection) (name string, product Product, proxy bool) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil {
		return "", Unknown, false
	}
	if s, value := answerSign(c.Facts.Upgrade.Response); s != nil {
		return signName(*s, value), s.product, s.proxy
	}
	if _, p, isProxy := bodyProduct(c.Facts.Upgrade.Body); p != Unknown {
		return string(p), p, isProxy
	}
	return "", Unknown, false
}

// ProductOf is Answerer without the name, which costs memory.
func ProductOf(c *record.Connection) (product Product, proxy bool) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil {
		return Unknown, false
	}
	if s, _ := answerSign(c.Facts.Upgrade.Response); s != nil {
		return s.product, s.proxy
	}
	_, product, proxy = bodyProduct(c.Facts.Upgrade.Body)
	return product, proxy
}

// answerSign is the first of the signs that stands in an answer, with the value
// of its field; nil if there is none.
func answerSign(h *http1.Head) (*sign, string) {
	for i := range signRuns {
		if run := &signRuns[i]; h.Has(run.field) {
			if s, value := run.in(h); s != nil {
				return s, value
			}
		}
	}
	return nil, ""
}

// signRun is signs of one field that follow each other.
type signRun struct {
	field string
	signs []sign
	texts *Phrases
	rest  int // the place of the sign that any other value is; -1: there is none
}

// in is the first of the signs that stands in one of the fields.
func (r *signRun) in(h *http1.Head) (first *sign, value string) {
	best := len(r.signs)
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Value == "" || len(f.Name) != len(r.field) || !strings.EqualFold(f.Name, r.field) {
			continue
		}
		if at := earlier(r.texts.FindString(f.Value), r.rest); at >= 0 && at < best {
			best, first, value = at, &r.signs[at], f.Value
		}
	}
	return first, value
}

// signRuns are the signs in their order, those of one field together: most
// answers lack most of the fields.
var signRuns = runs(signs)

func runs(all []sign) (list []signRun) {
	for begin, i := 0, 1; i <= len(all); i++ {
		if i == len(all) || all[i].field != all[begin].field {
			of := all[begin:i]
			list = append(list, signRun{all[begin].field, of, PhrasesOf(of, func(s *sign) string { return s.text }),
				slices.IndexFunc(of, func(s sign) bool { return s.text == "" })})
			begin = i
		}
	}
	return list
}

// Speaker tells which software wrote the text of an answer: it may be another
// than the proxy that passed it on.
func Speaker(body []byte) Product {
	_, p, _ := bodyProduct(body)
	return p
}

func bodyProduct(body []byte) (text string, p Product, proxy bool) {
	if i := bodyPhrases.Find(body); i >= 0 {
		return bodySigns[i].text, bodySigns[i].product, bodySigns[i].proxy
	}
	return "", Unknown, false
}

var bodyPhrases = PhrasesOf(bodySigns, func(s *bodySign) string { return s.text })

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
