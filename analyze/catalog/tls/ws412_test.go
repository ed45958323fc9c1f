package tls

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

func TestWS412(t *testing.T) {
	for name, tc := range map[string]struct {
		response, body string
		change         func(*record.Facts)
		title          string
	}{
		"nginx": {response: "HTTP/1.1 400 Bad Request\nServer: nginx/1.22.1\n", body: "<title>400 The plain HTTP request was sent to HTTPS port</title>",
			title: "nginx/1.22.1 at 10.0.0.5:443 answered that the plaintext Upgrade request was sent to a TLS port"},
		"go":     {response: "HTTP/1.0 400 Bad Request\n", body: "Client sent an HTTP request to an HTTPS server.\n", title: "The server at 10.0.0.5:443 answered that"},
		"apache": {response: "HTTP/1.1 400 Bad Request\n", body: "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />", title: "TLS port"},
		"tomcat": {response: "HTTP/1.1 400 \n", body: "Bad Request\r\nThis combination of host and port requires TLS.\r\n", title: "TLS port"},
		"alert": {change: func(f *record.Facts) {
			f.Upgrade.TLSAnswer, f.Upgrade.NotHTTP, f.Upgrade.NotHTTPRef = true, []byte("\x15\x03\x01\x00\x02\x02\x46"), record.Ref{Packet: 6}
		}, title: "with the TLS alert protocol_version: the port speaks TLS"},
		"short alert": {change: func(f *record.Facts) {
			f.Upgrade.TLSAnswer, f.Upgrade.NotHTTP, f.Upgrade.NotHTTPRef = true, []byte("\x15\x03\x01"), record.Ref{Packet: 6}
		}, title: "with a TLS alert"},
		"another 400":     {response: "HTTP/1.1 400 Bad Request\n", body: "Bad Request"},
		"404 that quotes": {response: "HTTP/1.1 404 Not Found\n", body: "The plain HTTP request was sent to HTTPS port"},
		"inside TLS":      {response: "HTTP/1.1 400 Bad Request\n", body: "This combination of host and port requires TLS.", change: func(f *record.Facts) { f.TLS = &record.TLSFacts{} }},
		"no answer":       {},
		"switched":        {response: "HTTP/1.1 101 Switching Protocols\n"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") + "\r\n" }
			u := &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, raw("GET /x HTTP/1.1\nHost: a\nUpgrade: websocket\n")), RequestRef: record.Ref{Packet: 4},
				Body: []byte(tc.body), BodyRef: record.Ref{Packet: 6}, ResponseRef: record.Ref{Packet: 6}}
			if tc.response != "" {
				u.Response = http1.ParseHead(http1.Response, raw(tc.response))
			}
			c := &record.Connection{Server: netip.MustParseAddrPort("10.0.0.5:443"), Facts: &record.Facts{Upgrade: u, Files: []string{"a.pcap"}}}
			if tc.change != nil {
				tc.change(c.Facts)
			}
			r := rule.NewReporter(c.Facts.Files)
			r.Run(WS412, c)
			if len(r.Findings()) == 0 || tc.title == "" {
				if len(r.Findings()) != 0 || tc.title != "" {
					t.Fatalf("found %v", r.Findings())
				}
				return
			}
			f := r.Findings()[0]
			if !strings.Contains(f.Title, tc.title) || !strings.Contains(f.Remedy, "wss://") || f.Fault != record.FaultClient || len(f.Evidence) < 2 {
				t.Errorf("%+v", f)
			}
		})
	}
}

// nginx that speaks HTTP to a backend's TLS port passes on Go's words.
func TestWS412BehindAProxy(t *testing.T) {
	for _, tc := range []struct {
		server, text string
		fault        record.Fault
	}{
		{"nginx/1.22.1", "Client sent an HTTP request to an HTTPS server.", record.FaultIntermediary},
		{"nginx/1.22.1", "400 The plain HTTP request was sent to HTTPS port", record.FaultClient},
		{"Caddy", "Client sent an HTTP request to an HTTPS server.", record.FaultClient},
		{"TornadoServer/6.4", "Client sent an HTTP request to an HTTPS server.", record.FaultClient},
	} {
		u := &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\n\r\n"), Body: []byte(tc.text), RequestRef: record.Ref{Packet: 4},
			BodyRef: record.Ref{Packet: 6}, ResponseRef: record.Ref{Packet: 6}, Response: http1.ParseHead(http1.Response, "HTTP/1.1 400 Bad Request\r\nServer: "+tc.server+"\r\n\r\n")}
		r := rule.NewReporter([]string{"a.pcap"})
		r.Run(WS412, &record.Connection{Server: netip.MustParseAddrPort("10.0.0.5:80"), Facts: &record.Facts{Upgrade: u, Files: []string{"a.pcap"}}})
		if found := r.Findings(); len(found) != 1 || found[0].Fault != tc.fault {
			t.Errorf("%s, %q: %v", tc.server, tc.text, found)
		}
	}
}
