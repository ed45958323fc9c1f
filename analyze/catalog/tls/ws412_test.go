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
