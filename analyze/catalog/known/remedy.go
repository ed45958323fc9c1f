package known

import "strings"

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

// advice is what to do, and the document that says so: an address, or
// "repository:path" of a source file.
type advice struct{ text, source string }

// Documents that several rows have. The pages of HAProxy, Varnish and Traffic
// Server are made from haproxy/haproxy:doc/configuration.txt,
// varnishcache/varnish-cache:doc/sphinx and include/tbl/params.h, and
// apache/trafficserver:doc/admin-guide/files, against which the rows were checked;
// Google's page on backends and Cloudflare's on WebSockets against copies.
const (
	docHAProxy    = "https://docs.haproxy.org/3.0/configuration.html"
	docEnvoyTimes = "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts"
	docEnvoyFlags = "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage"
	docELBTrouble = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html"
	docCF5xx      = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/"
	docCFWS       = "https://developers.cloudflare.com/network/websockets/"
	docGoogleLB   = "https://cloud.google.com/load-balancing/docs/https/request-distribution"
	docCloudRun   = "https://cloud.google.com/run/docs/triggering/websockets"
	docVarnishWS  = "https://varnish-cache.org/docs/trunk/users-guide/vcl-example-websockets.html"
	docNginxWS    = "https://nginx.org/en/docs/http/websocket.html"
)

// remedies holds what to do at one product.
var remedies = map[Problem]map[Product]advice{
	Stripped: {
		Nginx: {"In the location that proxies this path: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; then nginx -s reload.", docNginxWS},
		HAProxy: {"HAProxy passes Upgrade on in mode http: look for http-request del-header, set-header or replace-header rules on Upgrade or Connection and take them out; set timeout tunnel.",
			docHAProxy + "#4.2-timeout%20tunnel"},
		Apache: {"Apache 2.4.47 or later: ProxyPass \"/path\" \"http://backend/path\" upgrade=websocket. Before that: load mod_proxy_wstunnel and use ProxyPass \"/path\" \"ws://backend/path\" above the general ProxyPass.",
			"https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#wsupgrade"},
		Squid: {"Squid drops Upgrade by default: http_upgrade_request_protocols websocket allow all (Squid 5 and later; written as the clients write it, its case counts), or let the client open a CONNECT tunnel, as it does for wss://.",
			"https://www.squid-cache.org/Doc/config/http_upgrade_request_protocols/"},
		Varnish: {"In vcl_recv: if (req.http.upgrade ~ \"(?i)websocket\") { return (pipe); } and in vcl_pipe: if (req.http.upgrade) { set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection; }",
			docVarnishWS},
		// The 403: envoyproxy/envoy:source/common/http/conn_manager_impl.cc, UpgradeFailed.
		Envoy: {"Envoy answers 403 to an upgrade that is not configured: in the HttpConnectionManager (or the route's upgrade_configs) set upgrade_configs: [{upgrade_type: websocket}].",
			"https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades"},
		Traefik: {"Traefik passes WebSocket on by itself: look for a headers middleware that sets or empties Connection or Upgrade (customRequestHeaders), and for a second proxy behind it.",
			"https://doc.traefik.io/traefik/user-guides/websocket/"},
		Caddy: {"Caddy's reverse_proxy passes WebSocket on by itself: look for header_up lines on Connection or Upgrade, and for a matcher that sends this path elsewhere.",
			"https://caddyserver.com/docs/caddyfile/directives/reverse_proxy"},
		IIS: {"Install the WebSocket Protocol feature (Web Server, Application Development) and keep <webSocket enabled=\"true\" /> in system.webServer; to proxy, use Application Request Routing 3.0 or later.",
			"https://learn.microsoft.com/en-us/iis/configuration/system.webserver/websocket"},
		Lighttpd: {"In mod_proxy: proxy.header = ( \"upgrade\" => \"enable\" ).", "https://redmine.lighttpd.net/projects/lighttpd/wiki/Mod_proxy"},
		LiteSpeed: {"Add a Web Socket Proxy with this URI and the backend's address to the virtual host.",
			"https://raw.githubusercontent.com/litespeedtech/openlitespeed/v1.9.1/dist/docs/VHWebSocket_Help.html"},
		Kong: {"Kong passes WebSocket on for services of protocol http or https: look for plugins that remove Upgrade or Connection (request-transformer), and for a proxy in front of Kong.",
			srcKong},
		ATS: {"In remap.config, map the path with ws:// or wss:// too: a request to upgrade needs a rule of this scheme, such as map ws://host/path ws://backend/path.",
			"https://docs.trafficserver.apache.org/en/latest/admin-guide/files/remap.config.en.html"},
		Tinyproxy: {"tinyproxy takes Upgrade off every request: let the client open a CONNECT tunnel, and allow the port (ConnectPort).", "tinyproxy/tinyproxy:src/reqs.c"},
		Cloudflare: {"Switch on WebSockets for the zone (Network > WebSockets), and look for Workers or rules that change the headers.",
			docCFWS},
		CloudFront: {"Let the cache behavior's origin request policy forward Sec-WebSocket-Key and Sec-WebSocket-Version, or all headers (AllViewer).",
			"https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html"},
		// Lambda: docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html.
		ALB: {"An Application Load Balancer passes WebSocket on, but not to Lambda targets (it answers 400 for them); with a Classic Load Balancer, use a TCP or SSL listener instead of HTTP or HTTPS.",
			"https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html"},
		APIGateway: {"REST and HTTP APIs are no WebSocket endpoints: create a WebSocket API.", "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html"},
		Fastly: {"Enable the WebSockets product for the service and, in vcl_recv: if (req.http.Upgrade) { return(upgrade); }",
			"https://www.fastly.com/documentation/guides/concepts/real-time-messaging/websockets-tunnel/"},
		Akamai: {"Add the WebSockets behavior, enabled, to the property's rule for this path.", "https://techdocs.akamai.com/property-mgr/reference/ga-web-sockets"},
		GoogleLB: {"The backend service's protocol must be HTTP or HTTPS, not HTTP/2, for WebSocket to pass; nothing else needs to be set.",
			"https://cloud.google.com/load-balancing/docs/https"},
		AppGateway: {"Application Gateway passes WebSocket on without a setting, by an HTTP or HTTPS listener and backend setting: look for rewrite sets on Connection or Upgrade.",
			"https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-websocket"},
		FrontDoor: {"Switch off caching on this route: with caching, Front Door does not forward the Upgrade header.", "https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"},
		BigIP: {"BIG-IP 12.1 and later: attach a WebSocket profile beside the HTTP profile to the virtual server; before 11.4, switch the HTTP profile off for WebSockets.",
			"https://my.f5.com/manage/s/article/K14754"},
		NetScaler: {"Enable WebSocket connections in an HTTP profile (set ns httpProfile NAME -webSocket ENABLED) and bind it to the virtual server.",
			"https://support.citrix.com/external/article/CTX235401/faq-netscaler-and-websockets.html"},
		Unknown: {"Make every proxy between the client and the server pass the hop-by-hop headers on: HTTP/1.1 to the backend, Upgrade: websocket and Connection: Upgrade. For nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\".",
			"RFC 9110 section 7.8"},
	},
	OldVersion: {
		Nginx:   {"In the location that proxies this path: proxy_http_version 1.1;", "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version"},
		Unknown: {"Make the client, or the proxy that wrote this request, use HTTP/1.1 (nginx before 1.29.7: proxy_http_version 1.1;).", "RFC 6455 section 4.1"},
	},
	IdleTimeout: {
		Nginx: {"Raise proxy_read_timeout in this location (60s by default), or let the server send Pings more often than it allows.", docNginxWS},
		HAProxy: {"Set timeout tunnel (for example 1h): without it timeout client and timeout server apply to WebSockets; or send Pings more often.",
			docHAProxy + "#4.2-timeout%20tunnel"},
		// The larger of the two: apache/httpd:modules/proxy/mod_proxy_http.c, "Set timeout to the highest configured for client or backend".
		Apache: {"Raise ProxyTimeout (or timeout= of the ProxyPass line): Apache 2.4.47 and later ends a tunnel that was silent for the larger of TimeOut and ProxyTimeout, 60 s by default. Or send Pings more often.",
			"https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxytimeout"},
		Squid:   {"Raise read_timeout (15 minutes by default) or send Pings more often.", "https://www.squid-cache.org/Doc/config/read_timeout/"},
		Varnish: {"Raise pipe_timeout (60 s by default), or send Pings more often.", "https://varnish-cache.org/docs/trunk/reference/varnishd.html#pipe-timeout"},
		Envoy:   {"Raise stream_idle_timeout (5 minutes by default) or the route's idle_timeout, or send Pings more often.", docEnvoyTimes},
		Caddy: {"Caddy has no idle timeout for WebSockets: look whether stream_timeout is set, and whether its configuration was reloaded (stream_close_delay keeps WebSockets open then).",
			"https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#streaming"},
		ATS: {"Raise proxy.config.websocket.no_activity_timeout (600 s by default), or send Pings more often.",
			"https://docs.trafficserver.apache.org/en/latest/admin-guide/files/records.yaml.en.html#proxy-config-websocket-no-activity-timeout"},
		ALB: {"Raise the load balancer's idle timeout (attribute idle_timeout.timeout_seconds, 60 by default) or send a Ping more often; TCP keep-alive does not count.",
			"https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html"},
		APIGateway: {"The idle timeout of a WebSocket API is 10 minutes and cannot be raised: send a message more often.",
			"https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"},
		GoogleLB: {"Raise the backend service's timeout (timeoutSec, 30 by default); a classic Application Load Balancer ends WebSockets of that age whether they are idle or not.", docGoogleLB},
		CloudRun: {"Raise the service's request timeout (5 minutes by default, 60 at most): to Cloud Run a WebSocket is one long request, idle or not.", docCloudRun},
		AppGateway: {"Raise the request timeout of the backend setting (20 s by default), or send Pings more often.",
			"https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-websocket"},
		FrontDoor:  {"The idle timeout is 5 minutes: send Pings more often.", "https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"},
		Cloudflare: {"Send Pings more often: Cloudflare asks for a keepalive on WebSockets and documents no time; users have reported that silent ones end after 100 s.", docCFWS},
		Heroku:     {"The router's window is 55 s and fixed: send Pings more often.", "https://devcenter.heroku.com/articles/http-routing#timeouts"},
		Unknown: {"Send Pings from the server more often than that, or raise the idle timeout of the proxy, load balancer or firewall on the way.",
			"RFC 6455 section 5.5.2"},
	},
	UpstreamDown: {
		Nginx: {"nginx's error.log names the reason and the upstream (\"connect() failed\", \"no live upstreams\", \"upstream prematurely closed connection\"): start that server, or correct proxy_pass.",
			"nginx/nginx:src/http/ngx_http_upstream.c"},
		HAProxy: {"The log's termination state tells (SC: could not connect; SH: closed before an answer; <NOSRV>: no server was chosen): look at the backend's servers and their checks (show servers state).",
			docHAProxy + "#8.5"},
		Apache: {"error_log has AH01114 or AH00957 with the backend's address: start that server, or correct ProxyPass.", "apache/httpd:modules/proxy/mod_proxy_http.c"},
		Envoy:  {"The access log's response flag tells (UF: connection failed, UH: no healthy host, UC: closed by the upstream): look at the cluster's health.", docEnvoyFlags},
		ALB: {"Look at the target group's health and at target_status_code in the access log: 502 is a target that reset, closed or answered wrongly, 503 a target group without registered targets.",
			docELBTrouble},
		Cloudflare: {"Look at the origin: it refused, reset or answered wrongly (Cloudflare also shows 520 to 526 for this).", docCF5xx},
		Unknown: {"Look at the proxy's error log for this request and at the server behind it: is it running, on the address and port that the proxy is configured with, and speaking the protocol expected?",
			"RFC 9110 section 15.6.3"},
	},
	Unavailable: {
		Nginx: {"nginx itself answers 503 for limit_req, limit_conn and return 503 (maintenance); look at these and at its error.log, then at the server behind it.",
			"https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_status"},
		HAProxy: {"No server of the backend is up or has a free slot: look at the servers' checks and limits (show servers state; termination state SC or sQ in the log).", docHAProxy + "#8.5"},
		Envoy:   {"The access log's response flag tells (UH: no healthy host, UO: overflow of a circuit breaker, UF: connection failed): look at the cluster's health and limits.", docEnvoyFlags},
		ALB:     {"The target group has no registered targets: register them.", docELBTrouble},
		Unknown: {"Look whether the service is overloaded, in maintenance or at its connection limit, and at the health checks of the load balancer; let clients back off and honour Retry-After.",
			"RFC 9110 section 15.6.4"},
	},
	UpstreamSlow: {
		Nginx: {"error.log has \"upstream timed out\" with the upstream's address: find out why that server does not answer the Upgrade; proxy_read_timeout is only how long nginx waits.",
			"https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"},
		HAProxy:    {"Termination state sH in the log: the server accepted and did not answer within timeout server.", docHAProxy + "#8.5"},
		ALB:        {"The target did not answer within the idle timeout, or its connection could not be opened in 10 s: look at the target and its security group.", docELBTrouble},
		Cloudflare: {"524: the origin accepted the connection and did not answer within the proxy read timeout (120 s; it was 100 s).", docCF5xx},
		Unknown: {"Find out why the server behind the proxy accepts the connection and does not answer the Upgrade: overloaded, blocked by a lock, or waiting for something else.",
			"RFC 9110 section 15.6.5"},
	},
	CachedHandshake: {
		Nginx:   {"proxy_cache off; for this location, with the Upgrade headers passed on.", "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache"},
		Varnish: {"Pipe WebSocket requests in vcl_recv: if (req.http.upgrade ~ \"(?i)websocket\") { return (pipe); }", docVarnishWS},
		CloudFront: {"Disable caching for this path (cache policy CachingDisabled).",
			"https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html"},
		Unknown: {"Exclude this path from the cache: an answer to a handshake must never be stored (nginx: proxy_cache off; Varnish: return (pipe)).", "RFC 6455 section 1.3"},
	},
	LargeHeader: {
		Nginx: {"Send fewer or smaller cookies, or raise large_client_header_buffers (4 of 8k by default).",
			"https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers"},
		Apache:  {"Send fewer or smaller cookies, or raise LimitRequestFieldSize (8190 bytes by default).", "https://httpd.apache.org/docs/2.4/mod/core.html#limitrequestfieldsize"},
		HAProxy: {"Send fewer or smaller cookies, or raise tune.bufsize (16384 by default).", docHAProxy + "#3.2-tune.bufsize"},
		Unknown: {"Send fewer or smaller cookies, or raise the limit of header bytes at whoever answered.", "RFC 6585 section 5"},
	},
	Limited: {
		Nginx: {"limit_req or limit_conn in nginx: raise the rate, the burst or the limit for this location, and let the client wait longer between attempts.",
			"https://nginx.org/en/docs/http/ngx_http_limit_req_module.html"},
		HAProxy: {"A stick-table rule (http-request deny status 429): raise its limit, and let the client wait longer between attempts.", docHAProxy + "#4.2-http-request"},
		Unknown: {"Let the client wait longer between attempts (exponential backoff, honour Retry-After), or raise the limit.", "RFC 6585 section 4"},
	},
}

// Remedy tells what to do about a problem at a product, as its documentation
// has it, with the document's address in brackets at the end; the general
// advice where no row is about this product.
func Remedy(product Product, problem Problem) string {
	a, ok := remedies[problem][product]
	if !ok {
		a = remedies[problem][Unknown]
	}
	return Documented(a.text, a.source)
}

// Documented is advice with the address of its document in brackets at the
// end. A source that is no address is for the maintainers, and left out.
func Documented(text, source string) string {
	if !strings.HasPrefix(source, "https://") {
		return text
	}
	return strings.TrimSuffix(text, ".") + " (" + source + ")."
}
