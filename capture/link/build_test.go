package link

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Builders of packets, innermost first: each wraps what is inside it.

var (
	client4, server4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	client6, server6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	outer4, peer4    = netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.8")
	outer6, peer6    = netip.MustParseAddr("2001:db8:f::7"), netip.MustParseAddr("2001:db8:f::8")
)

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

// tcp is a segment from port 40000 to port 80 with a payload of five bytes.
func tcp() []byte {
	return join(be16(40000), be16(80), be32(1), be32(2), []byte{0x50, 0x18}, be16(1024), be16(0), be16(0), []byte("hello"))
}

func v4from(src, dst netip.Addr, protocol int, payload []byte) []byte {
	return join([]byte{0x45, 0}, be16(20+len(payload)), be16(7), be16(0), []byte{64, byte(protocol)}, be16(0),
		src.AsSlice(), dst.AsSlice(), payload)
}

func v6from(src, dst netip.Addr, next int, payload []byte) []byte {
	return join(be32(6<<28), be16(len(payload)), []byte{byte(next), 64}, src.AsSlice(), dst.AsSlice(), payload)
}

func inner4() []byte { return v4from(client4, server4, ProtocolTCP, tcp()) }
func inner6() []byte { return v6from(client6, server6, ProtocolTCP, tcp()) }

// outer is an IPv4 packet between tunnel ends.
func outer(protocol int, payload []byte) []byte { return v4from(outer4, peer4, protocol, payload) }

func outer6to(next int, payload []byte) []byte { return v6from(outer6, peer6, next, payload) }

func udpTo(port int, payload []byte) []byte {
	return join(be16(50000), be16(port), be16(8+len(payload)), be16(0), payload)
}

func ether(etherType int, payload []byte) []byte {
	return join([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, be16(etherType), payload)
}

func vlan(id, etherType int, payload []byte) []byte { return join(be16(id), be16(etherType), payload) }

func label(n int, bottom bool, payload []byte) []byte {
	entry := n<<12 | 64
	if bottom {
		entry |= 0x100
	}
	return join(be32(entry), payload)
}

func snap(etherType int, payload []byte) []byte {
	return join([]byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(etherType), payload)
}

// nflogAttr is an attribute of a little-endian host, padded.
func nflogAttr(kind byte, value []byte) []byte {
	n := 4 + len(value)
	return join([]byte{byte(n), byte(n >> 8), kind, 0}, value, make([]byte, -n&3))
}

func sllHeader(packetType, arphrd, protocol int, payload []byte) []byte {
	return join(be16(packetType), be16(arphrd), be16(6), make([]byte, 8), be16(protocol), payload)
}

func sll2Header(protocol, index, arphrd, packetType int, payload []byte) []byte {
	return join(be16(protocol), be16(0), be32(index), be16(arphrd), []byte{byte(packetType), 6}, make([]byte, 8), payload)
}

// wlanData is an 802.11 data frame to the distribution system.
func wlanData(control, flags byte, extra, body []byte) []byte {
	return join([]byte{control, flags, 0, 0}, make([]byte, 18), []byte{0x10, 0}, extra, body)
}
