package link

import "encoding/binary"

// IP protocol numbers of headers that are stepped over or into.
const (
	protocolHopByHop    = 0
	protocolIPv4        = 4
	protocolIPv6        = 41
	protocolRouting     = 43
	protocolFragment    = 44
	protocolGRE         = 47
	protocolAH          = 51
	protocolNone        = 59
	protocolDestination = 60
	protocolMobility    = 135
	protocolMPLS        = 137
	protocolHIP         = 139
	protocolShim6       = 140
)

// ipv6 decodes an IPv6 packet and what is inside it (RFC 8200, section 3).
func (d *Decoder) ipv6(v view, ip *IP) Status {
	if !d.spend() {
		return Malformed
	}
	if len(v.b) < ipv6HeaderLen {
		return TooShort
	}
	b := v.b
	if b[0]>>4 != 6 {
		return Malformed
	}
	ip.From, ip.To, ip.V6 = addr6(b[8:24]), addr6(b[24:40]), true
	ip.TTL, ip.ID = b[7], 0
	v = v.from(ipv6HeaderLen)
	// A payload length of 0 is a jumbogram (RFC 2675) or segmentation
	// offload: what was on the wire has to do.
	if length := int(binary.BigEndian.Uint16(b[4:])); length != 0 || b[6] == protocolNone {
		v = v.limit(length)
	}
	return d.extensions(b[6], v, ip)
}

// extensions walks IPv6 extension headers up to the upper-layer protocol.
func (d *Decoder) extensions(next uint8, v view, ip *IP) Status {
	for {
		switch next {
		case protocolHopByHop, protocolRouting, protocolDestination, protocolMobility, protocolHIP, protocolShim6:
			// RFC 8200, section 4.3: length "in 8-octet units, not including
			// the first 8 octets".
			if len(v.b) < 8 {
				return TooShort
			}
			size := int(v.b[1])*8 + 8
			if size > len(v.b) {
				return TooShort
			}
			next, v = v.b[0], v.from(size)
		case protocolFragment:
			if len(v.b) < 8 {
				return TooShort
			}
			field := binary.BigEndian.Uint16(v.b[2:])
			f := fragment{
				key:   fragmentKey{id: binary.BigEndian.Uint32(v.b[4:])},
				start: int(field &^ 7), more: field&1 != 0, next: v.b[0], data: v.from(8),
			}
			// RFC 6946: a fragment that is all of its packet is taken by
			// itself, whatever else has the same identification.
			if f.start == 0 && !f.more {
				next, v = f.next, f.data
				break
			}
			whole, first, status := d.reassemble(ip, f)
			if status != Decoded {
				return status
			}
			next, v = first, whole
		default:
			return d.upper(next, v, ip)
		}
		if !d.spend() {
			return Malformed
		}
	}
}
