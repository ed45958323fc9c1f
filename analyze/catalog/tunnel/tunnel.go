// Package tunnel holds the rules about forward proxies (CONNECT, SOCKS) and the
// PROXY protocol.
//
// Most callers need only Rules.
package tunnel

import (
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{WS301, WS302, WS303, WS304, WS305, WS306, WS307}

// failed is the tunnel that did not open; nil where there is none, or it opened.
func failed(c *record.Connection) *record.TunnelFacts {
	if c.Facts == nil || c.Facts.Tunnel == nil || c.Facts.Tunnel.Opened {
		return nil
	}
	return c.Facts.Tunnel
}

// atProxy shows the exchange with the proxy as if it were the handshake, for
// what is known of products and clients.
func atProxy(c *record.Connection) *record.Connection {
	t := c.Facts.Tunnel
	return &record.Connection{Client: c.Client, Server: c.Server, URL: c.URL,
		Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Request: t.Request, Response: t.Response, Body: t.Body}}}
}

// protocols are the kinds of tunnels in a sentence.
var protocols = map[string]string{"socks4": "SOCKS4", "socks4a": "SOCKS4a", "socks5": "SOCKS5"}

// proxy names the forward proxy so that a sentence can begin with it.
func proxy(c *record.Connection) (who string, product known.Product) {
	t := c.Facts.Tunnel
	address := c.Server.String()
	if t.Through != "" {
		address = known.Clip(t.Through)
	}
	if name := protocols[t.Kind]; name != "" {
		return "The " + name + " proxy at " + address, known.Unknown
	}
	name, product, _ := known.Answerer(atProxy(c))
	if name == "" {
		name = "The forward proxy"
	} else {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	return name + " at " + address, product
}

// target is where the client wanted to go, for a sentence.
func target(t *record.TunnelFacts) string {
	if t.Target == "" {
		return "a target that is not in the capture"
	}
	return known.Clip(t.Target)
}

// port is that of the target; 0 is not known.
func port(t *record.TunnelFacts) int {
	i := strings.LastIndexByte(t.Target, ':')
	n, err := strconv.ParseUint(t.Target[i+1:], 10, 16)
	if i < 0 || err != nil {
		return 0
	}
	return int(n)
}

// answer writes the proxy's answer: "403 Forbidden".
func answer(t *record.TunnelFacts) string {
	return strings.TrimSpace(strconv.Itoa(t.Response.Status) + " " + known.Clip(t.Response.Reason))
}

// exchange is the evidence of a request and its answer.
func exchange(r *rule.Reporter, t *record.TunnelFacts, answered string) []record.Evidence {
	asked := "request to the proxy for " + target(t)
	if t.Request != nil {
		asked = "CONNECT " + target(t)
	}
	return []record.Evidence{r.At(t.RequestRef, "%s", asked), r.At(t.ResponseRef, "%s", answered)}
}

// upstreamSigns are the words with which a proxy says that it could not reach
// its target. Sources: Squid's errors (ERR_CONNECT_FAIL, ERR_CANNOT_FORWARD,
// ERR_DNS_FAIL), tinyproxy's and Privoxy's pages, mod_proxy's.
var upstreamSigns = []string{"unable to connect", "could not connect", "cannot connect", "can't connect", "failed to connect", "connect failed",
	"connection failed", "connection refused", "cannot forward", "unable to forward", "could not resolve", "unable to resolve", "dns lookup failure",
	"no such host", "no such domain", "host not found", "unreachable", "timed out", "connect to server", "err_cannot_forward", "err_connect_fail", "err_dns_fail"}

// upstream tells whether the answer says that the proxy could not reach the
// target, and what shows it.
func upstream(t *record.TunnelFacts) (seen string, ok bool) {
	switch s := t.Response.Status; {
	case s == 502 || s == 503 || s == 504:
		return squidError(t), true
	case s < 500 && !strings.EqualFold(t.Response.Reason, "No such domain"): // Privoxy's 404
		return "", false
	}
	squid := squidError(t)
	for _, text := range [...]string{squid, t.Response.Reason, string(t.Body)} {
		lower := strings.ToLower(text)
		for _, sign := range upstreamSigns {
			if i := strings.Index(lower, sign); i >= 0 && i+len(sign) <= len(text) {
				if text == squid {
					return squid, true
				}
				return known.Quote(text[i : i+len(sign)]), true
			}
		}
	}
	return "", false
}

// squidError is Squid's own name for what went wrong: "ERR_ACCESS_DENIED".
func squidError(t *record.TunnelFacts) string {
	value, _ := t.Response.Get("X-Squid-Error")
	name, _, _ := strings.Cut(value, " ")
	return known.Clip(name)
}

// sawRefusal is what the user got to read when CONNECT was refused.
func sawRefusal(c *record.Connection) string {
	t := c.Facts.Tunnel
	status := "…"
	if t.Response != nil {
		status = strconv.Itoa(t.Response.Status)
	}
	text := known.UserSaw(atProxy(c), known.SawTunnel, status)
	if strings.Contains(text, string(known.Chromium)) {
		text += "; as a page: ERR_TUNNEL_CONNECTION_FAILED"
	}
	return text
}
