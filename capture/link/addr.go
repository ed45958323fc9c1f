package link

import (
	"encoding/binary"
	"net/netip"
)

// Addr is an address in two words, to be compared and hashed packet by packet:
// IPv4 as IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2).
type Addr struct{ Hi, Lo uint64 }

// mapped is what stands before an IPv4 address in IPv6's form of it.
const mapped = 0xffff << 32

// addr4 takes the four bytes of an IPv4 address.
func addr4(b []byte) Addr { return Addr{0, mapped | uint64(binary.BigEndian.Uint32(b))} }

// addr6 takes the 16 bytes of an IPv6 address.
func addr6(b []byte) Addr {
	return Addr{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// Mapped tells whether a is an IPv4 address, perhaps inside an IPv6 packet.
func (a Addr) Mapped() bool { return a.Hi == 0 && a.Lo>>32 == mapped>>32 }

// Netip is a as an address of IPv6, or of IPv4.
func (a Addr) Netip(v6 bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	if v6 {
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom16(b).Unmap()
}

// Src is the address that the packet came from.
func (ip *IP) Src() netip.Addr { return ip.From.Netip(ip.V6) }

// Dst is the address that the packet went to.
func (ip *IP) Dst() netip.Addr { return ip.To.Netip(ip.V6) }

// SetAddrs sets the addresses of a packet that was not decoded; both are of
// IPv4 or both of IPv6.
func (ip *IP) SetAddrs(src, dst netip.Addr) {
	s, d := src.As16(), dst.As16()
	ip.From, ip.To, ip.V6 = addr6(s[:]), addr6(d[:]), src.Is6()
}
