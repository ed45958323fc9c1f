package link

import (
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

// sample is one packet and what must come of it. Unless it says otherwise, a
// decoded packet is the TCP segment of build_test.go.
type sample struct {
	name   string
	link   capture.LinkType
	data   []byte
	status Status
	names  string // of the encapsulations, joined by "; "
	stays  uint8  // protocol, if the packet is not the TCP segment
}

// samples has every link type and encapsulation that no capture of testdata
// has, and those that must not be taken for one.
func samples() []sample {
	v4, v6 := inner4(), inner6()
	return []sample{
		{name: "raw IPv4", link: typeIPv4, data: v4},
		{name: "raw IPv6", link: typeIPv6, data: v6},
		{name: "raw of OpenBSD", link: typeRawOpenBSD, data: v6},
		{name: "neither version", link: typeRaw, data: []byte{0x10, 0, 0}, status: NotIP},
		{name: "null, big-endian", link: typeNull, data: join([]byte{0, 0, 0, 2}, v4)},
		{name: "null, IPv6 of Linux", link: typeNull, data: join([]byte{10, 0, 0, 0}, v6)},
		{name: "null, IPv6 of Windows", link: typeNull, data: join([]byte{23, 0, 0, 0}, v6)},
		{name: "null, IPv6 of OpenBSD", link: typeNull, data: join([]byte{24, 0, 0, 0}, v6)},
		{name: "null, IPv6 of FreeBSD", link: typeNull, data: join([]byte{28, 0, 0, 0}, v6)},
		{name: "null, IPv6 of macOS", link: typeNull, data: join([]byte{30, 0, 0, 0}, v6)},
		{name: "null, another family", link: typeNull, data: join([]byte{7, 0, 0, 0}, v6), status: NotIP},
		{name: "ppp", link: typePPP, data: join([]byte{0xff, 3, 0, 0x21}, v4)},
		{name: "ppp without address", link: typePPP, data: join([]byte{0, 0x57}, v6)},
		{name: "ppp, compressed protocol", link: typePPP, data: join([]byte{0xff, 3, 0x21}, v4)},
		{name: "ppp, only compressed protocol", link: typePPP, data: join([]byte{0x57}, v6)},
		{name: "ppp, LCP", link: typePPP, data: []byte{0xff, 3, 0xc0, 0x21, 1, 1, 0, 4}, status: NotIP},
		{name: "ppp, MPLS", link: typePPP, data: join([]byte{0xff, 3, 0x02, 0x81}, label(100, true, v4)), names: "mpls 100"},
		{name: "ppp in HDLC", link: typePPPHDLC, data: join([]byte{0xff, 3, 0, 0x21}, v4)},
		{name: "Cisco HDLC by PPP's type", link: typePPPHDLC, data: join([]byte{0x0f, 0, 8, 0}, v4)},
		{name: "Cisco HDLC", link: typeCiscoHDLC, data: join([]byte{0x0f, 0, 0x86, 0xdd}, v6)},
		{name: "ppp with direction", link: typePPPDirection, data: join([]byte{1, 0xff, 3, 0, 0x21}, v4)},
		{name: "PPPoE link type", link: typePPPEther, data: join([]byte{0x11, 0}, be16(9), be16(2+len(v4)), be16(0x21), v4), names: "pppoe 9"},
		{name: "PPPoE discovery", link: typeEthernet, data: ether(0x8863, make([]byte, 20)), status: NotIP},
		{name: "ARP", link: typeEthernet, data: ether(0x0806, make([]byte, 28)), status: NotIP},
		{name: "spanning tree", link: typeEthernet, data: ether(38, join([]byte{0x42, 0x42, 3}, make([]byte, 43))), status: NotIP},
		{name: "802.3 with SNAP", link: typeEthernet, data: ether(8+len(v4), join(snap(0x800, v4), make([]byte, 9)))},
		{name: "802.3 with IP's access point", link: typeEthernet, data: ether(3+len(v4), join([]byte{6, 6, 3}, v4))},
		{name: "Cisco discovery", link: typeEthernet, data: ether(30, join([]byte{0xaa, 0xaa, 3, 0, 0, 12, 0x20, 0}, make([]byte, 22))), status: NotIP},
		{name: "priority tag", link: typeEthernet, data: ether(0x8100, vlan(0xe000, 0x800, v4))},
		{name: "VLAN with priority", link: typeEthernet, data: ether(0x8100, vlan(0x6014, 0x86dd, v6)), names: "vlan 20"},
		{name: "old QinQ", link: typeEthernet, data: ether(0x9100, vlan(5, 0x8100, vlan(6, 0x800, v4))), names: "vlan 5; vlan 6"},
		{name: "VLAN with SNAP", link: typeEthernet, data: ether(0x8100, vlan(20, 8+len(v4), snap(0x800, v4))), names: "vlan 20"},
		{name: "VLAN with ARP", link: typeEthernet, data: ether(0x8100, vlan(20, 0x806, make([]byte, 28))), status: NotIP},
		{name: "SLL with VLAN", link: typeSLL, data: sllHeader(0, 1, 0x8100, vlan(20, 0x800, v4)), names: "vlan 20"},
		{name: "SLL, LLC", link: typeSLL, data: sllHeader(0, 1, 4, snap(0x800, v4))},
		{name: "SLL, Novell", link: typeSLL, data: sllHeader(0, 1, 1, v4), status: NotIP},
		{name: "SLL, netlink", link: typeSLL, data: sllHeader(0, 824, 0, v4), status: NotIP},
		{name: "SLL, no link layer", link: typeSLL, data: sllHeader(0, 0xfffe, 0, v4)},
		{name: "SLL, ppp", link: typeSLL, data: sllHeader(0, 512, 0, join([]byte{0xff, 3, 0, 0x21}, v4))},
		{name: "SLL, loopback", link: typeSLL, data: sllHeader(0, 772, 0x800, v4)},
		{name: "SLL, frame relay", link: typeSLL, data: sllHeader(0, 770, 0x800, v4), status: NotIP},
		{name: "SLL2 with two tags", link: typeSLL2, data: sll2Header(0x88a8, 3, 1, 0, vlan(5, 0x8100, vlan(6, 0x86dd, v6))), names: "vlan 5; vlan 6"},
		{name: "SLL2, radiotap", link: typeSLL2, data: sll2Header(0, 3, 803, 0, join([]byte{0, 0, 8, 0, 0, 0, 0, 0}, wlanData(8, 1, nil, snap(0x800, v4))))},
		{name: "PKTAP", link: typePKTAP, data: join([]byte{108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, make([]byte, 24), []byte{2}, make([]byte, 71), ether(0x800, v4))},
		{name: "NFLOG", link: typeNFLOG, data: join([]byte{2, 0, 0, 30}, nflogAttr(1, []byte{8, 0, 3, 0}), nflogAttr(10, []byte("p\x00")), nflogAttr(9, v4))},
		{name: "NFLOG, IPv6, of a big-endian host", link: typeNFLOG, data: join([]byte{10, 0, 0, 30}, be16(8), be16(1), make([]byte, 4), be16(4+len(v6)), be16(9), v6)},
		{name: "NFLOG, no packet", link: typeNFLOG, data: join([]byte{2, 0, 0, 30}, nflogAttr(10, []byte("p\x00"))), status: NotIP},
		{name: "NFLOG, an attribute without end", link: typeNFLOG, data: []byte{2, 0, 0, 30, 40, 0, 10, 0, 1, 2}, status: TooShort},
		{name: "NFLOG, an attribute of no length", link: typeNFLOG, data: []byte{2, 0, 0, 30, 0, 0, 10, 0, 1, 2}, status: Malformed},
		{name: "enc", link: typeENC, data: join([]byte{2, 0, 0, 0}, be32(77), []byte{3, 0, 0, 0}, v4)},
		{name: "enc, cut", link: typeENC, data: make([]byte, 11), status: TooShort},
		{name: "802.11", link: type80211, data: wlanData(8, 1, nil, snap(0x800, v4))},
		{name: "802.11, QoS", link: type80211, data: wlanData(0x88, 1, be16(0), snap(0x86dd, v6))},
		{name: "802.11, QoS with HT control", link: type80211, data: wlanData(0x88, 0x81, make([]byte, 6), snap(0x800, v4))},
		{name: "802.11, four addresses", link: type80211, data: wlanData(8, 3, make([]byte, 6), snap(0x800, v4))},
		{name: "802.11, aggregated", link: type80211, data: wlanData(0x88, 1, []byte{0x80, 0}, join(make([]byte, 12), be16(8+len(v4)), snap(0x800, v4), make([]byte, 33)))},
		{name: "802.11, protected", link: type80211, data: wlanData(8, 0x41, nil, snap(0x800, v4)), status: NotIP},
		{name: "802.11, no data", link: type80211, data: wlanData(0x48, 1, nil, nil), status: NotIP},
		{name: "802.11, beacon", link: type80211, data: wlanData(0x80, 0, nil, make([]byte, 60)), status: NotIP},
		{name: "radiotap, time stamp, FCS and padding", link: typeRadiotap, data: join(
			[]byte{0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 8), []byte{0x30},
			wlanData(0x88, 1, []byte{0, 0, 0xee, 0xee}, snap(0x800, v4)), make([]byte, 4))},

		{name: "6in4", link: typeEthernet, data: ether(0x800, outer(41, v6)), names: "6in4"},
		{name: "4in6", link: typeEthernet, data: ether(0x86dd, outer6to(4, v4)), names: "4in6"},
		{name: "6in6 behind destination options", link: typeRaw, data: outer6to(60, join([]byte{41, 0, 4, 1, 0, 1, 1, 0}, v6)), names: "6in6"},
		{name: "GRE with all fields", link: typeRaw, data: outer(47, join([]byte{0xb0, 0, 8, 0}, be32(0), be32(7), be32(9), v4)), names: "gre key 7"},
		{name: "GRE, PPTP", link: typeRaw, data: outer(47, join([]byte{0x30, 0x81, 0x88, 0x0b}, be16(len(v4)+4), be16(5), be32(1), be32(2), []byte{0xff, 3, 0, 0x21}, v4)), names: "gre"},
		{name: "GRE with MPLS", link: typeRaw, data: outer(47, join([]byte{0, 0, 0x88, 0x47}, label(77, true, v4))), names: "gre; mpls 77"},
		{name: "GRE in UDP", link: typeRaw, data: outer(17, udpTo(4754, join([]byte{0, 0, 8, 0}, v4))), names: "gre"},
		{name: "provider backbone bridging", link: typeEthernet, data: ether(0x88e7, join(be32(9), ether(0x800, v4)))},
		{name: "GRE with something else", link: typeRaw, data: outer(47, []byte{0, 0, 0x12, 0x34, 1, 2, 3}), stays: 47},
		{name: "ERSPAN I", link: typeRaw, data: outer(47, join([]byte{0, 0, 0x88, 0xbe}, ether(0x800, v4))), names: "erspan 0"},
		{name: "ERSPAN II", link: typeRaw, data: outer(47, join([]byte{0x10, 0, 0x88, 0xbe}, be32(1), []byte{0x10, 1, 0, 5}, be32(0), ether(0x8100, vlan(8, 0x800, v4)))), names: "erspan 5; vlan 8"},
		{name: "ERSPAN III", link: typeRaw, data: outer(47, join([]byte{0x10, 0, 0x22, 0xeb}, be32(1), []byte{0x20, 1, 0, 6}, be32(0), be32(0), ether(0x800, v4))), names: "erspan 6"},
		{name: "ERSPAN III with platform header", link: typeRaw, data: outer(47, join([]byte{0x10, 0, 0x22, 0xeb}, be32(1), []byte{0x20, 1, 0, 6}, be32(0), be32(1), make([]byte, 8), ether(0x800, v4))), names: "erspan 6"},
		{name: "AH", link: typeRaw, data: outer4ah(ProtocolTCP), names: "ah"},
		{name: "AH, tunnel", link: typeRaw, data: outer(51, join([]byte{4, 4, 0, 0}, be32(1), be32(1), make([]byte, 12), v4)), names: "ah; ipip"},
		{name: "AH in IPv6", link: typeRaw, data: v6from(client6, server6, 0, join([]byte{51, 0, 1, 4, 0, 0, 0, 0}, []byte{6, 4, 0, 0}, be32(1), be32(1), make([]byte, 12), tcp())), names: "ah"},
		{name: "ESP", link: typeRaw, data: outer(50, make([]byte, 40)), stays: 50},
		{name: "MPLS in IP", link: typeRaw, data: outer(137, label(99, true, v6)), names: "mpls 99"},
		{name: "MPLS, null label", link: typeEthernet, data: ether(0x8847, label(0, true, v4))},
		{name: "MPLS pseudo-wire with control word", link: typeEthernet, data: ether(0x8847, label(30, false, label(31, true, join(be32(0), ether(0x800, v4))))), names: "mpls 30; mpls 31"},
		{name: "MPLS pseudo-wire without", link: typeEthernet, data: ether(0x8847, label(31, true, ether(0x86dd, v6))), names: "mpls 31"},
		{name: "MPLS pseudo-wire, address like IPv4", link: typeEthernet, data: ether(0x8847, label(31, true, join([]byte{0x45, 0, 0xff, 0xff, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, v4))), names: "mpls 31"},
		{name: "MPLS with something else", link: typeEthernet, data: ether(0x8847, label(31, true, make([]byte, 30))), status: NotIP},
		{name: "VXLAN", link: typeRaw, data: outer(17, udpTo(4789, join([]byte{8, 0, 0, 0}, be32(42<<8), ether(0x800, v4)))), names: "vxlan 42"},
		{name: "VXLAN, Linux's old port", link: typeRaw, data: outer(17, udpTo(8472, join([]byte{8, 0, 0, 0}, be32(42<<8), ether(0x86dd, v6)))), names: "vxlan 42"},
		{name: "VXLAN with ARP stays UDP", link: typeRaw, data: outer(17, udpTo(4789, join([]byte{8, 0, 0, 0}, be32(42<<8), ether(0x806, make([]byte, 28))))), stays: 17},
		{name: "no VXLAN: no I flag", link: typeRaw, data: outer(17, udpTo(4789, join([]byte{0, 0, 0, 0}, be32(42<<8), ether(0x800, v4)))), stays: 17},
		{name: "VXLAN-GPE, a frame", link: typeRaw, data: outer(17, udpTo(4790, join([]byte{0x0c, 0, 0, 3}, be32(42<<8), ether(0x800, v4)))), names: "vxlan 42"},
		{name: "VXLAN-GPE, IPv6", link: typeRaw, data: outer(17, udpTo(4790, join([]byte{0x0c, 0, 0, 2}, be32(42<<8), v6))), names: "vxlan 42"},
		{name: "VXLAN-GPE, NSH", link: typeRaw, data: outer(17, udpTo(4790, join([]byte{0x0c, 0, 0, 4}, be32(42<<8), v6))), stays: 17},
		{name: "TZSP", link: typeRaw, data: outer(17, udpTo(37008, join([]byte{1, 0, 0, 1, 0, 10, 1, 200, 1}, ether(0x800, v4)))), names: "tzsp"},
		{name: "TZSP without end", link: typeRaw, data: outer(17, udpTo(37008, []byte{1, 0, 0, 1, 0, 10, 9, 200, 1})), stays: 17},
		{name: "TZSP, keep-alive", link: typeRaw, data: outer(17, udpTo(37008, []byte{1, 4, 0, 1, 1})), stays: 17},
		{name: "GENEVE with options", link: typeRaw, data: outer(17, udpTo(6081, join([]byte{2, 0, 0x65, 0x58}, be32(43<<8), make([]byte, 8), ether(0x800, v4)))), names: "geneve 43"},
		{name: "GENEVE with the longest options, IP inside", link: typeRaw, data: outer(17, udpTo(6081, join([]byte{63, 0, 8, 0}, be32(43<<8), make([]byte, 252), v4))), names: "geneve 43"},
		{name: "no GENEVE", link: typeRaw, data: outer(17, udpTo(6081, []byte("a game on this port, say"))), stays: 17},
		{name: "GTP-U with sequence number", link: typeRaw, data: outer(17, udpTo(2152, join([]byte{0x32, 255}, be16(4+len(v4)), be32(0x1234), []byte{0, 1, 0, 0}, v4))), names: "gtp-u teid 0x1234"},
		{name: "GTP-U with extension header", link: typeRaw, data: outer(17, udpTo(2152, join([]byte{0x34, 255}, be16(8+len(v6)), be32(0x1234), []byte{0, 0, 0, 0x85}, []byte{1, 0x10, 9, 0}, v6))), names: "gtp-u teid 0x1234"},
		{name: "GTP-U echo", link: typeRaw, data: outer(17, udpTo(2152, join([]byte{0x32, 1}, be16(4), be32(0), make([]byte, 4)))), stays: 17},
		{name: "tunnels in tunnels", link: typeEthernet, data: ether(0x8100, vlan(20, 0x800, outer(17, udpTo(4789, join([]byte{8, 0, 0, 0}, be32(42<<8), ether(0x800, outer(47, join([]byte{0, 0, 0x86, 0xdd}, v6)))))))), names: "vlan 20; vxlan 42; gre"},

		{name: "routing header", link: typeRaw, data: v6from(client6, server6, 43, join([]byte{6, 2, 0, 0}, make([]byte, 20), tcp()))},
		{name: "atomic fragment", link: typeRaw, data: v6from(client6, server6, 44, join([]byte{6, 0, 0, 0}, be32(5), tcp()))},
		{name: "no next header", link: typeRaw, data: v6from(outer6, peer6, 59, nil), stays: 59},
		{name: "IPv4 options", link: typeRaw, data: join([]byte{0x46, 0}, be16(24+len(tcp())), be32(0), []byte{64, 6, 0, 0}, client4.AsSlice(), server4.AsSlice(), []byte{1, 1, 1, 0}, tcp())},
		{name: "IPv4 header length", link: typeRaw, data: join([]byte{0x44}, v4[1:]), status: Malformed},
		{name: "IPv4 total length", link: typeRaw, data: join(v4[:2], be16(19), v4[4:]), status: Malformed},
		{name: "version and Ethernet type differ", link: typeEthernet, data: ether(0x86dd, v4), status: Malformed},
		{name: "unknown link type", link: 147, data: v4, status: Unsupported},
		{name: "nothing", link: typeEthernet, data: nil, status: TooShort},
		{name: "VLAN tags without end", link: typeEthernet, data: ether(0x8100, slices.Repeat(vlan(5, 0x8100, nil), 400)), status: Malformed},
		{name: "IP in IP without end", link: typeRaw, data: nested(100), stays: 4},
	}
}

// outer4ah is the TCP segment behind an authentication header.
func outer4ah(next byte) []byte {
	return v4from(client4, server4, 51, join([]byte{next, 4, 0, 0}, be32(1), be32(1), make([]byte, 12), tcp()))
}

// nested is IP in IP in IP ..., n times.
func nested(n int) []byte {
	b := inner4()
	for range n {
		b = outer(4, b)
	}
	return b
}

func TestKinds(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			d := NewDecoder()
			var ip IP
			p := &capture.Packet{LinkType: s.link, Data: s.data, Length: len(s.data)}
			if got := d.Decode(p, &ip); got != s.status {
				t.Fatalf("status %v, want %v", got, s.status)
			}
			if s.status != Decoded {
				return
			}
			checkDecoded(t, &ip)
			if s.stays != 0 {
				if ip.Protocol != s.stays {
					t.Errorf("protocol %d, want %d", ip.Protocol, s.stays)
				}
				return
			}
			if got := strings.Join(d.Encapsulation(ip.Encapsulation), "; "); got != s.names {
				t.Errorf("encapsulations %q, want %q", got, s.names)
			}
			checkSegment(t, &ip)
		})
	}
}

// checkSegment compares with the segment of build_test.go.
func checkSegment(t *testing.T, ip *IP) {
	t.Helper()
	src, dst := client4, server4
	if ip.Src().Is6() {
		src, dst = client6, server6
	}
	if ip.Src() != src || ip.Dst() != dst || ip.Protocol != ProtocolTCP {
		t.Errorf("got %v to %v, protocol %d", ip.Src(), ip.Dst(), ip.Protocol)
	}
	if string(ip.Payload) != string(tcp()) || ip.Missing != 0 {
		t.Errorf("payload %d bytes, %d missing; want %d and 0", len(ip.Payload), ip.Missing, len(tcp()))
	}
}

// TestEveryTruncationOfKinds cuts each sample everywhere, with the length on
// the wire told and not told.
func TestEveryTruncationOfKinds(t *testing.T) {
	for _, s := range samples() {
		d := NewDecoder()
		for n := range len(s.data) {
			for _, length := range []int{n, len(s.data)} {
				var ip IP
				p := &capture.Packet{LinkType: s.link, Data: s.data[:n:n], Length: length}
				if d.Decode(p, &ip) == Decoded {
					checkDecoded(t, &ip)
				}
			}
		}
	}
}

// TestEveryEtherTypeAndProtocol dispatches on every value.
func TestEveryEtherTypeAndProtocol(t *testing.T) {
	d := NewDecoder()
	var ip IP
	for v := range 1 << 16 {
		data := ether(v, inner4())
		if s := d.Decode(&capture.Packet{LinkType: typeEthernet, Data: data, Length: len(data)}, &ip); s == Unsupported {
			t.Fatalf("Ethernet type %#x: %v", v, s)
		}
	}
	for v := range 256 {
		data := outer(v, make([]byte, 64))
		if s := d.Decode(&capture.Packet{LinkType: typeRaw, Data: data, Length: len(data)}, &ip); s != Decoded || ip.Src() != outer4 {
			t.Fatalf("protocol %d: %v", v, s)
		}
	}
}

func TestSideFields(t *testing.T) {
	d := NewDecoder()
	var ip IP
	data := sll2Header(0x800, 17, 1, 4, inner4())
	d.Decode(&capture.Packet{LinkType: typeSLL2, Data: data, Length: len(data), Interface: 3}, &ip)
	if !ip.Outgoing || ip.Interface != 17 || ip.TTL != 64 || ip.ID != 7 {
		t.Errorf("SLL2: outgoing %v, interface %d, TTL %d, ID %d", ip.Outgoing, ip.Interface, ip.TTL, ip.ID)
	}
	data = sllHeader(0, 1, 0x86dd, inner6())
	d.Decode(&capture.Packet{LinkType: typeSLL, Data: data, Length: len(data), Interface: 3}, &ip)
	if ip.Outgoing || ip.Interface != 3 || ip.TTL != 64 || ip.ID != 0 {
		t.Errorf("SLL: outgoing %v, interface %d, TTL %d, ID %d", ip.Outgoing, ip.Interface, ip.TTL, ip.ID)
	}
}

func TestMissing(t *testing.T) {
	whole := ether(0x800, outer(47, join([]byte{0, 0, 8, 0}, inner4())))
	d := NewDecoder()
	var ip IP
	p := &capture.Packet{LinkType: typeEthernet, Data: whole[:len(whole)-3], Length: len(whole)}
	if s := d.Decode(p, &ip); s != Decoded || ip.Missing != 3 || len(ip.Payload) != len(tcp())-3 {
		t.Errorf("%v, payload %d, missing %d", s, len(ip.Payload), ip.Missing)
	}
	// Total length 0: the length on the wire has to do.
	zero := ether(0x800, inner4())
	zero[16], zero[17] = 0, 0
	p = &capture.Packet{LinkType: typeEthernet, Data: zero[:len(zero)-2], Length: len(zero)}
	if s := d.Decode(p, &ip); s != Decoded || ip.Missing != 2 || len(ip.Payload) != len(tcp())-2 {
		t.Errorf("total length 0: %v, payload %d, missing %d", s, len(ip.Payload), ip.Missing)
	}
}
