package analyze

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/analyze/wire/dns"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// names are the names of addresses, by the DNS answers in the capture.
type names struct {
	correlate.Names
	message dns.Message
	taken   []int // how many names of each file's blocks are known
}

const dnsPort = 53

// packet looks at a packet for what it tells of names: DNS over UDP, ICMP
// errors about it, and connections that follow a failed look-up. DNS over TCP
// comes from the tracker: its messages may lie in any number of segments.
func (n *names) packet(p *capture.Packet, ip *link.IP) {
	b := ip.Payload
	switch ip.Protocol {
	case link.ProtocolUDP:
		if len(b) > 8 && (port(b, 0) == dnsPort || port(b, 2) == dnsPort) {
			n.dns(b[8:], ip.Src().Unmap(), ip.Dst().Unmap(), refOf(p))
		}
	case link.ProtocolTCP:
		if len(b) < 20 {
			return
		}
		// A SYN without ACK; to a name server it is no answer's consequence.
		if b[13]&0x12 == 0x02 && port(b, 2) != dnsPort && n.Waiting() {
			n.Connects(ip.Src().Unmap(), record.Time(p.Time))
		}
	case link.ProtocolICMP, link.ProtocolICMPv6:
		if n.Waiting() {
			n.unreachable(b, ip, refOf(p))
		}
	}
}

func port(b []byte, at int) uint16 { return uint16(b[at])<<8 | uint16(b[at+1]) }

func refOf(p *capture.Packet) record.Ref {
	return record.Ref{Packet: p.Number, Time: record.Time(p.Time), File: p.File}
}

// named takes a DNS message that came over TCP.
func (k *collector) named(m *track.Named) { k.names.dns(m.Message, m.From, m.To, m.At) }

func (n *names) dns(b []byte, src, dst netip.Addr, at record.Ref) {
	m := &n.message
	if dns.Parse(b, m) != nil {
		return
	}
	wanted := m.Type == dns.TypeA || m.Type == dns.TypeAAAA
	if !wanted && m.Type != dns.TypeHTTPS && m.Type != dns.TypeSVCB {
		return
	}
	if !m.Response {
		n.Query(src, dst, m.Name, wanted, at)
		return
	}
	if m.Truncated {
		return // it is asked for again over TCP
	}
	found := false
	for i := range m.Answers {
		if a := &m.Answers[i]; a.Addr.IsValid() {
			n.Add(a.Addr, m.Name, at)
			found = true
		}
	}
	switch {
	case found:
		n.Answer(dst, src, m.Name, true, "", at)
	case m.Rcode != dns.NoError:
		n.Answer(dst, src, m.Name, false, m.Rcode.String(), at)
	case wanted:
		n.Answer(dst, src, m.Name, false, "", at)
	}
}

// unreachable takes an ICMP error to a DNS query: type 3 (IPv4) or 1 (IPv6),
// with the head of the packet that met it behind the first eight bytes.
func (n *names) unreachable(b []byte, ip *link.IP, at record.Ref) {
	const quote = 8
	switch {
	case ip.Protocol == link.ProtocolICMP && len(b) >= quote+28 && b[0] == 3 && b[quote]>>4 == 4 && b[quote+9] == link.ProtocolUDP:
		head := int(b[quote]&0xf) * 4
		if len(b) < quote+head+4 || port(b, quote+head+2) != dnsPort {
			return
		}
		server, _ := netip.AddrFromSlice(b[quote+16 : quote+20])
		n.Unreached(ip.Dst().Unmap(), server, at)
	case ip.Protocol == link.ProtocolICMPv6 && len(b) >= quote+44 && b[0] == 1 && b[quote]>>4 == 6 && b[quote+6] == link.ProtocolUDP:
		if port(b, quote+42) != dnsPort {
			return
		}
		server, _ := netip.AddrFromSlice(b[quote+24 : quote+40])
		n.Unreached(ip.Dst(), server, at)
	}
}

// name gives a connection the name of its server.
func (n *names) name(c *record.Connection) {
	if !n.Any() {
		return
	}
	if found, ok := n.Of(c.Server.Addr(), c.Started, func() string { return hostOf(c) }); ok {
		c.DNSName, c.DNSPacket = found.Name, found.At.Packet
	}
}

// need notes the name of the host that a connection reached, and the name that one which failed asked for.
func (n *names) need(c *record.Connection) {
	host := hostOf(c)
	if c.Facts.TCP.Established.Seen() {
		n.Spoke(c.Client.Addr().Unmap(), host)
	}
	if c.Outcome == record.ClosedClean || c.Outcome == record.Open {
		return
	}
	if t := c.Facts.Tunnel; t != nil && t.Target != "" {
		host = hostName(t.Target)
	}
	if host != "" {
		n.Need(host, c.ID, c.Ended)
	}
}

// hostOf is the name that a connection asks for.
func hostOf(c *record.Connection) string {
	if u := c.Facts.Upgrade; u != nil && u.Request != nil {
		if host, ok := u.Request.Get("Host"); ok {
			return hostName(host)
		}
	}
	if t := c.Facts.TLS; t != nil {
		return nameOf(t.SNI)
	}
	return ""
}

// nameOf is a name in small letters, as nearly all are, without a dot at its end.
func nameOf(s string) string {
	s = strings.TrimSuffix(s, ".")
	for i := range len(s) {
		if c := s[i]; c-'A' < 26 || c >= utf8.RuneSelf {
			return strings.ToLower(s)
		}
	}
	return s
}

// hostName is a host without its port, in small letters.
func hostName(s string) string {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		s = s[:i]
	}
	if strings.HasPrefix(s, "[") || strings.HasSuffix(s, "]") {
		s = strings.Trim(s, "[]")
	}
	return nameOf(s)
}

// known is how many names of a file's blocks were taken.
func (n *names) known(file int32) int {
	if int(file) >= len(n.taken) {
		return 0
	}
	return n.taken[file]
}

// blocks takes the names that a file itself holds: name resolution blocks.
func (n *names) blocks(f *capture.FileInfo, file int32) {
	for int(file) >= len(n.taken) {
		n.taken = append(n.taken, 0)
	}
	for _, r := range f.Names[n.taken[file]:] {
		n.Add(r.Addr, nameOf(r.Name), record.Ref{})
	}
	n.taken[file] = len(f.Names)
}
