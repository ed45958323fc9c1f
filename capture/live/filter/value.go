package filter

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// maxAddresses bounds what one name may resolve to.
const maxAddresses = 32

func (p *parser) value(q qualifiers) (*node, error) {
	t := p.take()
	if t.kind == tokenWord && (isKeyword(t.text) || unsupported[t.text]) {
		return nil, p.fail(t, "expected "+q.wants())
	}
	if lower := strings.ToLower(t.text); t.kind == tokenWord && lower != t.text && isSign(lower) {
		return nil, p.fail(t, stray(t))
	}
	switch q.kind {
	case "port":
		return p.port(t, q)
	case "portrange":
		return p.portRange(t, q)
	case "net":
		return p.network(t, q)
	}
	return p.host(t, q)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 0, 64)
	return err == nil
}

// number reads a port as decimal or as 0x….
func (p *parser) number(t token, s string) (uint16, error) {
	digits, base := s, 10
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		digits, base = hex, 16
	}
	switch v, err := strconv.ParseUint(digits, base, 16); {
	case errors.Is(err, strconv.ErrRange):
		return 0, p.fail(t, "ports end at 65535")
	case err != nil:
		return 0, p.fail(t, "expected a port from 0 to 65535")
	case base == 10 && len(s) > 1 && s[0] == '0':
		return 0, p.fail(t, "write the port without the 0 in front")
	default:
		return uint16(v), nil
	}
}

func (p *parser) port(t token, q qualifiers) (*node, error) {
	if t.text[0] >= '0' && t.text[0] <= '9' {
		if low, high, ok := strings.Cut(t.text, "-"); ok && isNumber(low) && isNumber(high) {
			return nil, p.fail(t, "a port is one number; write portrange "+t.text)
		}
		port, err := p.number(t, t.text)
		return portLeaf(q, port, port), err
	}
	networks := []string{"tcp", "udp"}
	if q.proto != "" {
		networks = []string{q.proto}
	}
	var err error
	for _, network := range networks {
		var port int
		if port, err = p.resolver.LookupPort(p.ctx, network, t.text); err == nil {
			return portLeaf(q, uint16(port), uint16(port)), nil
		}
	}
	return nil, p.unresolved(t, "no service has this name; write the port's number", err)
}

func (p *parser) portRange(t token, q qualifiers) (*node, error) {
	first, last, ok := strings.Cut(t.text, "-")
	if !ok {
		last = first
	}
	low, err := p.number(t, first)
	if err != nil {
		return nil, err
	}
	high, err := p.number(t, last)
	return portLeaf(q, min(low, high), max(low, high)), err
}

// portLeaf: without a protocol a port is one of TCP, UDP or, as in pcap, SCTP.
func portLeaf(q qualifiers, low, high uint16) *node {
	return &node{op: opLeaf, leaf: leaf{kind: leafPort, number: protocols[q.proto].number, dir: q.dir, low: low, high: high}}
}

func (p *parser) host(t token, q qualifiers) (*node, error) {
	addr, err := netip.ParseAddr(t.text)
	switch {
	case err == nil && addr.Zone() == "":
		return p.address(t, q, netip.PrefixFrom(addr, addr.BitLen()))
	case strings.Contains(t.text, "/"):
		return nil, p.fail(t, "a host is one address; write net "+t.text)
	case strings.Trim(t.text, "0123456789.") == "":
		return nil, p.fail(t, "not a whole address; write net "+t.text+" for a part of one")
	case strings.ContainsAny(t.text, ":_"):
		if strings.Contains(t.text, ":") {
			return nil, p.fail(t, "not an address")
		}
	}
	return p.named(t, q)
}

// named resolves a host's name to all its addresses.
func (p *parser) named(t token, q qualifiers) (*node, error) {
	network := map[string]string{"": "ip", "ip": "ip4", "ip6": "ip6"}[q.proto]
	addrs, err := p.resolver.LookupNetIP(p.ctx, network, t.text)
	switch {
	case p.ctx.Err() != nil:
		return nil, p.ctx.Err()
	case err != nil || len(addrs) == 0:
		return nil, p.unresolved(t, "this name has no address; write host and the address", err)
	case len(addrs) > maxAddresses:
		return nil, p.fail(t, "this name has "+strconv.Itoa(len(addrs))+" addresses; write the one that is meant")
	}
	any := &node{op: opOr}
	for _, a := range addrs {
		a = a.Unmap().WithZone("")
		var n *node
		if n, err = p.address(t, q, netip.PrefixFrom(a, a.BitLen())); err == nil {
			any.kids = append(any.kids, n)
		}
	}
	if len(any.kids) == 0 {
		return nil, err
	}
	return any, nil
}

func (p *parser) unresolved(t token, text string, err error) error {
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if err != nil {
		text += " (" + err.Error() + ")"
	}
	return &Error{Expr: p.expr, Offset: t.offset, Length: t.length, Text: text, Err: err}
}

func (p *parser) network(t token, q qualifiers) (*node, error) {
	text, length, hasLength := strings.Cut(t.text, "/")
	if mask, ok := p.mask(); ok {
		return p.masked(t, mask, q)
	}
	if strings.Contains(text, ":") {
		prefix, err := netip.ParsePrefix(t.text)
		if addr, e := netip.ParseAddr(text); !hasLength && e == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil || prefix.Addr().Zone() != "" {
			return nil, p.fail(t, "expected "+q.wants())
		}
		if prefix.Masked() != prefix {
			return nil, p.fail(t, "bits behind the prefix are set; write net "+prefix.Masked().String())
		}
		return p.address(t, q, prefix)
	}
	addr, bits, ok := partial(text)
	if !ok {
		return nil, p.fail(t, "expected "+q.wants())
	}
	if hasLength {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || n > 32 {
			return nil, p.fail(t, "a prefix of IPv4 has 0 to 32 bits")
		}
		bits = int(n)
	}
	prefix := netip.PrefixFrom(addr, bits)
	if prefix.Masked() != prefix {
		return nil, p.fail(t, "bits behind the prefix are set; write net "+prefix.Masked().String())
	}
	return p.address(t, q, prefix)
}

// partial reads "10", "10.1" and so on: "a network number can be written as a
// dotted quad, dotted triple, dotted pair, or single number; the netmask is
// 255.255.255.255 for a dotted quad […], 255.0.0.0 for a single number"
// (pcap-filter(7)).
func partial(s string) (netip.Addr, int, bool) {
	var b [4]byte
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, 0, false
	}
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 1 && part[0] == '0' {
			return netip.Addr{}, 0, false
		}
		b[i] = byte(v)
	}
	return netip.AddrFrom4(b), 8 * len(parts), true
}

// mask takes "mask M" behind a network.
func (p *parser) mask() (token, bool) {
	if _, ok := p.word("mask", "netmask"); !ok {
		return token{}, false
	}
	return p.take(), true
}

// masked is "net N mask M", where M need not be a prefix.
func (p *parser) masked(t, m token, q qualifiers) (*node, error) {
	addr, _, ok := partial(t.text)
	mask, _, maskOK := partial(m.text)
	if !maskOK {
		return nil, p.fail(m, "expected a mask: 255.255.0.0")
	}
	if !ok {
		return nil, p.fail(t, "a mask goes with an IPv4 network: net 10.0.0.0 mask 255.0.0.0")
	}
	a, b := addr.As4(), mask.As4()
	want, bits := binary.BigEndian.Uint32(a[:]), binary.BigEndian.Uint32(b[:])
	if want&^bits != 0 {
		return nil, p.fail(t, "bits outside of the mask are set")
	}
	n, err := p.address(t, q, netip.PrefixFrom(addr, 32))
	if err == nil {
		n.leaf.mask[0] = bits
	}
	return n, err
}

// address makes the leaf of a host or network.
func (p *parser) address(t token, q qualifiers, prefix netip.Prefix) (*node, error) {
	l := leaf{kind: leafAddress, family: kindIPv4, dir: q.dir, arp: q.proto == ""}
	b := prefix.Addr().AsSlice()
	if len(b) == 16 {
		l.family, l.arp = kindIPv6, false
	}
	if family := protocols[q.proto].family; family != 0 && family != l.family {
		return nil, p.fail(t, "not an address of "+q.proto)
	}
	for i := range len(b) / 4 {
		l.want[i] = binary.BigEndian.Uint32(b[4*i:])
		if bits := min(max(prefix.Bits()-32*i, 0), 32); bits > 0 {
			l.mask[i] = ^uint32(0) << (32 - bits)
		}
	}
	return &node{op: opLeaf, leaf: l}, nil
}
