package link

import (
	"encoding/binary"

	"github.com/wsleuth/wsleuth/capture"
)

// ARPHRD types (Linux, if_arp.h) that change the meaning of an SLL header's
// protocol field or leave it empty.
const (
	arphrdPPP      = 512
	arphrdRawIP    = 519
	arphrdTunnel   = 768
	arphrdTunnel6  = 769
	arphrdFRAD     = 770
	arphrdSIT      = 776
	arphrdRadiotap = 803
	arphrdNetlink  = 824
	arphrdVoid     = 0xffff
	arphrdNone     = 0xfffe
)

// Protocols of an SLL header that are no Ethernet types.
const (
	sllProtocolNovell = 0x0001
	sllProtocolLLC    = 0x0004
)

// etherTypeFollows tells whether the protocol field of an SLL header is an
// Ethernet type for this ARPHRD type.
func etherTypeFollows(arphrd uint16) bool {
	return arphrd != arphrdNetlink && arphrd != arphrdRadiotap && arphrd != arphrdFRAD
}

// sll decodes a Linux cooked capture header: packet type, ARPHRD type, length
// of the address, address, protocol.
func (d *Decoder) sll(v view, ip *IP) Status {
	if len(v.b) < sllHeaderLen {
		return TooShort
	}
	ip.Outgoing = binary.BigEndian.Uint16(v.b) == packetTypeSent
	return d.cooked(binary.BigEndian.Uint16(v.b[2:]), binary.BigEndian.Uint16(v.b[14:]), v.from(sllHeaderLen), ip)
}

// sll2 decodes version 2: protocol, two reserved bytes, interface index,
// ARPHRD type, packet type, length of the address, address.
func (d *Decoder) sll2(v view, ip *IP) Status {
	if len(v.b) < sll2HeaderLen {
		return TooShort
	}
	ip.Outgoing = v.b[10] == packetTypeSent
	ip.Interface = int32(binary.BigEndian.Uint32(v.b[4:]))
	return d.cooked(binary.BigEndian.Uint16(v.b[8:]), binary.BigEndian.Uint16(v.b), v.from(sll2HeaderLen), ip)
}

func (d *Decoder) cooked(arphrd, protocol uint16, v view, ip *IP) Status {
	switch arphrd {
	case arphrdNetlink, arphrdFRAD:
		return NotIP
	case arphrdRadiotap:
		return d.radiotap(v, ip)
	}
	switch protocol {
	case sllProtocolLLC:
		return d.llc(v, ip)
	case sllProtocolNovell:
		return NotIP
	}
	s := d.etherType(protocol, v, ip)
	if s != NotIP || protocol >= minEtherType {
		return s
	}
	// Devices without a link layer may leave the protocol empty.
	switch arphrd {
	case arphrdNone, arphrdVoid, arphrdRawIP, arphrdTunnel, arphrdTunnel6, arphrdSIT:
		return d.version(v, ip)
	case arphrdPPP:
		return d.ppp(v, ip)
	}
	return NotIP
}

// loopback decodes the four bytes of BSD's loopback: an address family in the
// byte order of the machine that captured (NULL) or of the network (LOOP).
func (d *Decoder) loopback(v view, ip *IP) Status {
	if len(v.b) < 4 {
		return TooShort
	}
	family := binary.LittleEndian.Uint32(v.b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(v.b)
	}
	switch family {
	case 2:
		return d.etherType(etherTypeIPv4, v.from(4), ip)
	case 10, 23, 24, 28, 30: // Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS
		return d.etherType(etherTypeIPv6, v.from(4), ip)
	}
	return NotIP
}

// Of a PKTAP header, fields in little-endian order (Darwin, bsd/net/pktap.h):
// length at 0, link type of what follows at 8, flags at 36.
const (
	pktapMinLen  = 40
	pktapFlagOut = 2
)

// pktap decodes what macOS puts before the packets of its "any" interface.
func (d *Decoder) pktap(v view, ip *IP) Status {
	if len(v.b) < pktapMinLen {
		return TooShort
	}
	length := binary.LittleEndian.Uint32(v.b)
	if length < pktapMinLen {
		return Malformed
	}
	if uint64(length) > uint64(len(v.b)) {
		return TooShort
	}
	ip.Outgoing = binary.LittleEndian.Uint32(v.b[36:])&pktapFlagOut != 0
	return d.frame(capture.LinkType(binary.LittleEndian.Uint32(v.b[8:])), v.from(int(length)), ip)
}

// encHeaderLen: address family, security parameter index, flags.
const encHeaderLen = 12

// nflog decodes a message of Linux's packet logging: family, version, resource,
// then attributes in the byte order of the host, of which one is the IP packet.
func (d *Decoder) nflog(v view, ip *IP) Status {
	const (
		headerLen  = 4
		attrLen    = 4 // length of all of the attribute, and type
		attrPacket = 9 // NFULA_PAYLOAD
	)
	if len(v.b) < headerLen {
		return TooShort
	}
	var order binary.ByteOrder = binary.LittleEndian
	for v = v.from(headerLen); len(v.b) >= attrLen; {
		if order.Uint16(v.b[2:]) > 0xff { // there are some twenty types
			order = binary.BigEndian
		}
		size := int(order.Uint16(v.b))
		if size < attrLen {
			return Malformed
		}
		if order.Uint16(v.b[2:]) == attrPacket {
			return d.version(v.within(size).from(attrLen), ip)
		}
		padded := (size + 3) &^ 3
		if padded > len(v.b) {
			return TooShort
		}
		v = v.from(padded)
	}
	return NotIP
}
