package tunnel

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

func TestWS306(t *testing.T) {
	const absolute = "GET http://app.test/x HTTP/1.1\nHost: app.test\nUpgrade: websocket\n"
	for name, tc := range map[string]struct {
		request, response string
		change            func(*record.Facts)
		title, remedy     string
		confidence        record.Confidence
	}{
		"squid": {request: absolute, response: "HTTP/1.1 426 Upgrade Required\nVia: 1.1 filter.test (squid/5.7)\n",
			title: "sent to squid/5.7 at 10.0.0.9:3128 in absolute form, expected CONNECT", remedy: "http_upgrade_request_protocols", confidence: record.Certain},
		"passed on":                     {request: absolute + "Proxy-Connection: keep-alive\n", response: "HTTP/1.1 101 Switching Protocols\n", title: "the proxy at 10.0.0.9:3128", confidence: record.Certain},
		"nothing else tells of a proxy": {request: absolute, response: "HTTP/1.1 101 Switching Protocols\n", title: "in absolute form", confidence: record.Likely},
		"origin form":                   {request: "GET /x HTTP/1.1\nHost: app.test\nUpgrade: websocket\n", change: func(f *record.Facts) { f.Upgrade.Absolute = false }},
		"in a tunnel":                   {request: absolute, change: func(f *record.Facts) { f.Tunnel = &record.TunnelFacts{Opened: true} }},
		"no request":                    {change: func(f *record.Facts) { f.Upgrade.Request = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			raw := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") + "\r\n" }
			u := &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, raw(tc.request)), RequestRef: record.Ref{Packet: 4}, Absolute: true}
			if tc.response != "" {
				u.Response = http1.ParseHead(http1.Response, raw(tc.response))
			}
			c := &record.Connection{Server: netip.MustParseAddrPort("10.0.0.9:3128"), Facts: &record.Facts{Upgrade: u, Files: []string{"a.pcap"}}}
			if tc.change != nil {
				tc.change(c.Facts)
			}
			r := rule.NewReporter(c.Facts.Files)
			r.Run(WS306, c)
			if len(r.Findings()) == 0 || tc.title == "" {
				if len(r.Findings()) != 0 || tc.title != "" {
					t.Fatalf("found %v", r.Findings())
				}
				return
			}
			f := r.Findings()[0]
			if !strings.Contains(f.Title, tc.title) || !strings.Contains(f.Remedy, tc.remedy) || !strings.Contains(f.Remedy, "CONNECT") || f.Confidence != tc.confidence || f.Fault != record.FaultClient || len(f.Evidence) == 0 {
				t.Errorf("%+v", f)
			}
		})
	}
}
