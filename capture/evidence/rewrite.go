package evidence

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"regexp"
	"strings"

	"github.com/wsleuth/wsleuth/capture"
)

// Rewrite maps the addresses of a packet in place: hardware and IP addresses,
// those that an ICMP error quotes, and in TCP payload names and the addresses
// written as text, by others of the same length. Checksums change with them.
// It answers false for a packet whose layers it does not know all; such a
// packet must not be written. What follows a UDP header is cut off, for DNS
// answers are full of names.
func (a *Anonymizer) Rewrite(p *capture.Packet, names []string) bool {
	at, family := a.link(p)
	if at < 0 {
		return false
	}
	return a.network(p, at, family, names, false)
}

// Raw gives the packet that begins with the IP header of a transport payload
// within p, as one of link type raw: what is left of a tunnelled packet without
// its tunnel.
func Raw(p *capture.Packet, payload int, src, dst netip.Addr) bool {
	needle := append(src.AsSlice(), dst.AsSlice()...)
	back := 12
	if src.Is6() {
		back = 8
	}
	for at := payload - back - len(needle); at >= 0 && payload-at <= 1024; at-- {
		if string(p.Data[at+back:at+back+len(needle)]) == string(needle) {
			p.Length = max(p.Length-at, len(p.Data)-at)
			p.Data, p.LinkType = p.Data[at:], capture.LinkRaw
			return true
		}
	}
	return false
}

// Whole makes p the one packet whose fragments were put together, of link type
// raw, and gives the place of its payload. Its ID and TTL are lost.
func Whole(p *capture.Packet, src, dst netip.Addr, protocol uint8, payload []byte) int {
	var b []byte
	if src.Is4() && dst.Is4() {
		b = append(make([]byte, 12, 20+len(payload)), src.AsSlice()...)
		b = append(b, dst.AsSlice()...)
		b[0], b[8], b[9] = 0x45, 64, protocol
		binary.BigEndian.PutUint16(b[2:], uint16(min(20+len(payload), 1<<16-1)))
		c := checksum{}
		c.replace(make([]byte, 20), b, 0)
		binary.BigEndian.PutUint16(b[10:], 0xffff)
		c.apply(b[10:12])
	} else {
		b = append(make([]byte, 8, 40+len(payload)), src.AsSlice()...)
		b = append(b, dst.AsSlice()...)
		b[0], b[6], b[7] = 0x60, protocol, 64
		binary.BigEndian.PutUint16(b[4:], uint16(min(len(payload), 1<<16-1)))
	}
	at := len(b)
	p.Data, p.LinkType = append(b, payload...), capture.LinkRaw
	p.Length = len(p.Data)
	return at
}

// Rewrites tells whether Rewrite knows a link type; Raw helps with others.
func Rewrites(t capture.LinkType) bool {
	switch t {
	case capture.LinkEthernet, capture.LinkSLL, capture.LinkSLL2, capture.LinkNull, capture.LinkLoop,
		capture.LinkRaw, capture.LinkRawBSD, capture.LinkIPv4, capture.LinkIPv6:
		return true
	}
	return false
}

const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// link maps hardware addresses and gives the place and type of what follows; -1 if unknown.
func (a *Anonymizer) link(p *capture.Packet) (int, uint16) {
	b := p.Data
	ether := func(i int) uint16 {
		if i+2 > len(b) {
			return 0
		}
		return binary.BigEndian.Uint16(b[i:])
	}
	switch p.LinkType {
	case capture.LinkEthernet:
		if len(b) < 14 {
			return -1, 0
		}
		a.mac(b[0:6])
		a.mac(b[6:12])
		at := 14
		for kind := ether(12); kind == 0x8100 || kind == 0x88a8 || kind == 0x9100; kind = ether(at - 2) {
			if at += 4; at > len(b) {
				return -1, 0
			}
		}
		return at, ether(at - 2)
	case capture.LinkSLL:
		if len(b) < 16 {
			return -1, 0
		}
		a.mac(b[6:12])
		return 16, ether(14)
	case capture.LinkSLL2:
		if len(b) < 20 {
			return -1, 0
		}
		a.mac(b[12:18])
		return 20, ether(0)
	case capture.LinkNull, capture.LinkLoop:
		return 4, versioned(b, 4)
	case capture.LinkRaw, capture.LinkRawBSD, capture.LinkIPv4, capture.LinkIPv6:
		return 0, versioned(b, 0)
	}
	return -1, 0
}

func versioned(b []byte, at int) uint16 {
	if at < len(b) {
		switch b[at] >> 4 {
		case 4:
			return etherIPv4
		case 6:
			return etherIPv6
		}
	}
	return 0
}

// network maps the addresses of an IP header and goes on with what it carries.
// A quoted header may be cut anywhere behind its addresses.
func (a *Anonymizer) network(p *capture.Packet, at int, family uint16, names []string, quoted bool) bool {
	b := p.Data
	var protocol byte
	var next, addresses, length int
	switch {
	case family == etherIPv4 && at+20 <= len(b) && b[at]>>4 == 4:
		addresses, length, protocol, next = at+12, 4, b[at+9], at+int(b[at]&15)*4
		if binary.BigEndian.Uint16(b[at+6:])&0x3fff != 0 && !quoted {
			return false // a fragment
		}
	case family == etherIPv6 && at+40 <= len(b) && b[at]>>4 == 6:
		addresses, length, protocol, next = at+8, 16, b[at+6], at+40
		for protocol == 0 || protocol == 43 || protocol == 60 { // hop-by-hop, routing, destination options
			if next+8 > len(b) || protocol == 43 {
				return false
			}
			protocol, next = b[next], next+8+int(b[next+1])*8
		}
	default:
		return false
	}
	if next > len(b) {
		return quoted
	}
	var change checksum
	for i := range 2 {
		field := b[addresses+i*length : addresses+(i+1)*length]
		addr, _ := netip.AddrFromSlice(field)
		mapped := a.Addr(addr).AsSlice()
		if len(mapped) != length { // IPv4 within IPv6
			four := a.Addr(addr).As4()
			mapped = append(append([]byte{}, field[:12]...), four[:]...)
		}
		change.replace(field, mapped, 0)
		copy(field, mapped)
	}
	if family == etherIPv4 {
		change.apply(b[at+10 : at+12])
	}
	return a.transport(p, next, protocol, change, names, quoted)
}

func (a *Anonymizer) transport(p *capture.Packet, at int, protocol byte, change checksum, names []string, quoted bool) bool {
	b := p.Data[at:]
	switch protocol {
	case 6:
		if quoted {
			if len(b) >= 18 {
				change.apply(b[16:18])
			}
			p.Data = p.Data[:min(len(p.Data), at+20)]
			return true
		}
		if len(b) < 20 {
			return true
		}
		if header := int(b[12]>>4) * 4; header >= 20 && header < len(b) {
			a.text(b[header:], header, &change, names)
		}
		change.apply(b[16:18])
		return true
	case 17:
		p.Data = p.Data[:min(len(p.Data), at+8)]
		return true
	case 1, 58:
		if len(b) < 8 {
			return true
		}
		if quoted || protocol == 1 && b[0] != 3 && b[0] != 11 && b[0] != 4 || protocol == 58 && b[0] >= 128 {
			p.Data = p.Data[:at+8] // no error: nothing of it is needed
			return true
		}
		// Its checksum is left: it would cover what is cut off.
		return a.network(p, at+8, versioned(p.Data, at+8), names, true)
	}
	return false
}

// lower is b with A to Z in lower case, and as long.
func lower(b []byte) string {
	low := bytes.Clone(b)
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return string(low)
}

var dottedQuad = regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}`)

// text replaces names and IPv4 addresses in a payload by others of the same length.
func (a *Anonymizer) text(b []byte, offset int, change *checksum, names []string) {
	a.binary(b, offset, change)
	low := lower(b)
	put := func(at int, text string) {
		change.replace(b[at:at+len(text)], []byte(text), offset+at)
		copy(b[at:], text)
	}
	for _, name := range names {
		for from := 0; ; {
			i := strings.Index(low[from:], name)
			if i < 0 {
				break
			}
			put(from+i, a.Name(name))
			from += i + len(name)
		}
	}
	for _, m := range dottedQuad.FindAllStringIndex(low, -1) {
		if addr, err := netip.ParseAddr(low[m[0]:m[1]]); err == nil {
			put(m[0], a.sameLength(low[m[0]:m[1]], addr))
		}
	}
}

// proxySignature begins a PROXY protocol header of version 2.
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// binary maps the addresses in PROXY protocol headers and in requests and
// replies of SOCKS, each of which begins a segment.
func (a *Anonymizer) binary(b []byte, offset int, change *checksum) {
	replace := func(at, length int) {
		if at+length > len(b) {
			return
		}
		addr, _ := netip.AddrFromSlice(b[at : at+length])
		mapped := a.Addr(addr).AsSlice()
		if len(mapped) == length {
			change.replace(b[at:at+length], mapped, offset+at)
			copy(b[at:], mapped)
		}
	}
	switch {
	case len(b) > 16 && string(b[:12]) == proxySignature:
		length := 4
		if b[13]>>4 == 2 {
			length = 16
		}
		replace(16, length)
		replace(16+length, length)
	case len(b) >= 10 && b[0] == 5 && b[2] == 0 && b[3] == 1:
		replace(4, 4)
	case len(b) >= 22 && b[0] == 5 && b[2] == 0 && b[3] == 4:
		replace(4, 16)
	case len(b) >= 8 && (b[0] == 4 && b[1] <= 2 || b[0] == 0 && b[1] >= 90 && b[1] <= 93) && (b[4] != 0 || b[5] != 0 || b[6] != 0):
		replace(4, 4)
	}
}

// sameLength is a dotted quad with as many digits at each place.
func (a *Anonymizer) sameLength(text string, addr netip.Addr) string {
	mapped := a.Addr(addr).As4()
	parts := strings.Split(text, ".")
	for i, part := range parts {
		low, n := 0, 10
		switch len(part) {
		case 2:
			low, n = 10, 90
		case 3:
			low, n = 100, 156
		}
		parts[i] = decimal(low + int(mapped[i])%n)
	}
	return strings.Join(parts, ".")
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// checksum is what changes in an Internet checksum when bytes change (RFC
// 1624): what was right stays right, what offload left wrong stays wrong.
type checksum struct{ sum uint32 }

// replace notes that old becomes new at an offset from where the sum begins.
func (c *checksum) replace(old, new []byte, offset int) {
	for i := range old {
		shift := 8 * (1 - uint32(offset+i)&1)
		c.sum += uint32(^(uint16(old[i]) << shift)) + uint32(new[i])<<shift
		c.sum = c.sum&0xffff + c.sum>>16
	}
}

// apply changes a checksum: HC' = ~(~HC + ~m + m').
func (c *checksum) apply(field []byte) {
	sum := uint32(^binary.BigEndian.Uint16(field)) + c.sum
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(field, ^uint16(sum))
}
