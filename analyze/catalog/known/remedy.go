package known

// Problem is what went wrong at a product, where what to do depends on it.
type Problem string

const (
	// Stripped: the product does not pass Upgrade and Connection on.
	Stripped Problem = "stripped"
	// OldVersion: it speaks HTTP/1.0 to the server behind it.
	OldVersion Problem = "old-version"
	// IdleTimeout: it ends a WebSocket that was silent for a while.
	IdleTimeout Problem = "idle-timeout"
	// UpstreamDown: it cannot reach the server behind it.
	UpstreamDown Problem = "upstream-down"
	// Unavailable: it answers 503.
	Unavailable Problem = "unavailable"
	// UpstreamSlow: it waited in vain for the server behind it.
	UpstreamSlow Problem = "upstream-slow"
	// CachedHandshake: it stores answers to handshakes.
	CachedHandshake Problem = "cached-handshake"
	// LargeHeader: it refuses a request head of this size.
	LargeHeader Problem = "large-header"
	// Limited: it limits requests or connections.
	Limited Problem = "limited"
)

// remedies holds what to do at one product. Source: the product's own
// documentation, named in the comment above each.
var remedies = map[Problem]map[Product]string{
	Stripped: {
		// nginx.org/en/docs/http/websocket.html
		Nginx: "In the location that proxies this path: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; then nginx -s reload.",
		// docs.haproxy.org, "option http-server-close", "timeout tunnel"
		HAProxy: "HAProxy passes Upgrade on in mode http: look for http-request del-header, set-header or replace-header rules on Upgrade or Connection, and for the old option forceclose, and take them out; set timeout tunnel.",
		// httpd.apache.org/docs/2.4/mod/mod_proxy_http.html (upgrade=), mod_proxy_wstunnel.html
		Apache: "Apache 2.4.47 or later: ProxyPass \"/path\" \"http://backend/path\" upgrade=websocket. Before that: load mod_proxy_wstunnel and use ProxyPass \"/path\" \"ws://backend/path\" above the general ProxyPass.",
		// www.squid-cache.org/Doc/config/http_upgrade_request_protocols/
		Squid: "Squid drops Upgrade by default: http_upgrade_request_protocols websocket allow all (Squid 5 and later), or let the client open a CONNECT tunnel, as it does for wss://.",
		// varnish-cache.org/docs: "Using Varnish with websockets"
		Varnish: "In vcl_recv: if (req.http.upgrade ~ \"(?i)websocket\") { return (pipe); } and in vcl_pipe: if (req.http.upgrade) { set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection; }",
		// envoyproxy.io/docs: HTTP upgrades
		Envoy: "Envoy ignores upgrades that are not configured: in the HttpConnectionManager (or the route's upgrade_configs) set upgrade_configs: [{upgrade_type: websocket}].",
		// doc.traefik.io: Traefik proxies WebSocket without configuration
		Traefik: "Traefik passes WebSocket on by itself: look for a headers middleware that sets or empties Connection or Upgrade (customRequestHeaders), and for a second proxy behind it.",
		// caddyserver.com/docs/caddyfile/directives/reverse_proxy
		Caddy: "Caddy's reverse_proxy passes WebSocket on by itself: look for header_up lines on Connection or Upgrade, and for a matcher that sends this path elsewhere.",
		// learn.microsoft.com: IIS WebSocket protocol; ARR 3.0
		IIS: "Install the WebSocket Protocol feature (Web-WebSockets) and Application Request Routing 3.0, keep <webSocket enabled=\"true\" /> in web.config, and take out rewrite rules on HTTP_UPGRADE or HTTP_CONNECTION.",
		// redmine.lighttpd.net/projects/lighttpd/wiki/Mod_proxy
		Lighttpd: "In mod_proxy: proxy.header = ( \"upgrade\" => \"enable\" ).",
		// docs.openlitespeed.org: WebSocket proxy
		LiteSpeed: "Add a Web Socket Proxy for this URI in the virtual host's configuration.",
		// docs.konghq.com: proxying WebSocket traffic
		Kong: "Kong passes WebSocket on for services with protocol http or https (or ws, wss): look for plugins that remove Upgrade or Connection (request-transformer), and for a proxy in front of Kong.",
		// docs.trafficserver.apache.org: remap.config
		ATS: "In remap.config, map the path with ws:// or wss:// on both sides: map ws://host/path ws://backend/path.",
		// github.com/tinyproxy/tinyproxy
		Tinyproxy: "tinyproxy does not pass Upgrade on: let the client open a CONNECT tunnel, and allow the port (ConnectPort).",
		// developers.cloudflare.com/network/websockets/
		Cloudflare: "Switch on WebSockets for the zone (Network > WebSockets), and look for Workers or transform rules that change the headers.",
		// docs.aws.amazon.com: Using WebSocket with CloudFront distributions
		CloudFront: "Forward the Sec-WebSocket headers to the origin: an origin request policy such as AllViewer, with caching disabled for this path.",
		// docs.aws.amazon.com: ELB listeners
		ALB: "An Application Load Balancer passes WebSocket on; a Classic Load Balancer's HTTP listener does not: use a TCP or SSL listener there, or an Application Load Balancer. Targets must use protocol version HTTP1.",
		// docs.aws.amazon.com/apigateway: WebSocket APIs
		APIGateway: "REST and HTTP APIs do not pass Upgrade on: create a WebSocket API.",
		// fastly.com/documentation: real-time messaging, WebSockets
		Fastly: "Enable the WebSockets product for the service and, in vcl_recv: if (req.http.Upgrade) { return(upgrade); }",
		// techdocs.akamai.com: WebSockets behavior
		Akamai: "Add the WebSockets behavior to the property's rule for this path.",
		// cloud.google.com/load-balancing: WebSocket support
		GoogleLB: "The backend service's protocol must be HTTP or HTTPS, not HTTP/2, for WebSocket to pass.",
		// learn.microsoft.com: application-gateway-websocket
		AppGateway: "Application Gateway passes WebSocket on: look for rewrite sets on Connection or Upgrade, and use a listener and backend setting of protocol HTTP or HTTPS.",
		// learn.microsoft.com: frontdoor/standard-premium/websocket
		FrontDoor: "Switch off caching on this route: with caching, Front Door removes the Upgrade header.",
		// docs of F5: WebSocket profile
		BigIP: "Attach a WebSocket profile beside the HTTP profile to the virtual server.",
		// docs.netscaler.com: HTTP profile, WebSocket
		NetScaler: "Enable WebSocket in the HTTP profile: set ns httpProfile NAME -webSocket ENABLED.",
		Unknown:   "Make every proxy between the client and the server pass the hop-by-hop headers on: HTTP/1.1 to the backend, Upgrade: websocket and Connection: Upgrade. For nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; and look at any other proxy, too.",
	},
	OldVersion: {
		Nginx:   "In the location that proxies this path: proxy_http_version 1.1;",
		Unknown: "Make the client, or the proxy that wrote this request, use HTTP/1.1 (nginx before 1.29.7: proxy_http_version 1.1;).",
	},
	IdleTimeout: {
		// ngx_http_proxy_module: proxy_read_timeout, 60s by default
		Nginx: "Raise proxy_read_timeout and proxy_send_timeout in this location (60s by default), or send a Ping more often than that.",
		// docs.haproxy.org: timeout tunnel
		HAProxy: "Set timeout tunnel (for example 1h): without it timeout client and timeout server apply to WebSockets; or send Pings more often.",
		// httpd.apache.org/docs/2.4/mod/mod_proxy.html
		Apache:  "Raise ProxyTimeout or ProxyWebsocketIdleTimeout, or send Pings more often.",
		Squid:   "Raise read_timeout (15 minutes by default) or send Pings more often.",
		Varnish: "Raise pipe_timeout (60 s by default), or send Pings more often.",
		// envoyproxy.io FAQ, timeouts
		Envoy: "Raise stream_idle_timeout (5 minutes by default) or the route's idle_timeout, or send Pings more often.",
		// docs.aws.amazon.com: idle_timeout.timeout_seconds
		ALB:        "Raise the load balancer's idle timeout (attribute idle_timeout.timeout_seconds, 60 by default) or send a Ping more often; TCP keep-alive does not count.",
		APIGateway: "The idle timeout of a WebSocket API is 10 minutes and fixed: send a message or Ping more often.",
		GoogleLB:   "Raise the backend service's timeout (timeoutSec, 30 by default).",
		AppGateway: "Raise the request timeout of the backend setting (20 s by default), or send Pings more often.",
		FrontDoor:  "The idle timeout is 5 minutes: send Pings more often.",
		Cloudflare: "The proxy read timeout is 100 s and fixed for most plans: send Pings more often.",
		Heroku:     "The router's window is 55 s and fixed: send Pings more often.",
		Unknown:    "Send Pings from the server more often than the timer's length (every 20 to 30 s suits most), or raise the idle timeout of the proxy, load balancer or firewall on the way.",
	},
	UpstreamDown: {
		Nginx:      "nginx's error.log names the reason and the upstream (\"connect() failed\", \"no live upstreams\", \"upstream prematurely closed connection\"): start that server, or correct proxy_pass.",
		HAProxy:    "The log's termination state tells (SC: could not connect; SH: closed before an answer; <NOSRV>: no server is up): look at the backend's servers and their checks (show servers state).",
		Apache:     "error_log has AH01114 or AH00957 with the backend's address: start that server, or correct ProxyPass.",
		Envoy:      "The access log's response flag tells (UF: connection failed, UH: no healthy host, UC: closed by the upstream): look at the cluster's health.",
		ALB:        "Look at the target group's health and at target_status_code and error_reason in the access log: 502 is a target that reset, closed or answered wrongly, 503 no registered target.",
		Cloudflare: "Look at the origin: it refused, reset or answered wrongly (Cloudflare also shows 520 to 526 for this).",
		Unknown:    "Look at the proxy's error log for this request and at the server behind it: is it running, on the address and port that the proxy is configured with, and speaking the protocol expected?",
	},
	Unavailable: {
		// ngx_http_limit_req_module, ngx_http_limit_conn_module: status 503 by default
		Nginx:   "nginx itself answers 503 for limit_req, limit_conn and return 503 (maintenance); look at these and at its error.log, then at the server behind it.",
		HAProxy: "No server of the backend is up or has a free slot: look at the servers' checks and limits (show servers state; termination state SC or sQ in the log).",
		Envoy:   "The access log's response flag tells (UH: no healthy host, UO: overflow of a circuit breaker, UF: connection failed): look at the cluster's health and limits.",
		ALB:     "The target group has no registered or no healthy target: look at its health checks.",
		Unknown: "Look whether the service is overloaded, in maintenance or at its connection limit, and at the health checks of the load balancer; let clients back off and honour Retry-After.",
	},
	UpstreamSlow: {
		Nginx:      "error.log has \"upstream timed out\" with the upstream's address: find out why that server does not answer the Upgrade; proxy_read_timeout is only how long nginx waits.",
		HAProxy:    "Termination state sH in the log: the server accepted and did not answer within timeout server.",
		ALB:        "The target did not answer within the idle timeout, or its connection could not be opened in 10 s: look at the target and its security group.",
		Cloudflare: "524 or 504: the origin took longer than 100 s.",
		Unknown:    "Find out why the server behind the proxy accepts the connection and does not answer the Upgrade: overloaded, blocked by a lock, or waiting for something else.",
	},
	CachedHandshake: {
		Nginx:      "proxy_cache off; and proxy_no_cache 1; for this location, with the Upgrade headers passed on.",
		Varnish:    "Pipe WebSocket requests in vcl_recv: if (req.http.upgrade ~ \"(?i)websocket\") { return (pipe); }",
		CloudFront: "Disable caching for this path (cache policy CachingDisabled).",
		Unknown:    "Exclude this path from the cache: an answer to a handshake must never be stored (nginx: proxy_cache off; Varnish: return (pipe)).",
	},
	LargeHeader: {
		Nginx:   "Send fewer or smaller cookies, or raise large_client_header_buffers (4 of 8k by default).",
		Apache:  "Send fewer or smaller cookies, or raise LimitRequestFieldSize (8190 bytes by default).",
		HAProxy: "Send fewer or smaller cookies, or raise tune.bufsize (16384 by default).",
		Unknown: "Send fewer or smaller cookies, or raise the limit of header bytes at whoever answered.",
	},
	Limited: {
		Nginx:   "limit_req or limit_conn in nginx: raise the rate, the burst or the limit for this location, and let the client wait longer between attempts.",
		HAProxy: "A stick-table rule (http-request deny status 429) or maxconn: raise the limit, and let the client wait longer between attempts.",
		Unknown: "Let the client wait longer between attempts (exponential backoff, honour Retry-After), or raise the limit.",
	},
}

// Remedy tells what to do about a problem at a product, as its documentation
// has it; the general advice where that says nothing of this product.
func Remedy(product Product, problem Problem) string {
	if text, ok := remedies[problem][product]; ok {
		return text
	}
	return remedies[problem][Unknown]
}
