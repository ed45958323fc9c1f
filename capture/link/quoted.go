package link

import "encoding/binary"

// PeekQuoted decodes the IP packet that an ICMP or ICMPv6 error quotes: b is
// what follows the error's 8-byte header, however short it was cut. It fills
// From, To, V6, Protocol, TTL, ID, and Payload with what is there of the transport
// header, which is empty for a later fragment. Missing is not filled: quotes
// are always cut. It answers false if b does not reach the destination address.
//
// RFC 792: the quote is "the internet header plus the first 64 bits of the
// original datagram's data"; RFC 4443, section 2.4: "as much of invoking packet
// as possible".
func PeekQuoted(b []byte, q *IP) bool {
	*q = IP{}
	if len(b) == 0 {
		return false
	}
	switch b[0] >> 4 {
	case 4:
		return quoted4(b, q)
	case 6:
		return quoted6(b, q)
	}
	return false
}

func quoted4(b []byte, q *IP) bool {
	header := int(b[0]&15) * 4
	if len(b) < ipv4HeaderLen || header < ipv4HeaderLen {
		return false
	}
	q.From, q.To, q.V6 = addr4(b[12:16]), addr4(b[16:20]), false
	q.Protocol, q.TTL, q.ID = b[9], b[8], binary.BigEndian.Uint16(b[4:])
	field := binary.BigEndian.Uint16(b[6:])
	q.Fragment = field&0x3fff != 0
	// Some systems quote the total length in their own byte order or less
	// the header: only what cannot be right is not believed.
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total > header && total < len(b) {
		b = b[:total]
	}
	q.Missing = max(total-len(b), 0)
	if field&0x1fff == 0 && header < len(b) {
		q.Payload = b[header:]
	}
	return true
}

func quoted6(b []byte, q *IP) bool {
	if len(b) < ipv6HeaderLen {
		return false
	}
	q.From, q.To, q.V6 = addr6(b[8:24]), addr6(b[24:40]), true
	q.Protocol, q.TTL = b[6], b[7]
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length > 0 && ipv6HeaderLen+length < len(b) {
		b = b[:ipv6HeaderLen+length]
	}
	q.Missing = max(ipv6HeaderLen+length-len(b), 0)
	b = b[ipv6HeaderLen:]
	for {
		size := 0
		switch q.Protocol {
		case protocolHopByHop, protocolRouting, protocolDestination, protocolMobility:
			if len(b) >= 2 {
				size = int(b[1])*8 + 8
			}
		case protocolAH:
			if len(b) >= 2 {
				size = int(b[1])*4 + 8
			}
		case protocolFragment:
			size = 8
		default:
			q.Payload = b
			return true
		}
		if size == 0 || size > len(b) {
			return true // cut inside an extension header
		}
		if q.Protocol == protocolFragment {
			q.Fragment = true
			if binary.BigEndian.Uint16(b[2:])&^7 != 0 {
				q.Protocol = b[0]
				return true
			}
		}
		q.Protocol, b = b[0], b[size:]
	}
}
