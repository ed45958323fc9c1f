package link

import "encoding/binary"

// ipv4 decodes an IPv4 packet and what is inside it (RFC 791, section 3.1).
func (d *Decoder) ipv4(v view, ip *IP) Status {
	if !d.spend() {
		return Malformed
	}
	if len(v.b) < ipv4HeaderLen {
		return TooShort
	}
	b := v.b
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if b[0]>>4 != 4 || header < ipv4HeaderLen {
		return Malformed
	}
	if total == 0 {
		// Segmentation offload: the network card would have set it.
		total = v.wire()
	}
	if total < header {
		return Malformed
	}
	if header > len(b) {
		return TooShort
	}
	v = v.limit(total).from(header)
	ip.From, ip.To, ip.V6 = addr4(b[12:16]), addr4(b[16:20]), false
	ip.TTL, ip.ID = b[8], binary.BigEndian.Uint16(b[4:])
	protocol := b[9]
	if field := binary.BigEndian.Uint16(b[6:]); field&0x3fff != 0 {
		var status Status
		v, _, status = d.reassemble(ip, fragment{
			key:   fragmentKey{protocol: protocol, id: uint32(ip.ID)},
			start: int(field&0x1fff) * 8, more: field&0x2000 != 0, data: v,
		})
		if status != Decoded {
			return status
		}
	}
	return d.upper(protocol, v, ip)
}
