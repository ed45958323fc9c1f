package analyze

import (
	"strings"
	"testing"
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

func TestNameOfTheServer(t *testing.T) {
	g := analyzeFiles(t, Options{}, "../testdata/captures/plain/dns-ok.client.pcap")
	if len(g.Connections) != 1 || g.Connections[0].DNSName != "app.test" || g.Connections[0].DNSPacket == 0 {
		t.Errorf("%d connections, the first with name %q", len(g.Connections), g.Connections[0].DNSName)
	}
}
