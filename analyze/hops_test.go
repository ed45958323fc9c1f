package analyze

import (
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// TestStoryAtAProxy: the further hop names the client's side, the story counts
// once, and the client's verdict is the hop's that decided.
func TestStoryAtAProxy(t *testing.T) {
	const folder = "../testdata/captures/plain/"
	for _, c := range []struct {
		files   []string
		verdict string // a part of the client's side's
		cause   string
		pattern string
	}{
		{[]string{"nginx-strips-upgrade.proxy.pcap"}, "nginx/1.22.1 at 10.77.9.2:80 took Upgrade", "WS807", "WS807"},
		{[]string{"nginx-strips-upgrade.client.pcap", "nginx-strips-upgrade.server.pcap"}, "nginx/1.22.1 at 10.77.9.2:80 took Upgrade", "WS807", "WS807"},
		// lighttpd 1.4.69 without proxy.header's upgrade before a server that has a page for nothing.
		{[]string{"../../../analyze/testdata/404-behind-lighttpd.pcap"}, "before it went on to 10.88.2.2:9000 (hop 7): the device in between", "WS807", "WS807"},
		// A client that does not ask for a tunnel is told so, too.
		{[]string{"squid-absolute-form.proxy.pcap"}, "in the handshake before it went on to 10.77.2.2:8080 (hop 12): the client asked without CONNECT and has to change", "WS807", "WS807"},
		{[]string{"ok-nginx.proxy.pcap"}, "Opened and closed cleanly", "", ""},
	} {
		var paths []string
		for _, f := range c.files {
			paths = append(paths, folder+f)
		}
		g := analyzeFiles(t, Options{}, paths...)
		if len(g.Connections) != 2 || g.Report.Summary.Connections != 1 {
			t.Fatalf("%v: %d connections, %d counted", c.files, len(g.Connections), g.Report.Summary.Connections)
		}
		front, back := g.Connections[0], g.Connections[1]
		if front.HopOf != "" || back.HopOf != front.ID {
			t.Errorf("%v: hop_of is %q and %q", c.files, front.HopOf, back.HopOf)
		}
		if !strings.Contains(front.Verdict, c.verdict) {
			t.Errorf("%v: verdict %q", c.files, front.Verdict)
		}
		cause, pattern := "", ""
		for _, x := range g.Report.Summary.Causes {
			cause += x.Code
		}
		for _, p := range g.Patterns {
			pattern += p.Code
		}
		if cause != c.cause || pattern != c.pattern {
			t.Errorf("%v: cause %q, pattern %q", c.files, cause, pattern)
		}
	}
}

// TestStoryNeedsNoOtherCapture: where the hop behind shows what the proxy
// changed, nobody is sent to capture there, and the proxy is what to mend.
func TestStoryNeedsNoOtherCapture(t *testing.T) {
	for name, remedy := range map[string]string{
		"proxy-rewrites-accept.proxy.pcap":            "Let the proxy pass the server's 101 on as it is",
		"proxy-rewrites-key.proxy.pcap":               "Let the proxy pass Sec-WebSocket-Key on",
		"proxy-strips-response-extensions.proxy.pcap": "Let the proxy pass the server's 101 on as it is",
	} {
		g := analyzeFiles(t, Options{}, "../testdata/captures/plain/"+name)
		front, back := g.Connections[0], g.Connections[1]
		if back.Fault != record.FaultIntermediary || strings.Contains(back.Verdict, "cannot be told") {
			t.Errorf("%s: behind the proxy the fault is %s: %s", name, back.Fault, back.Verdict)
		}
		if front.NextStep != "" || !strings.HasPrefix(front.Findings[0].Remedy, remedy) {
			t.Errorf("%s: next step %q, remedy %q", name, front.NextStep, front.Findings[0].Remedy)
		}
	}
}

// TestStoryFromHTTP2: HAProxy passes a stream of HTTP/2 on as HTTP/1.1, with a
// key of its own; the file is roads/chromium-haproxy-h2-ok, both sides, with its keys.
func TestStoryFromHTTP2(t *testing.T) {
	g := analyzeFiles(t, Options{}, "testdata/h2-before-proxy.pcapng")
	if len(g.Connections) != 2 || g.Report.Summary.Connections != 1 {
		t.Fatalf("%d connections, %d counted", len(g.Connections), g.Report.Summary.Connections)
	}
	front, back := g.Connections[0], g.Connections[1]
	if front.ID != "5/3" || front.Transport != "h2" || back.Transport != "http/1.1" || back.HopOf != front.ID {
		t.Errorf("%s over %s, and %s over %s as a hop of %q", front.ID, front.Transport, back.ID, back.Transport, back.HopOf)
	}
	if len(g.Patterns) > 0 {
		t.Errorf("patterns %v", g.Patterns)
	}
}

func TestNameOfTheServer(t *testing.T) {
	g := analyzeFiles(t, Options{}, "../testdata/captures/plain/dns-ok.client.pcap")
	if len(g.Connections) != 1 || g.Connections[0].DNSName != "app.test" || g.Connections[0].DNSPacket == 0 {
		t.Errorf("%d connections, the first with name %q", len(g.Connections), g.Connections[0].DNSName)
	}
}

// What the scan of a request tells is what its lines tell.
func TestHandshakeAsked(t *testing.T) {
	for _, fields := range []string{
		"", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key:\tabc \r\nsec-websocket-key: b\r\n", "Sec-WebSocket-Key:\n",
		"Sec-WebSocket-Key : a\r\n", "Sec-WebSocket-Key: a\r\n b\r\n", "Sec-WebSocket-Key: a\r\nVia: 1.1 x\r\n",
		"x-forwarded-for: 192.0.2.1\r\nSec-WebSocket-Key: a\r\n",
	} {
		for _, target := range []string{"/", "/a?b=c d", ""} {
			head := "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"
			var p http1.Parser
			if _, event := p.Feed([]byte(head)); event != http1.HeadDone {
				t.Fatalf("%q: %v", head, event)
			}
			from, to := p.Key()
			short := handshakeAsked(&track.Ask{Stream: -1, Head: []byte(head), Key: []byte(head[from:to]), Plain: from < to && !p.Passed()})
			if long := handshakeAsked(&track.Ask{Stream: -1, Head: []byte(head)}); short != long {
				t.Errorf("%q: %+v, by the lines %+v", head, short, long)
			}
		}
	}
}

// Where the hop behind the proxy has an error that the client's side cannot know, its title is told.
func TestVerdictTellsWhatTheHopKnows(t *testing.T) {
	part := func(code, title string) *record.Connection {
		u := &record.UpgradeFacts{Response: http1.ParseHead(http1.Response, "HTTP/1.1 400 Bad Request\r\n\r\n"), ResponseRef: record.Ref{Packet: 18}}
		return &record.Connection{ID: "7", Verdict: "It answered 400: the server's side has to act.", Facts: &record.Facts{Upgrade: u},
			Findings: []record.Finding{{Code: code, Severity: record.Error, Title: title}}}
	}
	front := part("WS523", "It answered 400")
	for code, want := range map[string]string{"WS307": "answered so (hop 7 to ", "WS523": "answered so: hop 7 to "} {
		got := tailOf(front, part(code, "It does not expect the PROXY header"), tail{}).text
		if !strings.Contains(got, want) || strings.HasSuffix(got, ": It does not expect the PROXY header.") != (code == "WS307") {
			t.Errorf("behind it %s: %q", code, got)
		}
	}
}

// What breaks RFC 6455 behind a proxy, too, is its server's, though the client ended the connection.
func TestBreachBeforeTheProxy(t *testing.T) {
	part := func(outcome record.Outcome, code string) *record.Connection {
		w := &record.WSFacts{FirstClose: &record.ControlFrame{Dir: record.Client}}
		return &record.Connection{ID: "7", Outcome: outcome, Fault: record.FaultServer, Facts: &record.Facts{WS: w},
			Findings: []record.Finding{{Code: code, Severity: record.Error, Evidence: []record.Evidence{{Packet: 18}}}}}
	}
	for _, c := range []struct {
		outcome record.Outcome
		behind  string
		want    string
	}{
		{record.InvalidHandshake, "WS541", "It came from the server behind the proxy: hop 7 "},
		{record.ProtocolError, "WS541", "It came from the server behind the proxy"},
		{record.ProtocolError, "WS701", "It began at the client's side"},
		{record.ClosedError, "WS541", "It began at the client's side"},
	} {
		if got := tailOf(part(c.outcome, "WS541"), part(record.ClosedAbnormal, c.behind), tail{}).text; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s, behind it %s: %q", c.outcome, c.behind, got)
		}
	}
}
