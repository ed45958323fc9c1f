package filter

import "encoding/binary"

type operator uint8

const (
	opLeaf operator = iota
	opAnd
	opOr
	opNot // only before normal
)

type node struct {
	op   operator
	kids []*node
	leaf leaf
}

type leafKind uint8

const (
	leafProtocol leafKind = iota
	leafAddress
	leafPort
)

// leaf is one test of a packet's header.
type leaf struct {
	kind leafKind
	// not reverses the test.
	not bool
	// family is kindIPv4, kindIPv6 or, for leafProtocol, 0 for both.
	family uint8
	// number is the protocol; 0 for any, or for one that has ports.
	number uint8
	dir    direction
	// arp: ARP packets about the address match, too.
	arp        bool
	want, mask [4]uint32 // address words; IPv4 has one
	low, high  uint16    // ports
}

// normal moves negations down to the leaves, so that what is unknown about a
// packet can count as a match wherever it is.
func (n *node) normal(negate bool) *node {
	switch n.op {
	case opNot:
		return n.kids[0].normal(!negate)
	case opLeaf:
		c := *n
		c.leaf.not = negate
		return &c
	}
	c := &node{op: n.op, kids: make([]*node, len(n.kids))}
	if negate {
		c.op = opAnd + opOr - n.op
	}
	for i, k := range n.kids {
		c.kids[i] = k.normal(negate)
	}
	return c
}

// matches applies an expression in normal form.
func (n *node) matches(h *header) bool {
	switch n.op {
	case opAnd:
		for _, k := range n.kids {
			if !k.matches(h) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range n.kids {
			if k.matches(h) {
				return true
			}
		}
		return false
	}
	return n.leaf.matches(h)
}

func (l *leaf) matches(h *header) bool {
	switch l.kind {
	case leafProtocol:
		return l.ofProtocol(h) != l.not
	case leafAddress:
		return l.ofAddress(h) != l.not
	}
	if !l.hasPorts(h) || h.ports == portsMissing {
		return l.not
	}
	if h.ports == portsUnknown {
		return true
	}
	return l.dir.holds(l.inRange(h.transport), l.inRange(h.transport[2:])) != l.not
}

func (l *leaf) ofProtocol(h *header) bool {
	if h.kind < kindIPv4 || l.family != 0 && l.family != h.kind {
		return false
	}
	return l.number == 0 || l.number == h.protocol
}

func (l *leaf) ofAddress(h *header) bool {
	if h.kind != l.family && (h.kind != kindARP || !l.arp) {
		return false
	}
	return l.dir.holds(l.equal(h.src), l.equal(h.dst))
}

func (l *leaf) equal(addr []byte) bool {
	for i := range len(addr) / 4 {
		if binary.BigEndian.Uint32(addr[4*i:])&l.mask[i] != l.want[i] {
			return false
		}
	}
	return true
}

func (l *leaf) hasPorts(h *header) bool {
	if h.kind < kindIPv4 {
		return false
	}
	if l.number != 0 {
		return h.protocol == l.number
	}
	return h.protocol == protocolTCP || h.protocol == protocolUDP || h.protocol == protocolSCTP
}

func (l *leaf) inRange(b []byte) bool {
	port := binary.BigEndian.Uint16(b)
	return port >= l.low && port <= l.high
}

func (d direction) holds(src, dst bool) bool {
	switch d {
	case source:
		return src
	case destination:
		return dst
	case both:
		return src && dst
	}
	return src || dst
}
