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
	// OneWay: it counts from the last byte of one side alone, so that traffic of the other does not stop it.
	OneWay bool
	// Forgets: the connection is dropped without a word, and data sent later meets a RST or nothing.
	Forgets bool
	Source  string
}

// timers are defaults. Nothing follows from one that fits but that it fits: any
// product can be configured to any time.
var timers = []Timer{
	{Name: "Firefox's network.websocket.timeout.ping.response", After: 10 * time.Second, Source: "Firefox modules/libpref/init/all.js"},
	{Product: Traefik, Name: "Traefik's lifeCycle.graceTimeOut", After: 10 * time.Second, Lifetime: true, Source: "doc.traefik.io entrypoints, lifeCycle"},
	{Product: Envoy, Name: "Envoy's route timeout", After: 15 * time.Second, Source: "envoyproxy.io FAQ, timeouts"},
	{Product: AppGateway, Name: "Azure Application Gateway's request timeout", After: 20 * time.Second, Source: "learn.microsoft.com application-gateway-websocket"},
	{Product: PyWebsockets, Name: "Python websockets' ping_timeout", After: 20 * time.Second, Source: "websockets docs, keepalive"},
	{Product: EngineIO, Name: "Engine.IO's pingTimeout", After: 20 * time.Second, Source: "engine.io server.ts"},
	{Product: HAProxy, Name: "HAProxy's timeout client and server as its documentation's examples have them", After: 30 * time.Second, Source: "HAProxy configuration.txt, timeout tunnel"},
	{Product: GoogleLB, Name: "Google Cloud load balancing's backend service timeout", After: 30 * time.Second, Lifetime: true, Source: "cloud.google.com load balancing, backend service timeout"},
	{Product: GoogleLB, Name: "Google Cloud load balancing's backend service timeout", After: 30 * time.Second, Source: "cloud.google.com load balancing, backend service timeout"},
	{Product: EngineIO, Name: "Engine.IO's pingInterval and pingTimeout together", After: 45 * time.Second, Source: "engine.io server.ts"},
	{Product: Heroku, Name: "Heroku's rolling window", After: 55 * time.Second, Source: "devcenter.heroku.com http-routing, timeouts"},
	{Product: Nginx, Name: "nginx's proxy_read_timeout", After: 60 * time.Second, OneWay: true, Source: "nginx.org ngx_http_proxy_module"},
	{Product: ALB, Name: "an AWS Application or Classic Load Balancer's idle timeout", After: 60 * time.Second, Source: "docs.aws.amazon.com ELB, idle_timeout.timeout_seconds"},
	{Product: Apache, Name: "Apache httpd's TimeOut or ProxyTimeout", After: 60 * time.Second, Source: "httpd.apache.org core TimeOut, mod_proxy ProxyTimeout"},
	{Product: Varnish, Name: "Varnish's pipe_timeout", After: 60 * time.Second, Source: "varnish-cache.org varnishd parameters"},
	{Product: Traefik, Name: "Traefik's respondingTimeouts.readTimeout", After: 60 * time.Second, Source: "doc.traefik.io entrypoints, respondingTimeouts"},
	{Product: Fly, Name: "the Fly.io proxy's idle timeout", After: 60 * time.Second, Source: "community.fly.io/t/1243 (a forum, no documentation)"},
	{Product: Cloudflare, Name: "Cloudflare's proxy read timeout", After: 100 * time.Second, Source: "developers.cloudflare.com connection limits; community.cloudflare.com/t/5865"},
	{Product: Traefik, Name: "Traefik's respondingTimeouts.idleTimeout", After: 180 * time.Second, Source: "doc.traefik.io entrypoints, respondingTimeouts"},
	{Product: Nginx, Name: "ingress-nginx's worker-shutdown-timeout", After: 240 * time.Second, Lifetime: true, Source: "kubernetes.github.io ingress-nginx configmap"},
	{Name: "Azure Load Balancer's idle timeout", After: 240 * time.Second, Forgets: true, Source: "learn.microsoft.com load-balancer-tcp-idle-timeout"},
	{Product: Envoy, Name: "Envoy's (and Istio's) stream_idle_timeout", After: 300 * time.Second, Source: "envoyproxy.io FAQ, timeouts"},
	{Product: FrontDoor, Name: "Azure Front Door's idle timeout", After: 300 * time.Second, Source: "learn.microsoft.com frontdoor websocket"},
	{Product: Caddy, Name: "Caddy's server idle timeout", After: 300 * time.Second, Source: "caddyserver.com global options, timeouts idle"},
	{Name: "Cloud Run's request timeout", After: 300 * time.Second, Lifetime: true, Source: "cloud.google.com run triggering websockets"},
	{Name: "an AWS Network Load Balancer's idle timeout", After: 350 * time.Second, Forgets: true, Source: "docs.aws.amazon.com NLB, connection idle timeout"},
	{Name: "an AWS NAT gateway's idle timeout", After: 350 * time.Second, Forgets: true, Source: "docs.aws.amazon.com NAT gateways, troubleshooting"},
	{Product: Cloudflare, Name: "Cloudflare's client keep-alive", After: 400 * time.Second, Source: "developers.cloudflare.com connection limits"},
	{Product: Nginx, Name: "nginx's stream proxy_timeout", After: 600 * time.Second, Source: "nginx.org ngx_stream_proxy_module"},
	{Product: APIGateway, Name: "Amazon API Gateway's idle timeout", After: 600 * time.Second, Source: "docs.aws.amazon.com API Gateway, WebSocket quotas"},
	{Product: Squid, Name: "Squid's read_timeout", After: 900 * time.Second, Source: "squid-cache.org read_timeout"},
	{Product: Cloudflare, Name: "Cloudflare's origin idle timeout", After: 900 * time.Second, Source: "developers.cloudflare.com connection limits"},
	{Product: Envoy, Name: "Envoy's idle_timeout of connections", After: 3600 * time.Second, Source: "envoyproxy.io FAQ, timeouts"},
	{Product: HAProxy, Name: "HAProxy's timeout tunnel as its documentation's example has it", After: 3600 * time.Second, Source: "HAProxy configuration.txt, timeout tunnel"},
	{Name: "Cloud Run's longest request timeout", After: 3600 * time.Second, Lifetime: true, Source: "cloud.google.com run triggering websockets"},
	{Product: APIGateway, Name: "Amazon API Gateway's connection duration", After: 7200 * time.Second, Lifetime: true, Source: "docs.aws.amazon.com API Gateway, WebSocket quotas"},
	{Product: FrontDoor, Name: "Azure Front Door's longest WebSocket", After: 14400 * time.Second, Lifetime: true, Source: "learn.microsoft.com frontdoor websocket"},
	{Product: Squid, Name: "Squid's client_lifetime", After: 86400 * time.Second, Lifetime: true, Source: "squid-cache.org client_lifetime"},
}

// A timer is looked at now and then, so that a connection ends some time after
// it ran out; nginx ends one up to 300 ms early, as its clock is that coarse.
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
