package link

import (
	"encoding/binary"

	"github.com/wsleuth/wsleuth/capture"
)

// PPP protocol numbers (IANA registry).
const (
	pppIPv4 = 0x0021
	pppIPv6 = 0x0057
	pppMPLS = 0x0281
)

// pppoe decodes a session packet, RFC 2516, section 4.
func (d *Decoder) pppoe(v view, ip *IP) Status {
	if len(v.b) < 6 {
		return TooShort
	}
	length := int(binary.BigEndian.Uint16(v.b[4:]))
	d.enter(kindPPPoE, uint32(binary.BigEndian.Uint16(v.b[2:])))
	return d.ppp(v.from(6).within(length), ip)
}

// pppLink decodes the PPP link types, some of which may hold other framings.
func (d *Decoder) pppLink(t capture.LinkType, v view, ip *IP) Status {
	if t == typePPPEther {
		return d.pppoe(v, ip)
	}
	if len(v.b) < 4 {
		return TooShort
	}
	// RFC 1547, section 4.3: Cisco's framing has address 0x0f or 0x8f.
	if t == typePPPHDLC && (v.b[0] == 0x0f || v.b[0] == 0x8f) {
		return d.etherType(binary.BigEndian.Uint16(v.b[2:]), v.from(4), ip)
	}
	return d.ppp(v, ip)
}

// ppp decodes a PPP frame, with or without address and control field.
func (d *Decoder) ppp(v view, ip *IP) Status {
	if len(v.b) >= 2 && v.b[0] == 0xff && v.b[1] == 0x03 {
		v = v.from(2)
	}
	if len(v.b) < 2 {
		return TooShort
	}
	// RFC 1661, section 6.5: with protocol field compression the field is one
	// byte, and "the presence of a binary 1 as the last bit marks the end".
	protocol, size := uint16(v.b[0]), 1
	if protocol&1 == 0 {
		protocol, size = binary.BigEndian.Uint16(v.b), 2
	}
	v = v.from(size)
	switch protocol {
	case pppIPv4:
		return d.etherType(etherTypeIPv4, v, ip)
	case pppIPv6:
		return d.etherType(etherTypeIPv6, v, ip)
	case pppMPLS:
		return d.etherType(etherTypeMPLS, v, ip)
	}
	return NotIP
}
