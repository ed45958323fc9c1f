package link

import (
	"encoding/binary"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// UDP ports that tunnels listen on (IANA), and the one that Linux had for
// VXLAN before.
const (
	portGTPU     = 2152
	portVXLAN    = 4789
	portOldVXLAN = 8472
	portVXLANGPE = 4790
	portGeneve   = 6081
	portTZSP     = 37008 // what MikroTik's routers stream to
	portGRE      = 4754  // GRE in UDP, RFC 8086
	udpHeaderLen = 8
)

// upper fills ip with the payload of the IP packet at hand, unless there is
// another IP packet inside: the innermost counts. What does not parse as a
// tunnel stays the payload that it was.
func (d *Decoder) upper(protocol uint8, v view, ip *IP) Status {
	outer, hops := *ip, d.hops
	status := d.tunnel(protocol, v, ip)
	if status == Decoded || status == Incomplete {
		return status
	}
	*ip, d.hops = outer, hops
	ip.Protocol, ip.Payload, ip.Missing = protocol, v.b, v.absent
	return Decoded
}

// tunnel decodes what an IP packet carries if that leads to another IP packet.
func (d *Decoder) tunnel(protocol uint8, v view, ip *IP) Status {
	six := ip.V6
	switch protocol {
	case ProtocolUDP:
		return d.udp(v, ip)
	case protocolIPv4:
		d.enter(pick(six, kind4in6, kindIPIP), 0)
		return d.ipv4(v, ip)
	case protocolIPv6:
		d.enter(pick(six, kind6in6, kind6in4), 0)
		return d.ipv6(v, ip)
	case protocolGRE:
		return d.gre(v, ip)
	case protocolAH:
		return d.authentication(v, six, ip)
	case protocolMPLS: // RFC 4023
		return d.mpls(v, ip)
	}
	return NotIP
}

func pick(cond bool, yes, no kind) kind {
	if cond {
		return yes
	}
	return no
}

// authentication steps over an Authentication Header (RFC 4302), which
// protects a packet but hides nothing.
func (d *Decoder) authentication(v view, six bool, ip *IP) Status {
	if !d.spend() {
		return Malformed
	}
	h := &d.layers.ah
	if h.DecodeFromBytes(v.b, gopacket.NilDecodeFeedback) != nil {
		return TooShort
	}
	d.enter(kindAH, 0)
	v = v.from(len(h.Contents))
	if six {
		return d.extensions(uint8(h.NextHeader), v, ip)
	}
	return d.upper(uint8(h.NextHeader), v, ip)
}

// gre decodes RFC 2784 and 2890, PPTP's version (RFC 2637), and ERSPAN.
func (d *Decoder) gre(v view, ip *IP) Status {
	h := &d.layers.gre
	if h.DecodeFromBytes(v.b, gopacket.NilDecodeFeedback) != nil {
		return TooShort
	}
	inner := v.from(len(h.Contents))
	switch h.Protocol {
	case layers.EthernetTypeERSPAN:
		return d.erspan2(inner, h.SeqPresent, ip)
	case etherTypeERSPAN3:
		return d.erspan3(inner, ip)
	}
	// The key field of version 1 counts bytes and names a call.
	if h.KeyPresent && h.Version == 0 {
		d.enter(kindGREKey, h.Key)
	} else {
		d.enter(kindGRE, 0)
	}
	return d.etherType(uint16(h.Protocol), inner, ip)
}

// erspan2 decodes a mirrored frame of type I or II: type II always has a
// sequence number and a header of its own (draft-foschiano-erspan-03,
// section 4).
func (d *Decoder) erspan2(v view, sequence bool, ip *IP) Status {
	if !sequence {
		d.enter(kindERSPAN, 0)
		return d.etherType(etherTypeBridge, v, ip)
	}
	h := &d.layers.erspan
	if h.DecodeFromBytes(v.b, gopacket.NilDecodeFeedback) != nil {
		return TooShort
	}
	d.enter(kindERSPAN, uint32(h.SessionID))
	return d.etherType(etherTypeBridge, v.from(len(h.Contents)), ip)
}

// erspan3 decodes a mirrored frame of type III, section 4.3 of the same
// draft: 12 bytes, and 8 more if the last bit says so.
func (d *Decoder) erspan3(v view, ip *IP) Status {
	if len(v.b) < 12 {
		return TooShort
	}
	size := 12
	if v.b[11]&1 != 0 {
		size += 8
	}
	if len(v.b) < size {
		return TooShort
	}
	d.enter(kindERSPAN, uint32(binary.BigEndian.Uint16(v.b[2:])&0x03ff))
	const frameIP = 2
	if v.b[10]>>2&31 == frameIP {
		return d.version(v.from(size), ip)
	}
	return d.etherType(etherTypeBridge, v.from(size), ip)
}

// udp looks for a tunnel behind a well-known destination port.
func (d *Decoder) udp(v view, ip *IP) Status {
	if len(v.b) < udpHeaderLen {
		return TooShort
	}
	port := binary.BigEndian.Uint16(v.b[2:])
	v = v.from(udpHeaderLen)
	switch port {
	case portVXLAN, portOldVXLAN:
		return d.vxlan(v, ip)
	case portVXLANGPE:
		return d.vxlanGPE(v, ip)
	case portGeneve:
		return d.geneve(v, ip)
	case portTZSP:
		return d.tzsp(v, ip)
	case portGTPU:
		return d.gtp(v, ip)
	case portGRE:
		return d.gre(v, ip)
	}
	return NotIP
}

// vxlan decodes RFC 7348, section 5: "the I flag MUST be set to 1".
func (d *Decoder) vxlan(v view, ip *IP) Status {
	h := &d.layers.vxlan
	if h.DecodeFromBytes(v.b, gopacket.NilDecodeFeedback) != nil {
		return TooShort
	}
	if !h.ValidIDFlag {
		return NotIP
	}
	d.enter(kindVXLAN, h.VNI)
	return d.etherType(etherTypeBridge, v.from(len(h.Contents)), ip)
}

// vxlanGPE decodes draft-ietf-nvo3-vxlan-gpe, section 3: the P flag says that
// the header's fourth byte names what is inside.
func (d *Decoder) vxlanGPE(v view, ip *IP) Status {
	const (
		vni, protocol = 0x08, 0x04
		ipv4, ipv6    = 1, 2
		frame         = 3
	)
	if len(v.b) < 8 {
		return TooShort
	}
	if v.b[0]&vni == 0 || v.b[0]>>6 != 0 {
		return NotIP
	}
	next := byte(frame)
	if v.b[0]&protocol != 0 {
		next = v.b[3]
	}
	d.enter(kindVXLAN, binary.BigEndian.Uint32(v.b[4:])>>8)
	switch v = v.from(8); next {
	case ipv4, ipv6:
		return d.version(v, ip)
	case frame:
		return d.etherType(etherTypeBridge, v, ip)
	}
	return NotIP
}

// tzsp decodes the TaZmen Sniffer Protocol: version, type, what is inside, then
// tags, of which padding and the end have no length.
func (d *Decoder) tzsp(v view, ip *IP) Status {
	const (
		version, received = 1, 0
		frame             = 1
		tagPad, tagEnd    = 0, 1
	)
	if len(v.b) < 4 {
		return TooShort
	}
	if v.b[0] != version || v.b[1] != received || binary.BigEndian.Uint16(v.b[2:]) != frame {
		return NotIP
	}
	for v = v.from(4); len(v.b) > 0; {
		switch tag := v.b[0]; {
		case tag == tagEnd:
			d.enter(kindTZSP, 0)
			return d.etherType(etherTypeBridge, v.from(1), ip)
		case tag == tagPad:
			v = v.from(1)
		case len(v.b) < 2 || len(v.b) < 2+int(v.b[1]):
			return TooShort
		default:
			v = v.from(2 + int(v.b[1]))
		}
	}
	return TooShort
}

// geneve decodes RFC 8926, section 3.4.
func (d *Decoder) geneve(v view, ip *IP) Status {
	if len(v.b) < 8 {
		return TooShort
	}
	if v.b[0]>>6 != 0 {
		return NotIP
	}
	size := 8 + int(v.b[0]&0x3f)*4
	if len(v.b) < size {
		return TooShort
	}
	d.enter(kindGeneve, binary.BigEndian.Uint32(v.b[4:])>>8)
	return d.etherType(binary.BigEndian.Uint16(v.b[2:]), v.from(size), ip)
}

// gtp decodes user data of GTP version 1 (3GPP TS 29.281, section 5).
func (d *Decoder) gtp(v view, ip *IP) Status {
	const (
		versionAndType = 0x30 // version 1, protocol type GTP
		userData       = 0xff
		optionalFields = 0x07
		extension      = 0x04
	)
	if len(v.b) < 8 {
		return TooShort
	}
	flags := v.b[0]
	if flags&0xf0 != versionAndType || v.b[1] != userData {
		return NotIP
	}
	d.enter(kindGTP, binary.BigEndian.Uint32(v.b[4:]))
	v = v.limit(min(8+int(binary.BigEndian.Uint16(v.b[2:])), v.wire())).from(min(8, len(v.b)))
	if flags&optionalFields == 0 {
		return d.version(v, ip)
	}
	// Sequence number, N-PDU number, type of the first extension header.
	if len(v.b) < 4 {
		return TooShort
	}
	next := v.b[3]
	if flags&extension == 0 {
		next = 0
	}
	v = v.from(4)
	for next != 0 {
		// The length counts four bytes each; the last byte is the next type.
		if len(v.b) < 1 || v.b[0] == 0 || len(v.b) < int(v.b[0])*4 {
			return TooShort
		}
		size := int(v.b[0]) * 4
		next, v = v.b[size-1], v.from(size)
	}
	return d.version(v, ip)
}
