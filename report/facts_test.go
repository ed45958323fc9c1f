package report

import (
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func TestWhoEndedTCP(t *testing.T) {
	for resetBy, want := range map[string]string{
		"":             "ended with RST by server",
		"server":       "ended with RST by server",
		"intermediary": "ended with RST by an intermediary, in the name of the server",
	} {
		c := &record.Connection{ResetBy: resetBy, TCP: &record.TCP{EndedBy: "server", EndedHow: "rst"}}
		if got := tcpFacts(c); !strings.HasSuffix(got, ", "+want) {
			t.Errorf("reset by %q: %s", resetBy, got)
		}
	}
}

func TestTLSFacts(t *testing.T) {
	for want, x := range map[string]record.TLS{
		"TLS, SNI app.test, no ServerHello seen": {SNI: "app.test"},
		"TLS 1.3, SNI app.test, decrypted":       {Version: "1.3", SNI: "app.test", Decrypted: true},
	} {
		if got := tlsFacts(&x); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTunnelFacts(t *testing.T) {
	for want, x := range map[string]record.Tunnel{
		"socks5 through 10.0.9.1:1080":                                 {Kind: "socks5", Proxy: "10.0.9.1:1080"},
		"http-connect through 10.0.9.1:1080 to a.test:1, answered 503": {Kind: "http-connect", Proxy: "10.0.9.1:1080", Target: "a.test:1", Status: 503},
	} {
		if got := tunnelFacts(&x); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
