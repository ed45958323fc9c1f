package report

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func event(packet int64, from, what, text string) record.Event {
	return record.Event{Packet: packet, Time: record.Time(packet) * 1e6, From: from, What: what, Text: text}
}

func laddered(c record.Connection) string {
	c.Client, c.Server = netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.2:80")
	c.RecognizedBy, c.Outcome, c.Capture = record.ByUpgrade, record.Rejected, "a.pcap"
	l := newLadder(&c)
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(l.names, " | "))
	for _, s := range l.steps {
		line := fmt.Sprintf("%d>%d %s", s.from, s.to, s.label())
		if s.span || s.rest > 0 {
			line = "over all: " + s.label()
		}
		if s.proof {
			line += " PROOF"
		}
		if s.broke != "" {
			line += " BROKE " + s.broke
		}
		if s.lost {
			line += " LOST"
		}
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

func TestLadder(t *testing.T) {
	proof := func(code string, packets ...int64) []record.Finding {
		f := record.Finding{Code: code, Slug: "the-cause", Severity: record.Error}
		for _, p := range packets {
			f.Evidence = append(f.Evidence, record.Evidence{Capture: "a.pcap", Packet: p, Time: record.Time(p) * 1e6, Note: "seen"})
		}
		return []record.Finding{f}
	}
	for name, c := range map[string]struct {
		connection record.Connection
		want       string
	}{
		"through a proxy": {record.Connection{Tunnel: &record.Tunnel{Target: "app.test:443"}, Findings: proof("WS526", 6),
			Events: []record.Event{event(1, "client", "syn", ""), event(3, "client", "tunnel-request", "CONNECT app.test:443"), event(4, "proxy", "tunnel-response", "200 OK"), event(5, "client", "request", "GET /"), event(6, "server", "response", "404 Not Found")}},
			"client 10.0.0.1:5000 | proxy 10.0.0.2:80 | server app.test:443\n0>1 SYN: asks to connect\n0>1 CONNECT app.test:443\n1>0 200 OK\n0>2 GET /\n2>0 404 Not Found PROOF BROKE WS526 the cause\n"},
		"a forged RST": {record.Connection{ResetBy: "intermediary", Findings: proof("WS206", 3),
			Events: []record.Event{event(2, "client", "unacknowledged", "9 bytes"), event(2, "client", "request", "GET /"), event(3, "server", "rst", "TTL 64")}},
			"client 10.0.0.1:5000 | in between | server 10.0.0.2:80\n0>2 GET /\n0>2 never acknowledged, 9 bytes LOST\n1>0 RST: breaks the connection off, TTL 64 PROOF BROKE WS206 the cause\n"},
		"a proof that is no step": {record.Connection{Findings: proof("WS716", 2, 4),
			Events: []record.Event{event(2, "", "silence", "9 s"), event(2, "server", "text", "5 bytes"), event(9, "server", "fin", "")}},
			"client 10.0.0.1:5000 | server 10.0.0.2:80\n1>0 text frame, 5 bytes PROOF\nover all: silence, 9 s\nover all: seen PROOF BROKE WS716 the cause\n1>0 FIN: ends its side\n"},
		"nothing found": {record.Connection{Events: []record.Event{event(1, "client", "request", "GET /"), event(2, "network", "icmp", "type 3"), event(3, "client", "unheard-of", "")}},
			"client 10.0.0.1:5000 | in between | server 10.0.0.2:80\n0>2 GET /\n1>0 ICMP error, type 3\n0>2 unheard-of\n"},
	} {
		if got := laddered(c.connection); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// However long the story, a ladder has its beginning, its end and the proof.
func TestLadderIsBounded(t *testing.T) {
	c := record.Connection{Findings: []record.Finding{{Code: "WS716", Slug: "x", Severity: record.Error, Evidence: []record.Evidence{{Capture: "a.pcap", Packet: 150}}}}}
	for i := range 300 {
		c.Events = append(c.Events, event(int64(i+1), "client", "text", fmt.Sprint(i+1)))
	}
	got := laddered(c)
	if n := strings.Count(got, "\n"); n > 3*maxSteps {
		t.Errorf("%d steps", n)
	}
	for _, want := range []string{"text frame, 1\n", "127 steps left out", "text frame, 150 PROOF BROKE", "128 steps left out", "text frame, 300\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
}

// Whatever an event says, a drawing stays within its page.
func TestDrawingOfHostileEvents(t *testing.T) {
	long := strings.Repeat("W", 5000)
	c := record.Connection{Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("10.0.0.2:80"), Tunnel: &record.Tunnel{Target: long}}
	for _, from := range []string{"client", "server", "proxy", "network", "", "nobody", long} {
		c.Events = append(c.Events, event(1, from, long, long), event(1, from, "rst", ""), event(1, from, "unacknowledged", ""))
	}
	d := draw(newLadder(&c))
	for _, r := range d.Rungs {
		if r.X1 < 0 || r.X1 > d.Width || r.X2 < 0 || r.X2 > d.Width || len([]rune(r.Text)) > ladderLetter {
			t.Errorf("a step from %d to %d: %.20s", r.X1, r.X2, r.Text)
		}
	}
}
