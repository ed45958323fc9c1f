package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestQUICIsCounted: HTTP/3 is not followed, so how much of it there is is said.
// What only looks a little like it is not counted, nor is a connection twice.
func TestQUICIsCounted(t *testing.T) {
	const client, server, other = "10.0.0.7:50000", "10.0.1.5:443", "[2001:db8::7]:50001"
	long := func(head string) string { return head + strings.Repeat("\x00", 1200-len(head)) }
	type datagram struct{ from, to, payload string }
	for _, c := range []struct {
		name string
		sent []datagram
		want int64
	}{
		{"version 1, both directions", []datagram{{client, server, long("\xc3\x00\x00\x00\x01")}, {server, client, long("\xc0\x00\x00\x00\x01")}}, 1},
		{"version 2 over IPv6", []datagram{{other, "[2001:db8::5]:443", long("\xd0\x6b\x33\x43\xcf")}}, 1},
		{"two", []datagram{{client, server, long("\xc0\x00\x00\x00\x01")}, {"10.0.0.7:50002", server, long("\xc0\x00\x00\x00\x01")}}, 2},
		{"too short", []datagram{{client, server, long("\xc0\x00\x00\x00\x01")[:1199]}}, 0},
		{"a later packet", []datagram{{client, server, long("\xe0\x00\x00\x00\x01")}, {client, server, long("\x40\x00\x00\x00\x01")}}, 0},
		{"another protocol", []datagram{{client, server, long("\xc0\x00\x00\x00\x02")}, {client, server, "\xc0"}, {client, server, ""}}, 0},
	} {
		s := newSheet()
		for _, d := range c.sent {
			s.udp(d.from, d.to, []byte(d.payload))
		}
		if got := s.run(t).Report.Summary.QUICConnections; got != c.want {
			t.Errorf("%s: %d QUIC connections, want %d", c.name, got, c.want)
		}
	}
}

// TestQUICLimit: what is not counted is said.
func TestQUICLimit(t *testing.T) {
	s := newSheet()
	for i := range maxQUIC + 2 {
		s.udp(fmt.Sprintf("10.0.%d.%d:50000", i/250, 1+i%250), "10.9.0.1:443", []byte("\xc3\x00\x00\x00\x01"+strings.Repeat("\x00", 1195)))
	}
	got := s.run(t).Report.Summary
	if want := "2 packets begin further QUIC connections: no more than 4096 are counted."; got.QUICConnections != maxQUIC || !slices.Contains(got.Limits, want) {
		t.Errorf("%d, %q", got.QUICConnections, got.Limits)
	}
}
