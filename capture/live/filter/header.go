package filter

import (
	"encoding/binary"

	"github.com/wsleuth/wsleuth/capture"
)

// What a packet is, as far as filters can tell; those of IP come last.
const (
	kindOther uint8 = 0
	kindARP   uint8 = 1
	kindIPv4  uint8 = 4
	kindIPv6  uint8 = 6
)

// Protocol numbers of IANA.
const (
	protocolICMP     = 1
	protocolTCP      = 6
	protocolUDP      = 17
	protocolFragment = 44
	protocolICMPv6   = 58
	protocolSCTP     = 132
)

// What is known of ports.
const (
	portsMissing uint8 = 0
	portsThere   uint8 = 1
	// portsUnknown: a later fragment, of something that may have ports.
	portsUnknown uint8 = 2
)

const (
	ethernetLen   = 14
	vlanLen       = 4
	nullLen       = 4
	arpLen        = 28
	ipv4Len       = 20
	ipv6Len       = 40
	ipv6FragLen   = 8
	etherIPv4     = 0x0800
	etherARP      = 0x0806
	etherRARP     = 0x8035
	etherIPv6     = 0x86dd
	maxVLANTags   = 2
	offsetInIPv4  = 0x1fff // fragment offset, in the word at 6
	offsetInFrag6 = 0xfff8 // fragment offset, in the word at 2
)

var etherVLAN = []uint32{0x8100, 0x88a8, 0x9100}

// Address families in a null or loop header, by the system that wrote it; in
// either byte order.
var (
	nullIPv4 = []uint32{2}
	nullIPv6 = []uint32{10, 24, 28, 30}
)

// Types of ICMP and ICMPv6 messages that quote a packet (RFC 792; RFC 4443,
// section 2.1: "error messages have message types from 0 to 127").
var (
	icmpErrors   = []uint32{3, 4, 5, 11, 12}
	icmpv6Errors = []uint32{1, 2, 3, 4}
)

// header is what filters look at. Its slices are the packet's.
type header struct {
	kind      uint8
	ports     uint8
	protocol  uint8 // behind an IPv6 fragment header, the one that it names
	src, dst  []byte
	transport []byte // at least 4 bytes if ports is portsThere
}

func (h *header) icmpError() bool {
	if h.ports != portsThere {
		return false
	}
	t := uint32(h.transport[0])
	switch {
	case h.kind == kindIPv4 && h.protocol == protocolICMP:
		return contains(icmpErrors, t)
	case h.kind == kindIPv6 && h.protocol == protocolICMPv6:
		return contains(icmpv6Errors, t)
	}
	return false
}

func contains(list []uint32, v uint32) bool {
	for _, w := range list {
		if v == w {
			return true
		}
	}
	return false
}

// readLink reads a packet. later is Expr.later.
func readLink(link capture.LinkType, b []byte, later bool) header {
	switch link {
	case capture.LinkEthernet:
		return readEthernet(b, later)
	case capture.LinkNull, capture.LinkLoop:
		return readNull(b, later)
	}
	return readIP(b, later)
}

func readEthernet(b []byte, later bool) header {
	if len(b) < ethernetLen {
		return header{}
	}
	at := ethernetLen
	for range maxVLANTags {
		if !contains(etherVLAN, uint32(binary.BigEndian.Uint16(b[at-2:]))) {
			break
		}
		if at += vlanLen; len(b) < at {
			return header{}
		}
	}
	body := b[at:]
	switch binary.BigEndian.Uint16(b[at-2:]) {
	case etherIPv4:
		return readIPv4(body, later)
	case etherIPv6:
		return readIPv6(body, later)
	case etherARP, etherRARP:
		if len(body) >= arpLen {
			return header{kind: kindARP, src: body[14:18], dst: body[24:28]}
		}
	}
	return header{}
}

func readNull(b []byte, later bool) header {
	if len(b) < nullLen {
		return header{}
	}
	family := binary.BigEndian.Uint32(b)
	swapped := binary.LittleEndian.Uint32(b)
	switch {
	case contains(nullIPv4, family) || contains(nullIPv4, swapped):
		return readIPv4(b[nullLen:], later)
	case contains(nullIPv6, family) || contains(nullIPv6, swapped):
		return readIPv6(b[nullLen:], later)
	}
	return header{}
}

func readIP(b []byte, later bool) header {
	if len(b) > 0 && b[0]>>4 == 4 {
		return readIPv4(b, later)
	}
	if len(b) > 0 && b[0]>>4 == 6 {
		return readIPv6(b, later)
	}
	return header{}
}

func readIPv4(b []byte, later bool) header {
	if len(b) < ipv4Len {
		return header{}
	}
	h := header{kind: kindIPv4, protocol: b[9], src: b[12:16], dst: b[16:20]}
	if binary.BigEndian.Uint16(b[6:])&offsetInIPv4 != 0 {
		if later {
			h.ports = portsUnknown
		}
		return h
	}
	h.setTransport(b, int(b[0]&15)*4)
	return h
}

func readIPv6(b []byte, later bool) header {
	if len(b) < ipv6Len {
		return header{}
	}
	h := header{kind: kindIPv6, protocol: b[6], src: b[8:24], dst: b[24:40]}
	if h.protocol != protocolFragment {
		h.setTransport(b, ipv6Len)
		return h
	}
	if len(b) < ipv6Len+ipv6FragLen {
		return h
	}
	h.protocol = b[ipv6Len]
	switch {
	case !later:
	case binary.BigEndian.Uint16(b[ipv6Len+2:])&offsetInFrag6 != 0:
		h.ports = portsUnknown
	default:
		h.setTransport(b, ipv6Len+ipv6FragLen)
	}
	return h
}

func (h *header) setTransport(b []byte, at int) {
	if len(b) >= at+4 {
		h.ports, h.transport = portsThere, b[at:]
	}
}
