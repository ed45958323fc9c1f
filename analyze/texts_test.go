package analyze

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// TestTexts: what is said of a capture holds what a reader needs, and nothing
// that the packets deny.
func TestTexts(t *testing.T) {
	for _, c := range []struct {
		files string // below testdata/captures, and the key log
		say   string // part of a verdict, finding, remedy, next step or note of evidence
		never string
	}{
		{"plain/firewall-rst-client.client.pcap plain/firewall-rst-client.server.pcap", "was injected on the path", "Capture at the"},
		{"roads/squid-upstream-refuses.proxy.pcap", "Start the server or correct the port", "Capture at the proxy"},
		{"roads/squid-nginx-strips-inside.client.pcap roads/squid-nginx-strips-inside.lo.pcap", "nginx/1.22.1 at app.test:80 took Upgrade", "nginx/1.22.1 at 10.79.9.2:3128"},
		{"tls/sni-blocked-rst.pcap", "A RST in the name of the server at 10.78.2.2:443 ended the connection", "The server at 10.78.2.2:443 reset"},
		{"tls/firefox-masked-frame.pcap", "the client later sends Close 1000", "follows from WS602"},
	} {
		var files []string
		o := Options{}
		for _, name := range strings.Fields(c.files) {
			if strings.HasSuffix(name, ".keys") {
				o.Keys = readKeys(t, "../testdata/captures", name)
			} else {
				files = append(files, "../testdata/captures/"+name)
			}
		}
		g := analyzeFiles(t, o, files...)
		var all strings.Builder
		for _, x := range g.Connections {
			fmt.Fprintln(&all, x.Verdict, x.NextStep)
			for _, f := range x.Findings {
				fmt.Fprintln(&all, f.Code, f.Title, f.Remedy, f.SeenByUser)
				if f.CausedBy != "" {
					fmt.Fprintln(&all, "follows from", f.CausedBy)
				}
				for _, e := range f.Evidence {
					fmt.Fprintln(&all, e.Note)
				}
			}
		}
		for _, p := range g.Patterns {
			fmt.Fprintln(&all, p.Title, p.Remedy)
		}
		if !strings.Contains(all.String(), c.say) || c.never != "" && strings.Contains(all.String(), c.never) {
			t.Errorf("%s: want %q and not %q:\n%s", c.files, c.say, c.never, &all)
		}
	}
}

// TestOneHost: where both ends are on one machine, nobody is sent to the other.
func TestOneHost(t *testing.T) {
	for client, next := range map[string]string{"10.0.0.1:4000": "Capture at the server as well: it shows whether an answer was sent.", "127.0.0.1:4000": ""} {
		s := newSheet()
		server := strings.Replace(client, "1:4000", "2:80", 1)
		f := s.flow(client, server).connect().say(0, upgradeRequest("app.test", "/chat", wsKey))
		s.wait(5 * time.Second)
		f.close()
		if c := s.run(t).Connections[0]; c.NextStep != next || c.Outcome != record.NoResponse {
			t.Errorf("%s to %s: %s, %q, want %q", client, server, c.Outcome, c.NextStep, next)
		}
	}
}
