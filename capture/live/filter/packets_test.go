package filter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// sample is an IP (or ARP) packet of the corpus that filters are tried on.
type sample struct {
	name      string
	ethertype uint16
	body      []byte
}

var (
	ends4 = [][2]string{{"10.0.0.1", "10.0.0.2"}, {"10.0.0.2", "10.0.0.1"}, {"10.1.2.3", "192.168.1.1"}, {"172.16.0.1", "10.0.0.1"}}
	ends6 = [][2]string{{"::1", "::1"}, {"2001:db8::1", "2001:db8:1::2"}, {"fe80::1", "2001:db8::1"}}
	pairs = [][2]uint16{{80, 40000}, {40000, 80}, {443, 443}, {8080, 53}, {8000, 8999}}
)

// corpus is every combination of what filters look at; the same each time.
func corpus() []sample {
	var all []sample
	for _, protocol := range []byte{1, 2, 6, 17, 58, 132} {
		for _, e := range ends4 {
			for _, p := range pairs {
				for _, fragment := range []uint16{0, 0x4000, 0x2000, 0x2001, 0x0123} {
					for _, options := range []int{0, 8} {
						if options > 0 && (p != pairs[0] || fragment&0x1fff != 0) {
							continue
						}
						all = append(all, sample{fmt.Sprint("ip ", protocol, e, p, fragment, options), etherIPv4, ip4(protocol, e, fragment, options, transport(p))})
					}
				}
			}
		}
	}
	for _, protocol := range []byte{0, 6, 17, 58, 132} {
		for _, e := range ends6 {
			for _, p := range pairs {
				all = append(all, sample{fmt.Sprint("ip6 ", protocol, e, p), etherIPv6, ip6(protocol, e, transport(p))})
			}
			for _, offset := range []uint16{1, 8} {
				all = append(all, sample{fmt.Sprint("ip6 fragment ", protocol, e, offset), etherIPv6, ip6(protocolFragment, e, fragment6(protocol, offset, transport(pairs[0])))})
			}
		}
	}
	for _, e := range ends4 {
		all = append(all, sample{fmt.Sprint("arp ", e), etherARP, arp(e)}, sample{fmt.Sprint("rarp ", e), etherRARP, arp(e)})
	}
	return append(all, sample{"lldp", 0x88cc, make([]byte, 60)})
}

// transport begins with ports; to ICMP it is a type and a code.
func transport(p [2]uint16) []byte {
	b := make([]byte, 40)
	binary.BigEndian.PutUint16(b, p[0])
	binary.BigEndian.PutUint16(b[2:], p[1])
	b[12] = 0x50
	return b
}

func ip4(protocol byte, ends [2]string, fragment uint16, options int, body []byte) []byte {
	b := make([]byte, 20+options, 20+options+len(body))
	b[0], b[8], b[9] = byte(0x45+options/4), 64, protocol
	binary.BigEndian.PutUint16(b[2:], uint16(20+options+len(body)))
	binary.BigEndian.PutUint16(b[6:], fragment)
	copy(b[12:], netip.MustParseAddr(ends[0]).AsSlice())
	copy(b[16:], netip.MustParseAddr(ends[1]).AsSlice())
	return append(b, body...)
}

func ip6(next byte, ends [2]string, body []byte) []byte {
	b := make([]byte, 40, 40+len(body))
	b[0], b[6], b[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(b[4:], uint16(len(body)))
	copy(b[8:], netip.MustParseAddr(ends[0]).AsSlice())
	copy(b[24:], netip.MustParseAddr(ends[1]).AsSlice())
	return append(b, body...)
}

func fragment6(next byte, offset uint16, body []byte) []byte {
	b := []byte{next, 0, byte(offset >> 8), byte(offset), 0, 0, 0, 7}
	return append(b, body...)
}

func arp(ends [2]string) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0}
	copy(b[14:], netip.MustParseAddr(ends[0]).AsSlice())
	copy(b[24:], netip.MustParseAddr(ends[1]).AsSlice())
	return b
}

// ethernet frames a sample, behind VLAN tags of these types.
func (s sample) ethernet(tags ...uint16) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}
	for _, tag := range tags {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = append(b, 0, 5)
	}
	return append(binary.BigEndian.AppendUint16(b, s.ethertype), s.body...)
}

// null puts the header of a BSD loopback in front, as a little-endian machine
// writes it; nil for what is not IP.
func (s sample) null() []byte {
	family := map[uint16]byte{etherIPv4: 2, etherIPv6: 10}[s.ethertype]
	if family == 0 {
		return nil
	}
	return append([]byte{family, 0, 0, 0}, s.body...)
}

// raw is the packet alone; nil for what is not IP.
func (s sample) raw() []byte {
	if s.ethertype != etherIPv4 && s.ethertype != etherIPv6 {
		return nil
	}
	return s.body
}
