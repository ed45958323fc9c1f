package filter

import "golang.org/x/net/bpf"

// node writes the tests of an expression in normal form.
func (g *generator) node(n *node, yes, no label) {
	if n.op == opLeaf {
		g.leaf(&n.leaf, yes, no)
		return
	}
	for i, k := range n.kids {
		if i == len(n.kids)-1 {
			g.node(k, yes, no)
			return
		}
		more := g.label()
		if n.op == opAnd {
			g.node(k, more, no)
		} else {
			g.node(k, yes, more)
		}
		g.place(more)
	}
}

func (g *generator) leaf(l *leaf, yes, no label) {
	unknown := yes
	if l.not {
		yes, no = no, yes
	}
	switch l.kind {
	case leafProtocol:
		g.protocol(l, yes, no)
	case leafAddress:
		g.address(l, yes, no)
	case leafPort:
		g.port(l, yes, no, unknown)
	}
}

func (g *generator) protocol(l *leaf, yes, no label) {
	g.load(memKind)
	is := yes
	if l.number != 0 {
		is = g.label()
	}
	if l.family != 0 {
		g.test(bpf.JumpEqual, uint32(l.family), is, no)
	} else {
		g.test(bpf.JumpGreaterOrEqual, uint32(kindIPv4), is, no)
	}
	if l.number != 0 {
		g.place(is)
		g.load(memProtocol)
		g.test(bpf.JumpEqual, uint32(l.number), yes, no)
	}
}

// sides writes the test of each end that a direction asks for.
func (g *generator) sides(d direction, src, dst func(yes, no label), yes, no label) {
	more := g.label()
	switch d {
	case source:
		src(yes, no)
	case destination:
		dst(yes, no)
	case both:
		src(more, no)
		g.place(more)
		dst(yes, no)
	default:
		src(yes, more)
		g.place(more)
		dst(yes, no)
	}
}

func (g *generator) address(l *leaf, yes, no label) {
	is := g.label()
	g.load(memKind)
	families := []uint32{uint32(l.family)}
	if l.arp {
		families = append(families, uint32(kindARP))
	}
	g.oneOf(families, is, no)
	g.place(is)
	at := func(m int) func(yes, no label) {
		return func(yes, no label) { g.equal(l, m, yes, no) }
	}
	g.sides(l.dir, at(memSource), at(memDestination), yes, no)
}

// equal compares the words of the address whose offset is in m.
func (g *generator) equal(l *leaf, m int, yes, no label) {
	g.add(bpf.LoadScratch{Dst: bpf.RegX, N: m})
	for i, mask := range l.mask {
		if mask == 0 {
			continue
		}
		g.add(bpf.LoadIndirect{Off: uint32(4 * i), Size: 4})
		if mask != ^uint32(0) {
			g.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
		}
		same := g.label()
		g.test(bpf.JumpEqual, l.want[i], same, no)
		g.place(same)
	}
	g.jump(yes)
}

func (g *generator) port(l *leaf, yes, no, unknown label) {
	ip, is, there, more := g.label(), g.label(), g.label(), g.label()
	g.load(memKind)
	g.test(bpf.JumpGreaterOrEqual, uint32(kindIPv4), ip, no)
	g.place(ip)
	g.load(memProtocol)
	if l.number != 0 {
		g.test(bpf.JumpEqual, uint32(l.number), is, no)
	} else {
		g.oneOf([]uint32{protocolTCP, protocolUDP, protocolSCTP}, is, no)
	}
	g.place(is)
	g.load(memPorts)
	g.test(bpf.JumpEqual, uint32(portsThere), there, more)
	g.place(more)
	g.test(bpf.JumpEqual, uint32(portsUnknown), unknown, no)
	g.place(there)
	g.add(bpf.LoadScratch{Dst: bpf.RegX, N: memTransport})
	at := func(offset uint32) func(yes, no label) {
		return func(yes, no label) {
			g.add(bpf.LoadIndirect{Off: offset, Size: 2})
			g.inRange(l, yes, no)
		}
	}
	g.sides(l.dir, at(0), at(2), yes, no)
}

func (g *generator) inRange(l *leaf, yes, no label) {
	if l.low == l.high {
		g.test(bpf.JumpEqual, uint32(l.low), yes, no)
		return
	}
	high := g.label()
	g.test(bpf.JumpGreaterOrEqual, uint32(l.low), high, no)
	g.place(high)
	g.test(bpf.JumpGreaterThan, uint32(l.high), no, yes)
}
