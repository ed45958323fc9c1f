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
		{"tls/firefox-masked-frame.pcap", "closed by the client with code 1000, which the server did not answer, after", "cleanly"},
		{"tls/squid-wss-cert-expired.pcap", "The certificate of app.test:443 had expired", "app.test at app.test"},
		{"roads/proxy-502.pcap", "The proxy's log says which", "the proxy is configured with"},
		{"tls/squid-denied.pcap", "stock rules let port 443 through", "acl SSL_ports"},
		{"roads/squid-403-port.pcap", "acl SSL_ports port 80", ""},
		{"roads/squid-absolute-allowed.pcap", "then no proxy has to pass the Upgrade on", "Squid drops Upgrade"},
		{"roads/socks5-target-refuses.pcap", "connect to 10.79.2.2:81", "look up 10.79"},
		{"roads/socks5-unresolvable.pcap", "look up nosuch.test and connect to port 80", ""},
		{"roads/socks4-refused.pcap", "ERR_SOCKS_CONNECTION_FAILED", "golang.org/x/net/proxy"},
		{"roads/h2c-goaway-before-answer.pcap", "the end of the connection, without an answer", "Close 1001"},
		{"tls/h2-flow-control-stall.pcap tls/h2-flow-control-stall.keys", "the client having granted no more flow-control window", "Look at the log"},
		{"tls/h2-rst-while-open.pcap tls/h2-rst-while-open.keys", "follows from WS561", ""},
		{"tls/cert-expired-py-tls13-dark.pcap", "most often the client refuses its issuer, its name or its dates", "whole chain"},
		{"tls/intercepted-untrusted.pcap", "with bad_certificate: Zscaler, which opens TLS on the way, issued it", ""},
		{"tls/intercepted-zscaler.pcap tls/intercepted-zscaler.keys", "Nothing for this connection, which worked", "install its root"},
		{"tls/group-none-shared.pcap", "and only group (x25519)", ""},
		{"tls/keys-for-one-of-two.pcap tls/keys-for-one-of-two.keys", "Give the key log of the program that made this connection", ""},
		{"tls/h2-chromium-tunnel-timeout.pcap tls/h2-chromium-tunnel-timeout.keys", "consistent with a timer of 4 s", "every 20 to 30 s"},
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

// TestForgotten: a RST that answers the first data after a silence is the path's,
// unless the other side took that data first.
func TestForgotten(t *testing.T) {
	for _, taken := range []bool{false, true} {
		s := newSheet()
		f := s.flow("10.0.0.1:4000", "10.0.1.1:80").connect().say(0, upgradeRequest("app.test", "/chat", wsKey)).say(1, wsAnswer+accepts(wsKey)+"\r\n\r\n")
		s.wait(10 * time.Second)
		f.segment(0, psh|ack, "\x81\x81\x00\x00\x00\x00x")
		if taken {
			f.segment(1, ack, "")
		}
		s.wait(500 * time.Millisecond)
		f.segment(1, rst|ack, "")
		if c := s.run(t).Connections[0]; strings.Contains(c.Verdict, "the path had forgotten the connection") == taken {
			t.Errorf("taken %v: %s", taken, c.Verdict)
		}
	}
}
