package patterns

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

var (
	user    = netip.MustParseAddr("10.0.0.1")
	app     = netip.MustParseAddrPort("10.0.1.1:80")
	backend = netip.MustParseAddrPort("10.0.2.2:8080")
)

func ref(n int64) record.Ref {
	return record.Ref{Packet: n, Time: record.Time(n) * record.Time(time.Second)}
}

func series(n int, early, late, median time.Duration) *record.Relation {
	return &record.Relation{Total: n, Series: &record.Series{Client: user, Server: app, URL: "ws://app.test/chat", First: ref(1), Last: ref(9), Early: early, Late: late, Median: median,
		Outcomes: []record.Count{{What: "answered 503", N: n}}, Attempts: []record.Ref{ref(1), ref(2)}, Gaps: []time.Duration{time.Second}}}
}

func unidentified(x *record.Relation) *record.Relation { x.Series.Unidentified = true; return x }

func cuts(n int, silent bool, after time.Duration) *record.Relation {
	return &record.Relation{Total: n, Cuts: &record.Cuts{Server: app, Silent: silent, After: after, Min: after, Max: after, Of: n, At: []record.Ref{ref(1)}}}
}

func burst(n int) *record.Relation {
	return &record.Relation{Total: n, Burst: &record.Burst{Server: app, Open: n, At: []record.Ref{ref(1), ref(2)}, Closes: []record.Count{{What: "code 1012", N: n}}}}
}

// hop is a handshake before and behind a proxy, by their heads.
func hop(h record.Hop, frontAnswer, backRequest, backAnswer string) *record.Relation {
	side := func(id string, server netip.AddrPort, request, answer string) *record.Connection {
		u := &record.UpgradeFacts{RequestRef: ref(1), ResponseRef: ref(4), Request: http1.ParseHead(http1.Request, "GET /chat HTTP/1.1\r\nHost: app.test\r\n"+request+"\r\n")}
		if answer != "" {
			u.Response = http1.ParseHead(http1.Response, "HTTP/1.1 "+answer+"\r\n\r\n")
		}
		return &record.Connection{ID: id, Client: netip.AddrPortFrom(user, 5000), Server: server, Facts: &record.Facts{Upgrade: u}}
	}
	h.Front = side("1", app, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: aaaa\r\n", frontAnswer)
	h.Back = side("5", backend, backRequest, backAnswer)
	return &record.Relation{Total: 1, Hop: &h}
}

// tunnelled is a hop whose front went through a forward proxy's tunnel.
func tunnelled(x *record.Relation, target string, backClient netip.Addr) *record.Relation {
	x.Hop.Front.Facts.Tunnel = &record.TunnelFacts{Opened: true, Target: target}
	x.Hop.Back.Client = netip.AddrPortFrom(backClient, 5000)
	return x
}

func lost(names ...string) (list []record.Change) {
	for _, n := range names {
		list = append(list, record.Change{Name: n, Before: "x", BeforeRef: ref(1), AfterRef: ref(2)})
	}
	return list
}

func lookUp(l record.LookUp) *record.Relation {
	l.Name, l.Client, l.Server, l.Query, l.Answer = "app.test", user, netip.MustParseAddr("10.0.0.53"), ref(1), ref(2)
	return &record.Relation{LookUp: &l}
}

var cases = []struct {
	name     string
	relation *record.Relation
	want     string // code, severity, confidence; empty: silent
	title    string // a part of it
}{
	{"WS801 ten at one pace", series(10, time.Second, time.Second, time.Second), "WS801 error certain", "10.0.0.1 made 10 failing attempts at ws://app.test/chat"},
	{"WS801 nothing came to a request", unidentified(series(10, time.Second, time.Second, time.Second)), "WS801 warning possible", "no attempt came as far"},
	{"WS801 seven", series(7, time.Second, time.Second, time.Second), "", ""},
	{"WS801 back-off", series(10, time.Second, 3*time.Second, 2*time.Second), "", ""},
	{"WS801 every few minutes", series(10, 2*time.Minute, 2*time.Minute, 2*time.Minute), "", ""},
	{"WS802 Engine.IO", &record.Relation{Total: 1, Fallback: &record.Fallback{Client: user, Server: app, Family: "engine.io", Transport: "polling", FailedStatus: 400, Failed: ref(1), First: ref(2), Last: ref(3), Polls: 2}},
		"WS802 warning certain", "Engine.IO (Socket.IO) client 10.0.0.1 went on with long polling at 10.0.1.1:80 after its WebSocket was answered 400"},
	{"WS803 silence", cuts(4, true, 60*time.Second), "WS803 warning likely", "after the same silence, 60.0 s"},
	{"WS803 age", cuts(3, false, 7200*time.Second), "WS803 warning likely", "at the same age, 2 h"},
	{"WS803 by clients", &record.Relation{Total: 3, Cuts: &record.Cuts{Server: app, After: 8370 * time.Millisecond, Of: 3, ByClient: true, At: []record.Ref{ref(1)}}}, "WS803 warning possible", "at the same age, 8.37 s"},
	{"WS803 two", cuts(2, true, 60*time.Second), "", ""},
	{"WS804 Chromium", &record.Relation{Total: 255, Full: &record.Full{Client: user, Server: app, Most: 255, Browser: "Chromium", At: ref(1), Until: ref(2), For: 5 * time.Second}},
		"WS804 warning likely", "Chromium at 10.0.0.1 held 255 WebSockets"},
	{"WS805 one of two", &record.Relation{Total: 4, Backends: &record.Backends{Bad: backend, Fail: 4, All: 4, Others: []netip.AddrPort{app}, OthersN: 8, How: []record.Count{{What: "answered 500", N: 4}}, At: []record.Ref{ref(1)}, Works: ref(2)}},
		"WS805 error certain", "4 of 4 connections to 10.0.2.2:8080 failed (4 answered 500), but none of 8 to 10.0.1.1:80"},
	{"WS806 a restart", burst(8), "WS806 warning certain", "8 of 8 open connections to 10.0.1.1:80 were ended by its side at the same moment (8 code 1012)"},
	{"WS806 four", burst(4), "", ""},
	{"WS807 stripped", hop(record.Hop{Lost: lost("Upgrade", "Connection")}, "426 X\r\nServer: nginx/1.22.1", "Connection: close\r\n", "426 X"), "WS807 error certain",
		"nginx/1.22.1 at 10.0.1.1:80 took Upgrade and Connection off the handshake before it went on to 10.0.2.2:8080"},
	{"WS807 beyond a tunnel", tunnelled(hop(record.Hop{Lost: lost("Upgrade")}, "426 X\r\nServer: nginx", "", "426 X"), "app.test:80", backend.Addr()), "WS807 error certain", "nginx at app.test:80 took Upgrade off"},
	{"WS807 by the tunnel's proxy", tunnelled(hop(record.Hop{Lost: lost("Upgrade")}, "426 X", "", "426 X"), "app.test:80", app.Addr()), "WS807 error certain", "The proxy at 10.0.1.1:80 took Upgrade off"},
	{"WS807 by Via", hop(record.Hop{Lost: lost("Upgrade")}, "426 X\r\nServer: app", "Via: 1.1 p (squid/5.7)\r\n", "426 X\r\nServer: app"), "WS807 error certain", "Squid at 10.0.1.1:80 took Upgrade off"},
	{"WS807 the server's own name", hop(record.Hop{Lost: lost("Upgrade")}, "426 X\r\nServer: nginx/1.22.1", "", "426 X\r\nServer: nginx/1.22.1"), "WS807 error certain", "The proxy at 10.0.1.1:80 took Upgrade off"},
	{"WS807 but it opened", hop(record.Hop{Lost: lost("version")}, "502 X", "Upgrade: websocket\r\n", "101 X"), "", ""},
	{"WS807 the key", hop(record.Hop{Renewed: true, Answer: lost("Sec-WebSocket-Accept")}, "101 X", "Sec-WebSocket-Key: bbbb\r\n", "101 X"), "WS807 error certain", "changed Sec-WebSocket-Key"},
	{"WS808 a field", hop(record.Hop{Answer: lost("Sec-WebSocket-Extensions")}, "101 X", "", "101 X"), "WS808 error certain", "took Sec-WebSocket-Extensions off on the way back from 10.0.2.2:8080"},
	{"WS808 two fields", hop(record.Hop{Answer: append(lost("Upgrade"), lost("Connection")...)}, "101 X", "", "101 X"), "WS808 error certain", "took Upgrade and Connection off on the way back"},
	{"WS808 the status", hop(record.Hop{Answer: []record.Change{{Name: "status", Before: "403 Forbidden", After: "502 Bad Gateway", BeforeRef: ref(1), AfterRef: ref(2)}}}, "502 X", "", "403 X"),
		"WS808 error certain", "answered 502 Bad Gateway where the server had answered 403 Forbidden"},
	{"WS808 nothing", hop(record.Hop{}, "101 X", "", "101 X"), "", ""},
	{"WS809 needed", lookUp(record.LookUp{Code: "NXDOMAIN", Needed: true}), "WS809 error certain", "The name 'app.test' was not resolved: 10.0.0.53 answered NXDOMAIN"},
	{"WS809 then nothing", lookUp(record.LookUp{Code: "no answer", Tries: 2, Nothing: true}), "WS809 error likely", "10.0.0.53 never answered 2 queries, and 10.0.0.1 opened no connection"},
	{"WS809 nothing listens", lookUp(record.LookUp{Code: "no answer", Unreached: true, Nothing: true}), "WS809 error likely", "nothing at 10.0.0.53 answers DNS queries"},
	{"no relation", &record.Relation{}, "", ""},
}

func TestCases(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, c := range cases {
		r := rule.NewReporter([]string{"a.pcap"})
		for _, x := range Rules {
			r.RunRelation(x, c.relation)
		}
		var got []string
		title := ""
		for _, f := range r.Findings() {
			got = append(got, f.Code+" "+string(f.Severity)+" "+string(f.Confidence))
			title = f.Title
			fires[f.Code] = true
			if len(f.Evidence) == 0 || f.Remedy == "" {
				t.Errorf("%s: %s has no evidence or no remedy", c.name, f.Code)
			}
		}
		for _, x := range Rules {
			if !strings.Contains(strings.Join(got, " "), x.Code) {
				silent[x.Code] = true
			}
		}
		if text := strings.Join(got, "; "); text != c.want || !strings.Contains(title, c.title) {
			t.Errorf("%s: %q %q, want %q %q", c.name, text, title, c.want, c.title)
		}
	}
	for _, x := range Rules {
		if !fires[x.Code] || !silent[x.Code] {
			t.Errorf("%s lacks a case that fires or one that stays silent", x.Code)
		}
	}
}
