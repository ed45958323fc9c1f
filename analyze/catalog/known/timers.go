package known

import (
	"slices"
	"strings"
	"time"
)

// Timer is a time after which a product ends a connection by default.
type Timer struct {
	Product Product // Unknown where only Name tells
	Name    string  // product and setting, as a sentence can name them
	After   time.Duration
	// Lifetime: it counts the connection's age; else the time without traffic.
	Lifetime bool
	// Forgets: the connection is dropped without a word, and data sent later meets a RST or nothing.
	Forgets bool
	Source  string // an address, or "repository:path"
}

// timers are defaults. Nothing follows from one that fits but that it fits: any
// product can be configured to any time. Timers that do not run while a
// WebSocket is open have no place here: keep-alive timeouts between requests,
// read timeouts of a request (Go's http.Server clears its deadlines when a
// connection is hijacked, so Traefik's and Caddy's are such), Envoy's route
// timeout and its idle_timeout of connections without streams, and waits that
// begin with a shutdown. Nor have those that are no more: Fly.io's 60 s ended in
// 2023 (community.fly.io/t/tcp-idle-timeouts-restrictions-have-been-removed/15160).
var timers = []Timer{
	{Product: AppGateway, Name: "Azure Application Gateway's request timeout", After: 20 * time.Second, Source: "https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-websocket"},
	{Product: PyWebsockets, Name: "Python websockets' ping_timeout", After: 20 * time.Second, Source: "python-websockets/websockets:docs/topics/keepalive.rst"},
	{Product: EngineIO, Name: "Engine.IO's pingTimeout", After: 20 * time.Second, Source: srcEngineIO},
	{Product: HAProxy, Name: "HAProxy's timeout client or timeout server (30s in its manual's examples)", After: 30 * time.Second, Source: docHAProxy + "#4.2-timeout%20tunnel"},
	{Product: GoogleLB, Name: "Google Cloud load balancing's backend service timeout", After: 30 * time.Second, Lifetime: true, Source: docGoogleLB},
	{Product: GoogleLB, Name: "Google Cloud load balancing's backend service timeout", After: 30 * time.Second, Source: docGoogleLB},
	{Product: EngineIO, Name: "Engine.IO's pingInterval and pingTimeout together", After: 45 * time.Second, Source: srcEngineIO},
	{Product: Heroku, Name: "Heroku's rolling window", After: 55 * time.Second, Source: "https://devcenter.heroku.com/articles/http-routing#timeouts"},
	// Data of either side starts it anew: nginx/nginx:src/http/ngx_http_upstream.c, at the end of ngx_http_upstream_process_upgraded.
	{Product: Nginx, Name: "nginx's proxy_read_timeout", After: 60 * time.Second, Source: "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"},
	{Product: ALB, Name: "an AWS Application or Classic Load Balancer's idle timeout", After: 60 * time.Second, Source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html"},
	// The larger of the two: apache/httpd:modules/proxy/mod_proxy_http.c.
	{Product: Apache, Name: "Apache httpd's TimeOut or ProxyTimeout", After: 60 * time.Second, Source: "https://httpd.apache.org/docs/2.4/mod/core.html#timeout"},
	{Product: Varnish, Name: "Varnish's pipe_timeout", After: 60 * time.Second, Source: "https://varnish-cache.org/docs/trunk/reference/varnishd.html#pipe-timeout"},
	// Cloudflare documents no time for WebSockets (its proxy read timeout, 120 s, is of requests): this one
	// is what users report, also in buildbot/buildbot/issues/4078.
	{Product: Cloudflare, Name: "the idle timeout that users report of Cloudflare", After: 100 * time.Second, Source: "https://github.com/aspnet/WebSockets/issues/134"},
	{Name: "Azure Load Balancer's idle timeout", After: 240 * time.Second, Forgets: true, Source: "https://learn.microsoft.com/en-us/azure/load-balancer/load-balancer-tcp-idle-timeout"},
	{Product: Envoy, Name: "Envoy's (and Istio's) stream_idle_timeout", After: 300 * time.Second, Source: docEnvoyTimes},
	{Product: FrontDoor, Name: "Azure Front Door's idle timeout", After: 300 * time.Second, Source: "https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"},
	{Product: CloudRun, Name: "Cloud Run's request timeout", After: 300 * time.Second, Lifetime: true, Source: docCloudRun},
	{Name: "an AWS Network Load Balancer's idle timeout", After: 350 * time.Second, Forgets: true, Source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html"},
	{Name: "an AWS NAT gateway's idle timeout", After: 350 * time.Second, Forgets: true, Source: "awsdocs/amazon-vpc-user-guide:doc_source/nat-gateway-troubleshooting.md"},
	{Product: Nginx, Name: "nginx's stream proxy_timeout", After: 600 * time.Second, Source: "https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html#proxy_timeout"},
	{Product: APIGateway, Name: "Amazon API Gateway's idle timeout", After: 600 * time.Second, Source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"},
	{Product: ATS, Name: "Traffic Server's websocket.no_activity_timeout", After: 600 * time.Second, Source: "https://docs.trafficserver.apache.org/en/latest/admin-guide/files/records.yaml.en.html#proxy-config-websocket-no-activity-timeout"},
	{Product: Squid, Name: "Squid's read_timeout", After: 900 * time.Second, Source: "https://www.squid-cache.org/Doc/config/read_timeout/"},
	{Product: Envoy, Name: "Envoy's idle_timeout of the TCP proxy", After: 3600 * time.Second, Source: docEnvoyTimes},
	{Product: HAProxy, Name: "HAProxy's timeout tunnel (1h in its manual's example)", After: 3600 * time.Second, Source: docHAProxy + "#4.2-timeout%20tunnel"},
	{Product: CloudRun, Name: "Cloud Run's longest request timeout", After: 3600 * time.Second, Lifetime: true, Source: docCloudRun},
	{Product: ATS, Name: "Traffic Server's websocket.active_timeout", After: 3600 * time.Second, Lifetime: true, Source: "https://docs.trafficserver.apache.org/en/latest/admin-guide/files/records.yaml.en.html#proxy-config-websocket-active-timeout"},
	{Product: APIGateway, Name: "Amazon API Gateway's connection duration", After: 7200 * time.Second, Lifetime: true, Source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"},
	{Product: FrontDoor, Name: "Azure Front Door's longest WebSocket", After: 14400 * time.Second, Lifetime: true, Source: "https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"},
	{Product: GoogleLB, Name: "Google Cloud global load balancing's longest WebSocket", After: 86400 * time.Second, Lifetime: true, Source: docGoogleLB},
	{Product: Squid, Name: "Squid's client_lifetime", After: 86400 * time.Second, Lifetime: true, Source: "https://www.squid-cache.org/Doc/config/client_lifetime/"},
}

// A timer is looked at now and then, so that a connection ends some time after
// it ran out; nginx ends one up to 300 ms early, as it does not set a timer anew
// for less (nginx/nginx:src/event/ngx_event_timer.h, NGX_TIMER_LAZY_DELAY).
// Short timers must fit better: chance hits them too often.
const (
	timerEarly = 350 * time.Millisecond
	timerLate  = 1200 * time.Millisecond
	timerShort = 30 * time.Second
	timerClose = 100 * time.Millisecond
)

// IdleTimers are the defaults that a silence of this length fits, those of the
// product at hand first.
func IdleTimers(silence time.Duration, product Product) []Timer {
	return fitting(silence, product, false)
}

// LifetimeTimers are the defaults that an age fits.
func LifetimeTimers(age time.Duration, product Product) []Timer { return fitting(age, product, true) }

func fitting(d time.Duration, product Product, lifetime bool) []Timer {
	var list []Timer
	for _, t := range timers {
		early, late := timerEarly, timerLate
		if t.After < timerShort {
			early, late = timerClose, timerClose
		}
		if t.Lifetime == lifetime && d >= t.After-early && d <= t.After+late {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b Timer) int { return rankTimer(a, product) - rankTimer(b, product) })
	return list
}

// ForgottenAfter are the timers of devices that drop a connection without a
// word and may have run out in a silence of this length.
func ForgottenAfter(silence time.Duration) []Timer {
	var list []Timer
	for _, t := range timers {
		if t.Forgets && silence >= t.After-timerEarly {
			list = append(list, t)
		}
	}
	return list
}

func rankTimer(t Timer, product Product) int {
	if product != Unknown && t.Product == product {
		return 0
	}
	return 1
}

// TimerNames writes timers for a sentence: "nginx's proxy_read_timeout or ... (60 s by default)".
func TimerNames(list []Timer) string {
	const most = 4
	var b strings.Builder
	for i, t := range list {
		switch {
		case i == most:
			b.WriteString(" and others")
			return b.String()
		case i > 0 && i == min(len(list), most)-1 && len(list) <= most:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(t.Name)
	}
	return b.String()
}
