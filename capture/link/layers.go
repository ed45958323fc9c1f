package link

import (
	"encoding/binary"

	"github.com/gopacket/gopacket/layers"

	"github.com/wsleuth/wsleuth/capture"
)

// Ethernet types (IEEE registry) that are followed.
const (
	etherTypeIPv4      = 0x0800
	etherTypeBridge    = 0x6558 // transparent Ethernet bridging, RFC 1701
	etherTypeVLAN      = 0x8100
	etherTypeIPv6      = 0x86dd
	etherTypePPP       = 0x880b
	etherTypeMPLS      = 0x8847
	etherTypeMPLSMulti = 0x8848
	etherTypePPPoE     = 0x8864 // session stage, RFC 2516
	etherTypeServiceTg = 0x88a8 // 802.1ad service tag
	etherTypeERSPAN    = 0x88be // types I and II
	etherTypePBB       = 0x88e7 // 802.1ah: a service tag, then the customer's frame
	etherTypeQinQOld   = 0x9100 // service tags from before 802.1ad
	etherTypeQinQOld2  = 0x9200
	etherTypeERSPAN3   = 0x22eb
	minEtherType       = 0x0600 // smaller values are 802.3 lengths
)

// scratch holds gopacket's layers, reused from packet to packet. Only those
// are here that decode in place, accept cut packets and leave the bytes alone:
// gopacket's RadioTap moves and appends bytes, Dot11 takes four bytes off
// whether or not they are a check sequence, GTPv1U and PPPoE refuse packets cut
// by the snapshot length, Geneve's offset wraps with the longest options.
type scratch struct {
	gre    layers.GRE
	vxlan  layers.VXLAN
	erspan layers.ERSPANII
	ah     layers.IPSecAH
}

// view is a part of a packet: what was captured, and how many bytes behind it
// were on the wire but not captured.
type view struct {
	b      []byte
	absent int
}

// maxAbsent bounds the bytes that a capture is believed to have left out of
// one packet; the largest that segmentation offload makes have 512 KiB.
const maxAbsent = 1 << 24

func bytesOf(p *capture.Packet) view {
	return view{p.Data, min(max(p.Length-len(p.Data), 0), maxAbsent)}
}

// from is the view without its first n bytes, which must be there.
func (v view) from(n int) view { return view{v.b[n:], v.absent} }

// limit is the view with everything behind its first n bytes gone; a view of
// fewer bytes on the wire than n is told to lack the rest.
func (v view) limit(n int) view {
	if n <= len(v.b) {
		return view{v.b[:n], 0}
	}
	return view{v.b, n - len(v.b)}
}

// within is limit, but does not believe in more bytes than were on the wire.
func (v view) within(n int) view { return v.limit(min(n, v.wire())) }

// wire is the number of bytes on the wire.
func (v view) wire() int { return len(v.b) + v.absent }

func (d *Decoder) enter(k kind, value uint32) {
	if d.hops < len(d.chain) {
		d.chain[d.hops] = hop{kind: k, value: value}
		d.hops++
	}
}

// spend takes one layer from the budget.
func (d *Decoder) spend() bool {
	d.budget--
	return d.budget >= 0
}

// frame decodes from the link layer on.
func (d *Decoder) frame(t capture.LinkType, v view, ip *IP) Status {
	if !d.spend() {
		return Malformed
	}
	switch t {
	case typeEthernet:
		return d.ethernet(v, ip)
	case typeSLL:
		return d.sll(v, ip)
	case typeSLL2:
		return d.sll2(v, ip)
	case typeRaw, typeRawBSD, typeRawOpenBSD, typeIPv4, typeIPv6:
		return d.version(v, ip)
	case typeNull, typeLoop:
		return d.loopback(v, ip)
	case typePPP, typePPPHDLC, typePPPEther:
		return d.pppLink(t, v, ip)
	case typePPPDirection:
		if len(v.b) < 1 {
			return TooShort
		}
		ip.Outgoing = v.b[0] != 0
		return d.ppp(v.from(1), ip)
	case typeCiscoHDLC:
		// Address, control, Ethernet type.
		if len(v.b) < 4 {
			return TooShort
		}
		return d.etherType(binary.BigEndian.Uint16(v.b[2:]), v.from(4), ip)
	case type80211:
		return d.wlan(v, false, ip)
	case typeRadiotap:
		return d.radiotap(v, ip)
	case typePKTAP, typePKTAPUser:
		return d.pktap(v, ip)
	case typeNFLOG:
		return d.nflog(v, ip)
	case typeENC:
		if len(v.b) < encHeaderLen {
			return TooShort
		}
		return d.version(v.from(encHeaderLen), ip)
	}
	return Unsupported
}

// version decodes an IP packet without anything that says which version it is.
func (d *Decoder) version(v view, ip *IP) Status {
	if len(v.b) == 0 {
		return TooShort
	}
	return d.etherType(etherTypeOfVersion(v.b[0]), v, ip)
}

// ethernet decodes from the destination address on.
func (d *Decoder) ethernet(v view, ip *IP) Status {
	if len(v.b) < ethernetHeaderLen {
		return TooShort
	}
	return d.etherTypeOrLength(binary.BigEndian.Uint16(v.b[12:]), v.from(ethernetHeaderLen), ip)
}

// etherTypeOrLength decodes what follows an Ethernet type or an 802.3 length.
func (d *Decoder) etherTypeOrLength(t uint16, v view, ip *IP) Status {
	if t < minEtherType {
		return d.llc(v.within(int(t)), ip)
	}
	return d.etherType(t, v, ip)
}

// etherType decodes what an Ethernet type announces.
func (d *Decoder) etherType(t uint16, v view, ip *IP) Status {
	if !d.spend() {
		return Malformed
	}
	switch t {
	case etherTypeIPv4:
		return d.ipv4(v, ip)
	case etherTypeIPv6:
		return d.ipv6(v, ip)
	case etherTypeVLAN, etherTypeServiceTg, etherTypeQinQOld, etherTypeQinQOld2:
		return d.vlanTag(v, ip)
	case etherTypeMPLS, etherTypeMPLSMulti:
		return d.mpls(v, ip)
	case etherTypePPPoE:
		return d.pppoe(v, ip)
	case etherTypePPP:
		return d.ppp(v, ip)
	case etherTypeBridge:
		return d.ethernet(v, ip)
	case etherTypePBB:
		if len(v.b) < 4 {
			return TooShort
		}
		return d.ethernet(v.from(4), ip)
	}
	return NotIP
}

// vlanTag decodes from the tag control information on. IEEE 802.1Q, table 9-2:
// identifier 0 "indicates that the tag header contains only priority
// information", so it tells nothing apart.
func (d *Decoder) vlanTag(v view, ip *IP) Status {
	if len(v.b) < 4 {
		return TooShort
	}
	if id := binary.BigEndian.Uint16(v.b) & 0x0fff; id != 0 {
		d.enter(kindVLAN, uint32(id))
	}
	return d.etherTypeOrLength(binary.BigEndian.Uint16(v.b[2:]), v.from(4), ip)
}

// llc decodes an 802.2 header; only SNAP carries IP nowadays.
func (d *Decoder) llc(v view, ip *IP) Status {
	if v.wire() < 3 {
		return NotIP
	}
	if len(v.b) < 3 {
		return TooShort
	}
	if v.b[0] == 0x06 && v.b[1] == 0x06 && v.b[2] == 0x03 { // IP's own service access point
		return d.etherType(etherTypeIPv4, v.from(3), ip)
	}
	if v.b[0] != 0xaa || v.b[1] != 0xaa || v.b[2] != 0x03 {
		return NotIP
	}
	if len(v.b) < 8 {
		return TooShort
	}
	// RFC 1042 encapsulation has the organisation code 0, that of bridges
	// (802.1H) 0x0000f8.
	if v.b[3] != 0 || v.b[4] != 0 || (v.b[5] != 0 && v.b[5] != 0xf8) {
		return NotIP
	}
	return d.etherType(binary.BigEndian.Uint16(v.b[6:]), v.from(8), ip)
}

// mpls decodes a stack of labels. Nothing says what is below it: RFC 4928,
// section 3: the first nibble tells IP from a pseudo-wire's control word.
func (d *Decoder) mpls(v view, ip *IP) Status {
	for bottom := false; !bottom; v = v.from(4) {
		if len(v.b) < 4 {
			return TooShort
		}
		if !d.spend() {
			return Malformed
		}
		entry := binary.BigEndian.Uint32(v.b)
		bottom = entry&0x100 != 0
		if label := entry >> 12; label > 15 { // RFC 3032, section 2.1: 0 to 15 are reserved
			d.enter(kindMPLS, label)
		}
	}
	if len(v.b) == 0 {
		return TooShort
	}
	if t := etherTypeOfVersion(v.b[0]); t != 0 && lengthFits(v) {
		if s, ok := d.try(func() Status { return d.etherType(t, v, ip) }, ip); ok {
			return s
		}
	}
	if v.b[0]>>4 == 0 && len(v.b) >= 4 {
		if s, ok := d.try(func() Status { return d.ethernet(v.from(4), ip) }, ip); ok {
			return s
		}
	}
	if s, ok := d.try(func() Status { return d.ethernet(v, ip) }, ip); ok {
		return s
	}
	return NotIP
}

// lengthFits tells whether the length that an IP header announces is there.
func lengthFits(v view) bool {
	if len(v.b) < ipv4HeaderLen {
		return true
	}
	length := int(binary.BigEndian.Uint16(v.b[2:]))
	if v.b[0]>>4 == 6 {
		length = ipv6HeaderLen + int(binary.BigEndian.Uint16(v.b[4:]))
	}
	return length <= v.wire()
}

// try runs a decoding that is a guess. Unless it finds an IP packet,
// everything is as before.
func (d *Decoder) try(decode func() Status, ip *IP) (Status, bool) {
	saved, hops := *ip, d.hops
	s := decode()
	if s == Decoded || s == Incomplete {
		return s, true
	}
	*ip, d.hops = saved, hops
	return s, false
}
