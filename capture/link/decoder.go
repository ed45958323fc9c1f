// Package link finds the IP packet inside a captured frame, whatever the link
// layer and however many VLAN tags and tunnels are wrapped around it.
//
// Most callers need only NewDecoder and Decode: a status and, when it is
// Decoded, an IP with the innermost addresses and the payload that the IP
// length announces. TCP over IP over Ethernet, VLAN, SLL, SLL2 and raw IP
// takes a short path that allocates nothing; everything else is walked layer
// by layer. Checksums are never looked at: offload leaves them wrong on the
// machine that sends.
package link

import (
	"encoding/binary"

	"github.com/wsleuth/wsleuth/capture"
)

// Link types that Decode knows, as numbered by tcpdump.org.
const (
	typeNull         capture.LinkType = 0
	typeEthernet     capture.LinkType = 1
	typePPP          capture.LinkType = 9
	typeRawBSD       capture.LinkType = 12 // DLT_RAW of most systems
	typeRawOpenBSD   capture.LinkType = 14
	typePPPHDLC      capture.LinkType = 50
	typePPPEther     capture.LinkType = 51
	typeRaw          capture.LinkType = 101
	typeCiscoHDLC    capture.LinkType = 104
	type80211        capture.LinkType = 105
	typeLoop         capture.LinkType = 108
	typeENC          capture.LinkType = 109 // BSD's enc(4): what IPsec carries
	typeSLL          capture.LinkType = 113
	typeRadiotap     capture.LinkType = 127
	typePKTAPUser    capture.LinkType = 149 // DLT_USER2, what older macOS writes for PKTAP
	typePPPDirection capture.LinkType = 204
	typeIPv4         capture.LinkType = 228
	typeIPv6         capture.LinkType = 229
	typeNFLOG        capture.LinkType = 239 // iptables -j NFLOG, tcpdump -i nflog
	typePKTAP        capture.LinkType = 258
	typeSLL2         capture.LinkType = 276
)

// Sizes of headers, and a packet type.
const (
	packetTypeSent    = 4 // SLL: "sent by us to another host"
	ethernetHeaderLen = 14
	sllHeaderLen      = 16
	sll2HeaderLen     = 20
	ipv4HeaderLen     = 20
	ipv6HeaderLen     = 40
)

// MaxLayers bounds the headers that are walked for one packet, tries included.
const MaxLayers = 32

// Decoder decodes packets, one at a time, and holds fragments until their
// datagram is whole. Its memory is bounded by MaxEncapsulations,
// MaxFragmentBytes and MaxDatagrams. It is not safe for concurrent use, but
// Encapsulation may be called from anywhere.
type Decoder struct {
	names     names
	fragments fragments

	// of the packet at hand
	packet *capture.Packet
	budget int            // layers that may still be walked
	chain  [MaxLayers]hop // encapsulations passed so far
	hops   int
	layers scratch
}

// NewDecoder returns a decoder that has seen nothing.
func NewDecoder() *Decoder {
	d := &Decoder{}
	d.names.init()
	d.fragments.init()
	return d
}

// Decode finds the IP packet in p and fills ip with it. When the result is
// not Decoded, ip holds nothing of use but Interface and Outgoing.
func (d *Decoder) Decode(p *capture.Packet, ip *IP) Status {
	if d.peek(p, ip) {
		if ip.Encapsulation == otherEncapsulation {
			d.names.lumped++
		}
		return Decoded
	}
	*ip = IP{Interface: p.Interface}
	d.packet, d.budget, d.hops = p, MaxLayers, 0
	status := d.frame(p.LinkType, bytesOf(p), ip)
	d.packet = nil
	if status == Decoded && d.hops > 0 {
		ip.Encapsulation, ip.Network = d.names.intern(d.chain[:d.hops])
		if ip.Encapsulation == otherEncapsulation {
			d.names.lumped++
		}
	}
	return status
}

// peek is the short path. It answers false for whatever is not plainly TCP
// over IP, and then has not necessarily left ip alone.
func (d *Decoder) peek(p *capture.Packet, ip *IP) bool {
	ip.Outgoing, ip.Interface = false, p.Interface
	b, etherType := peekLink(p, ip)
	ip.Encapsulation, ip.Network = 0, 0
	if etherType == etherTypeVLAN && len(b) >= 4 {
		if vlan := binary.BigEndian.Uint16(b) & 0x0fff; vlan != 0 {
			ip.Encapsulation = d.names.vlan(vlan)
			ip.Network = ip.Encapsulation
		}
		etherType = binary.BigEndian.Uint16(b[2:])
		b = b[4:]
	}
	ip.Plain = int32(len(p.Data)-len(b)) + 1
	switch etherType {
	case etherTypeIPv4:
		return peekIPv4(b, ip)
	case etherTypeIPv6:
		return peekIPv6(b, ip)
	}
	return false
}

// DecodePlain fills ip once more with what Decode found at IP.Plain, for another
// goroutine say: data begins there, and encapsulation is IP.Encapsulation.
// Interface and Outgoing are left as they are.
func (ip *IP) DecodePlain(data []byte, encapsulation int32) {
	ip.Encapsulation, ip.Network = encapsulation, encapsulation
	if data[0]>>4 == 4 {
		peekIPv4(data, ip)
	} else {
		peekIPv6(data, ip)
	}
}

// peekLink returns what follows the link header and the Ethernet type it has;
// 0 if the short path does not know.
func peekLink(p *capture.Packet, ip *IP) ([]byte, uint16) {
	b := p.Data
	switch p.LinkType {
	case typeEthernet:
		if len(b) >= ethernetHeaderLen {
			return b[ethernetHeaderLen:], binary.BigEndian.Uint16(b[12:])
		}
	case typeSLL:
		if len(b) >= sllHeaderLen && etherTypeFollows(binary.BigEndian.Uint16(b[2:])) {
			ip.Outgoing = binary.BigEndian.Uint16(b) == packetTypeSent
			return b[sllHeaderLen:], binary.BigEndian.Uint16(b[14:])
		}
	case typeSLL2:
		if len(b) >= sll2HeaderLen && etherTypeFollows(binary.BigEndian.Uint16(b[8:])) {
			ip.Outgoing = b[10] == packetTypeSent
			ip.Interface = int32(binary.BigEndian.Uint32(b[4:]))
			return b[sll2HeaderLen:], binary.BigEndian.Uint16(b)
		}
	case typeRaw, typeRawBSD, typeRawOpenBSD:
		if len(b) > 0 {
			return b, etherTypeOfVersion(b[0])
		}
	}
	return nil, 0
}

// peekIPv4 takes an unfragmented IPv4 packet with TCP inside and a total
// length that is set.
func peekIPv4(b []byte, ip *IP) bool {
	if len(b) < ipv4HeaderLen || b[0]>>4 != 4 || b[9] != ProtocolTCP || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
		return false
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4HeaderLen || header > len(b) || total < header {
		return false
	}
	ip.From, ip.To, ip.V6 = addr4(b[12:16]), addr4(b[16:20]), false
	ip.Protocol, ip.TTL, ip.Fragment = ProtocolTCP, b[8], false
	ip.ID = binary.BigEndian.Uint16(b[4:])
	ip.Missing = max(total-len(b), 0)
	ip.Payload = b[header:min(total, len(b))]
	return true
}

// peekIPv6 takes an IPv6 packet whose header is directly followed by TCP and
// whose payload length is set.
func peekIPv6(b []byte, ip *IP) bool {
	if len(b) < ipv6HeaderLen || b[0]>>4 != 6 || b[6] != ProtocolTCP {
		return false
	}
	total := ipv6HeaderLen + int(binary.BigEndian.Uint16(b[4:]))
	if total == ipv6HeaderLen {
		return false
	}
	ip.From, ip.To, ip.V6 = addr6(b[8:24]), addr6(b[24:40]), true
	ip.Protocol, ip.TTL, ip.Fragment, ip.ID = ProtocolTCP, b[7], false, 0
	ip.Missing = max(total-len(b), 0)
	ip.Payload = b[ipv6HeaderLen:min(total, len(b))]
	return true
}

// etherTypeOfVersion guesses from the first byte of an IP packet; 0 is neither.
func etherTypeOfVersion(first byte) uint16 {
	switch first >> 4 {
	case 4:
		return etherTypeIPv4
	case 6:
		return etherTypeIPv6
	}
	return 0
}
