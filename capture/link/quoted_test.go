package link

import "testing"

func TestPeekQuoted(t *testing.T) {
	tests := []struct {
		name     string
		quote    []byte
		protocol uint8
		payload  int
		fragment bool
	}{
		{"IPv4, all", inner4(), ProtocolTCP, len(tcp()), false},
		{"IPv4, 64 bits", inner4()[:28], ProtocolTCP, 8, false},
		{"IPv4, no payload", inner4()[:20], ProtocolTCP, 0, false},
		{"IPv4 with padding", join(inner4(), make([]byte, 90)), ProtocolTCP, len(tcp()), false},
		{"IPv4, first fragment", frag4(1, 0, 32, segment()), ProtocolTCP, 32, true},
		{"IPv4, later fragment", frag4(1, 32, 64, segment()), ProtocolTCP, 0, true},
		{"IPv6, all", inner6(), ProtocolTCP, len(tcp()), false},
		{"IPv6, cut", inner6()[:44], ProtocolTCP, 4, false},
		{"IPv6, first fragment", frag6(1, 0, 32, segment()), ProtocolTCP, 32, true},
		{"IPv6, later fragment", frag6(1, 32, 64, segment()), ProtocolTCP, 0, true},
		{"IPv6, options", v6from(client6, server6, 60, join([]byte{6, 0, 1, 4, 0, 0, 0, 0}, tcp())), ProtocolTCP, len(tcp()), false},
		{"IPv6, cut in options", v6from(client6, server6, 60, []byte{6, 0, 1}), 60, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var q IP
			if !PeekQuoted(test.quote, &q) {
				t.Fatal("not decoded")
			}
			src, dst := client4, server4
			if q.Src().Is6() {
				src, dst = client6, server6
			}
			if q.Src() != src || q.Dst() != dst || q.Protocol != test.protocol || len(q.Payload) != test.payload || q.Fragment != test.fragment {
				t.Errorf("got %+v", q)
			}
		})
	}
}

func TestPeekQuotedRefuses(t *testing.T) {
	for _, b := range [][]byte{nil, {0x45}, inner4()[:19], inner6()[:39], {0x10, 1, 2, 3}, join([]byte{0x44}, inner4()[1:])} {
		if q := (IP{}); PeekQuoted(b, &q) {
			t.Errorf("% x: got %+v", b, q)
		}
	}
}
