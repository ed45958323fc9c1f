package known

import (
	"net/netip"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func TestCaptureAt(t *testing.T) {
	for _, x := range []struct {
		client, server string
		tunnel         *record.TunnelFacts
		want           string
	}{
		{"10.0.0.1:5000", "10.0.0.5:80", nil, "Capture at the server."},
		{"127.0.0.1:5000", "127.0.0.2:80", nil, ""},
		{"10.0.0.1:5000", "10.0.0.1:80", nil, ""},
		{"127.0.0.1:5000", "127.0.0.1:3128", &record.TunnelFacts{Opened: true}, "Capture at the server."},
	} {
		c := &record.Connection{Client: netip.MustParseAddrPort(x.client), Server: netip.MustParseAddrPort(x.server), Facts: &record.Facts{Tunnel: x.tunnel}}
		if got := CaptureAt(c, "the server."); got != x.want {
			t.Errorf("%s to %s: %q, want %q", x.client, x.server, got, x.want)
		}
	}
}

func TestSClient(t *testing.T) {
	c := &record.Connection{Server: netip.MustParseAddrPort("10.0.0.5:443")}
	const plain = "openssl s_client -connect 10.0.0.5:443"
	for name, want := range map[string]string{"app.test": plain + " -servername app.test", "": plain, "a;reboot": plain, "$(reboot)": plain, "-x y": plain} {
		if got := SClient(c, name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
