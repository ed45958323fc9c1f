package patterns

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS807 = &rule.Rule{
	Code: "WS807", Slug: "upgrade-lost-between-hops", Family: "patterns", Since: "1.0.0",
	Title:    "A proxy removed or changed what the Upgrade needs before it passed the handshake on",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The same handshake is in the capture twice: as the client sent it to a proxy, and as the proxy sent it on. On the way in it had everything that a WebSocket needs; on the way out a part of it is missing or different.",
		Why:  "The server behind the proxy never saw a request for a WebSocket, so it answered as to a page request, and the client got an answer that says nothing about the cause. Every client behind this proxy fails in the same way.",
		How: "The two are matched by Sec-WebSocket-Key, or where the proxy makes a key of its own by path, time and the proxy's address. Upgrade and Connection are hop-by-hop fields: " +
			"a proxy has to take them off and must put them on again for the next hop if it supports WebSocket. Both requests are in front of us, so nothing is guessed.",
		Alike: "A proxy that speaks WebSocket on both sides by itself may use other values on its far side; if the client's connection works, this is not reported. " +
			"HTTP/2 has no Upgrade field: a proxy that turns one into the other is not compared here.",
		Fix: "Configure the proxy at hand to pass Upgrade and Connection on, with HTTP/1.1. nginx: proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade, proxy_set_header Connection \"upgrade\". " +
			"Apache: upgrade=websocket at ProxyPass. Squid: http_upgrade_request_protocols. Varnish: return (pipe).",
	},
	References:    []string{"RFC 6455 section 4.2.1", "RFC 9110 section 7.6.1", "RFC 9110 section 7.8", "https://nginx.org/en/docs/http/websocket.html"},
	CheckRelation: checkLost,
}

func checkLost(x *record.Relation, r *rule.Reporter) {
	h := x.Hop
	if h == nil {
		return
	}
	lost := h.Lost
	if h.Renewed {
		// A key of the proxy's own is fine only if the client gets the answer to its own key.
		for _, c := range h.Answer {
			if c.Name == "Sec-WebSocket-Accept" {
				lost = append(lost[:len(lost):len(lost)], keyChange(h))
			}
		}
	}
	if len(lost) == 0 || answeredAnyway(h) {
		return
	}
	who, product := proxyOf(h)
	f := rule.Found{Title: fmt.Sprintf("%s %s %s before %s went on to %s", who, did(lost), handshakes(x), it(x), h.Back.Server), Remedy: known.Remedy(product, known.Stripped)}
	if len(lost) == 1 && lost[0].Name == "Sec-WebSocket-Key" {
		f.Remedy = "Let the proxy pass Sec-WebSocket-Key on as it is, or give the client the Sec-WebSocket-Accept of the client's own key."
	}
	if len(lost) == 1 && lost[0].Name == "Host" {
		f.Remedy = "Let the proxy send one Host field with each request."
	}
	for _, c := range lost {
		f.Evidence = append(f.Evidence, r.At(c.BeforeRef, "before the proxy: %s", stands(c.Name, c.Before)), r.At(c.AfterRef, "behind it: %s", stands(c.Name, c.After)))
	}
	r.Add(f)
}

func keyChange(h *record.Hop) record.Change {
	f, b := h.Front.Facts.Upgrade, h.Back.Facts.Upgrade
	before, _ := f.Request.Get("Sec-WebSocket-Key")
	after, _ := b.Request.Get("Sec-WebSocket-Key")
	return record.Change{Name: "Sec-WebSocket-Key", Before: before, After: after, BeforeRef: f.RequestRef, AfterRef: b.RequestRef}
}

// answeredAnyway: the server behind the proxy opened the WebSocket, so nothing
// that it needs was lost; only the key can then be the trouble.
func answeredAnyway(h *record.Hop) bool {
	b := h.Back.Facts.Upgrade
	return !h.Renewed && b.Response != nil && b.Response.Status == 101
}

// handshakes says of how many.
func handshakes(x *record.Relation) string {
	if x.Total == 1 {
		return "the handshake"
	}
	return atLeast(x, x.Total) + " handshakes"
}

func it(x *record.Relation) string {
	if x.Total == 1 {
		return "it"
	}
	return "they"
}

// did says in words what a proxy did to a request: "took Upgrade and Connection off".
func did(lost []record.Change) string {
	var off, changed []string
	for _, c := range lost {
		switch {
		case c.Name == "version":
			changed = append(changed, "HTTP/1.1 into HTTP/1.0")
		case c.Name == "Sec-WebSocket-Key" && c.After != "":
			changed = append(changed, "Sec-WebSocket-Key (and passed back the answer to its own)")
		case c.After == "":
			off = append(off, c.Name)
		case c.Name == "Connection" && len(lost) > 1 && strings.EqualFold(c.After, "close"):
			off = append(off, "'Connection: Upgrade'")
		default:
			changed = append(changed, known.Quote(c.Name+": "+c.Before)+" into "+known.Quote(c.Name+": "+c.After))
		}
	}
	var parts []string
	if len(off) > 0 {
		parts = append(parts, "took "+strings.Join(off, " and ")+" off")
	}
	if len(changed) > 0 {
		parts = append(parts, "changed "+strings.Join(changed, ", ")+" in")
	}
	return strings.Join(parts, " and ")
}

func stands(name, value string) string {
	switch {
	case value == "":
		return "no " + name + " field"
	case name == "version" || name == "status":
		return known.Clip(value)
	case name == "Sec-WebSocket-Key" || name == "Sec-WebSocket-Accept":
		return name + " " + known.Clip(value)
	}
	return known.Clip(name + ": " + value)
}

// proxyOf names the proxy between two hops for the beginning of a sentence, by
// what it wrote into either: its Via, or a Server field that the server behind
// it did not write.
func proxyOf(h *record.Hop) (string, known.Product) {
	at := " at " + known.ProxyAt(h.Front, h.Back)
	f, b := h.Front.Facts.Upgrade, h.Back.Facts.Upgrade
	if b.Request != nil {
		via, _ := b.Request.Get("Via")
		if product, name := byVia(via); product != known.Unknown {
			return name + at, product
		}
		if b.Request.Has("X-Varnish") {
			return "Varnish" + at, known.Varnish
		}
	}
	if f.Response == nil {
		return "The proxy" + at, known.Unknown
	}
	name, product, _ := known.Answerer(h.Front)
	own, _ := f.Response.Get("Server")
	behind := ""
	if b.Response != nil {
		behind, _ = b.Response.Get("Server")
	}
	if name == "" || own != "" && own == behind || product == known.Backend || product == known.NodeWS || product == known.Gorilla || product == known.Coder {
		if b.Request != nil && b.Request.Has("X-Forwarded-Server") && b.Request.Has("X-Forwarded-Host") {
			return "Apache httpd" + at, known.Apache
		}
		return "The proxy" + at, known.Unknown
	}
	if strings.HasPrefix(name, "the ") || strings.HasPrefix(name, "a ") {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	return name + at, product
}

func byVia(via string) (known.Product, string) {
	lower := strings.ToLower(via)
	for _, sign := range [...]struct {
		text    string
		product known.Product
	}{{"squid", known.Squid}, {"varnish", known.Varnish}, {"cloudfront", known.CloudFront}, {"heroku", known.Heroku}, {"vegur", known.Heroku},
		{"caddy", known.Caddy}, {"nghttpx", known.Nghttpx}, {"tinyproxy", known.Tinyproxy}, {"kong", known.Kong}, {"apachetrafficserver", known.ATS}, {"google", known.GoogleLB}} {
		if strings.Contains(lower, sign.text) {
			return sign.product, string(sign.product)
		}
	}
	return known.Unknown, ""
}
