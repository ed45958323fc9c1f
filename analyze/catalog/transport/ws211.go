package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS211 = &rule.Rule{
	Code: "WS211", Slug: "mtu-black-hole", Family: "transport", Since: "1.0.0",
	Title:    "Full-size segments were never acknowledged while small ones were",
	Severity: record.Error, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "Small segments passed in this connection, but large ones were sent again and again and never acknowledged.",
		Why:  "Somewhere on the path packets of full size are too large and vanish without an error message. The WebSocket opens and small messages pass; the first large message hangs it for good.",
		How:  "The largest segment that was ever acknowledged is compared with the unacknowledged one that was retransmitted: it is larger, and no ICMP error that names a smaller MTU led to smaller segments.",
		Alike: "A peer that vanished just when the first large message was sent looks much the same; a second occurrence tells, or small data that is still acknowledged after it. " +
			"A filter that drops a particular message by its contents would, too.",
		Fix: "Let ICMP 'fragmentation needed' and 'packet too big' pass on the whole path, or clamp the MSS at the tunnel or VPN (iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu), or lower the MTU of the sender. " +
			"net.ipv4.tcp_mtu_probing=1 lets Linux find out by itself. ping -M do -s 1472 shows the limit.",
	},
	References: []string{"RFC 2923 section 2.1", "RFC 4821", "RFC 8899", "RFC 1191"},
	Explains:   append([]string{"WS207", "WS208", "WS210", "WS534"}, open...),
	Needs:      rule.Trouble,
	Check:      checkBlackHole,
}

// holeSends is how often a full-size segment must have been sent in vain.
const holeSends = 3

// largeSegment is the payload from which a segment can meet a smaller MTU:
// every path of IPv4 and IPv6 in use carries 1000 bytes.
const largeSegment = 1000

// blackHole: what is lost of a side's data is larger than anything that ever
// came through.
func blackHole(t *record.TCPFacts, d record.Dir) bool {
	s := &t.Sides[d]
	return s.Unacked >= largeSegment && s.UnackedSent >= holeSends && s.MaxSegment >= largeSegment && s.MaxAcked < s.MaxSegment && s.MaxAcked < largeSegment*2
}

func checkBlackHole(c *record.Connection, r *rule.Reporter) {
	d, lost := unheard(c, holeSends)
	if !lost {
		return
	}
	t := tcpOf(c)
	if !blackHole(t, d) || !t.SYNACK.Seen() && t.Sides[d].MaxAcked == 0 {
		return
	}
	s := &t.Sides[d]
	passed := fmt.Sprintf("smaller ones (up to %d bytes) were", s.MaxAcked)
	if s.MaxAcked == 0 {
		passed = "the small packets of the TCP handshake came through"
	}
	f := rule.Found{
		Title:      fmt.Sprintf("Segments of the %s with up to %d bytes were never acknowledged, though %s, as on a path that loses full-size packets", d, s.MaxSegment, passed),
		Confidence: record.Likely,
		Remedy: fmt.Sprintf("Let ICMP 'fragmentation needed' pass, clamp the MSS on the tunnel or VPN of this path, or lower the MTU of the %s; ping -M do -s %d %s shows whether such packets pass.",
			d, pingSize(t, d), peer(c, d)),
		SeenByUser: known.UserSaw(c, sawSilence(c)),
		NextStep:   known.CaptureAt(c, known.Side(c, d.Other())+" as well: it shows whether the large segments arrive there."),
		Evidence: []record.Evidence{r.At(s.UnackedFirst, "first segment that is never acknowledged, sent %d times", s.UnackedSent),
			r.At(s.UnackedLast, "last time it was sent")},
	}
	if helloUnheard(c) {
		// A filter that drops a ClientHello by the name in it looks just the same.
		f.Severity, f.Confidence = record.Info, record.Possible
	}
	r.Add(f)
}

// pingSize is the payload of an echo request as large as the side's largest
// packet: the headers of TCP take twelve bytes more than those of ICMP, its
// timestamps twelve again, and what offload made is cut to the MSS on the wire.
func pingSize(t *record.TCPFacts, d record.Dir) int {
	size, mss := t.Sides[d].MaxSegment, t.Sides[d.Other()].MSS
	if mss > 0 && (size > mss || size == mss-12) {
		size = mss
	}
	return size + 12
}

func peer(c *record.Connection, d record.Dir) string {
	if d == record.Client {
		return c.Server.Addr().String()
	}
	return c.Client.Addr().String()
}
