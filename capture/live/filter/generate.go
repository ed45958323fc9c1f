package filter

import (
	"fmt"
	"math/bits"

	"golang.org/x/net/bpf"

	"github.com/wsleuth/wsleuth/capture"
)

// snapLen is how many bytes of a packet programs ask for; capture files with
// longer packets are taken for corrupt.
const snapLen = 256 << 10

// Scratch memory: what the code for the link and network layers leaves for the
// tests. They are those of header; the addresses and the transport header are
// offsets in the packet. All are written before any is read, for the kernel
// checks that.
const (
	memKind = iota
	memSource
	memDestination
	memProtocol
	memTransport
	memPorts
	memCount
)

// generator writes a program: headers into scratch memory, then the tests.
type generator struct {
	assembler
	expr *Expr
	// Where IP headers are read, with their offset in X, and where tests begin.
	ipv4, ipv6, arp, tests label
	accept, reject         label
}

// compile makes the program for one link type.
func (e *Expr) compile(link capture.LinkType) ([]bpf.RawInstruction, error) {
	if !Supports(link) {
		return nil, fmt.Errorf("packets of link type %s cannot be filtered; leave the filter out", link)
	}
	g := newGenerator(e)
	if e.root != nil {
		g.clear()
		g.link(link)
		g.network()
	}
	return g.finish()
}

func newGenerator(e *Expr) *generator {
	g := &generator{expr: e}
	for _, l := range []*label{&g.ipv4, &g.ipv6, &g.arp, &g.tests, &g.accept, &g.reject} {
		*l = g.label()
	}
	return g
}

func (g *generator) clear() {
	g.add(bpf.LoadConstant{Dst: bpf.RegA})
	for m := range memCount {
		g.store(m)
	}
}

func (g *generator) store(m int) { g.add(bpf.StoreScratch{Src: bpf.RegA, N: m}) }
func (g *generator) load(m int)  { g.add(bpf.LoadScratch{Dst: bpf.RegA, N: m}) }

func (g *generator) set(m int, v uint8) {
	g.add(bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(v)})
	g.store(m)
}

// setX stores X+n.
func (g *generator) setX(m int, n uint32) {
	g.add(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: n})
	g.store(m)
}

// need goes on only if there are n bytes from X on, else with the tests. X is
// not beyond the end of the packet.
func (g *generator) need(n uint32) {
	enough := g.label()
	g.add(bpf.LoadExtension{Num: bpf.ExtLen}, bpf.ALUOpX{Op: bpf.ALUOpSub})
	g.test(bpf.JumpGreaterOrEqual, n, enough, g.tests)
	g.place(enough)
}

func (g *generator) loadX(v uint32) { g.add(bpf.LoadConstant{Dst: bpf.RegX, Val: v}) }

// link reads a link-layer header and goes to ipv4, ipv6, arp or tests.
func (g *generator) link(link capture.LinkType) {
	g.loadX(0)
	switch {
	case link == capture.LinkEthernet:
		g.ethernet()
	case isRaw(link):
		g.need(1)
		g.add(bpf.LoadAbsolute{Off: 0, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4})
		more := g.label()
		g.test(bpf.JumpEqual, 4, g.ipv4, more)
		g.place(more)
		g.test(bpf.JumpEqual, 6, g.ipv6, g.tests)
	default:
		g.null()
	}
}

func (g *generator) ethernet() {
	g.need(ethernetLen)
	ethertype := g.label()
	for n := range uint32(maxVLANTags + 1) {
		at := ethernetLen + n*vlanLen
		g.loadX(at)
		g.add(bpf.LoadAbsolute{Off: at - 2, Size: 2})
		if n == maxVLANTags {
			break
		}
		tagged := g.label()
		g.oneOf(etherVLAN, tagged, ethertype)
		g.place(tagged)
		g.need(vlanLen)
	}
	g.place(ethertype)
	more, last := g.label(), g.label()
	g.test(bpf.JumpEqual, etherIPv4, g.ipv4, more)
	g.place(more)
	g.test(bpf.JumpEqual, etherIPv6, g.ipv6, last)
	g.place(last)
	g.oneOf([]uint32{etherARP, etherRARP}, g.arp, g.tests)
}

func (g *generator) null() {
	g.need(nullLen)
	g.loadX(nullLen)
	g.add(bpf.LoadAbsolute{Off: 0, Size: 4})
	more := g.label()
	g.oneOf(eitherOrder(nullIPv4), g.ipv4, more)
	g.place(more)
	g.oneOf(eitherOrder(nullIPv6), g.ipv6, g.tests)
}

func eitherOrder(list []uint32) []uint32 {
	var all []uint32
	for _, v := range list {
		all = append(all, v, bits.ReverseBytes32(v))
	}
	return all
}

// network reads the header at X into scratch memory.
func (g *generator) network() {
	ports, later := g.label(), g.label()
	g.place(g.arp)
	g.need(arpLen)
	g.setX(memSource, 14)
	g.setX(memDestination, 24)
	g.set(memKind, kindARP)
	g.jump(g.tests)
	g.place(g.ipv4)
	g.networkIPv4(ports, later)
	g.place(g.ipv6)
	g.networkIPv6(ports, later)
	g.place(later)
	if g.expr.later {
		g.set(memPorts, portsUnknown)
	}
	g.jump(g.tests)
	// The offset of the transport header is in A.
	g.place(ports)
	g.store(memTransport)
	g.add(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 4}, bpf.TAX{}, bpf.LoadExtension{Num: bpf.ExtLen})
	there := g.label()
	g.testX(bpf.JumpGreaterOrEqual, there, g.tests)
	g.place(there)
	g.set(memPorts, portsThere)
	g.place(g.tests)
}

func (g *generator) networkIPv4(ports, later label) {
	g.need(ipv4Len)
	g.setX(memSource, 12)
	g.setX(memDestination, 16)
	g.set(memKind, kindIPv4)
	g.add(bpf.LoadIndirect{Off: 9, Size: 1})
	g.store(memProtocol)
	g.add(bpf.LoadIndirect{Off: 6, Size: 2})
	first := g.label()
	g.test(bpf.JumpBitsSet, offsetInIPv4, later, first)
	g.place(first)
	g.add(bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 15},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd})
	g.jump(ports)
}

func (g *generator) networkIPv6(ports, later label) {
	g.need(ipv6Len)
	g.setX(memSource, 8)
	g.setX(memDestination, 24)
	g.set(memKind, kindIPv6)
	g.add(bpf.LoadIndirect{Off: 6, Size: 1})
	g.store(memProtocol)
	fragment, whole := g.label(), g.label()
	g.test(bpf.JumpEqual, protocolFragment, fragment, whole)
	g.place(whole)
	g.add(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: ipv6Len})
	g.jump(ports)
	g.place(fragment)
	g.need(ipv6Len + ipv6FragLen)
	g.add(bpf.LoadIndirect{Off: ipv6Len, Size: 1})
	g.store(memProtocol)
	if !g.expr.later {
		g.jump(g.tests)
		return
	}
	g.add(bpf.LoadIndirect{Off: ipv6Len + 2, Size: 2})
	first := g.label()
	g.test(bpf.JumpBitsSet, offsetInFrag6, later, first)
	g.place(first)
	g.add(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: ipv6Len + ipv6FragLen})
	g.jump(ports)
}

// finish adds the tests and assembles the program.
func (g *generator) finish() ([]bpf.RawInstruction, error) {
	if g.expr.root != nil {
		no := g.reject
		if g.expr.quotes {
			no = g.label()
		}
		g.node(g.expr.root, g.accept, no)
		if g.expr.quotes {
			g.place(no)
			g.icmp()
		}
	}
	g.place(g.accept)
	g.add(bpf.RetConstant{Val: snapLen})
	g.place(g.reject)
	g.add(bpf.RetConstant{Val: 0})
	return g.assemble()
}

// icmp accepts ICMP errors.
func (g *generator) icmp() {
	g.load(memPorts)
	there, v4, v6, more := g.label(), g.label(), g.label(), g.label()
	g.test(bpf.JumpEqual, uint32(portsThere), there, g.reject)
	g.place(there)
	g.load(memKind)
	g.test(bpf.JumpEqual, uint32(kindIPv4), v4, more)
	g.place(more)
	g.test(bpf.JumpEqual, uint32(kindIPv6), v6, g.reject)
	g.place(v4)
	g.icmpTypes(protocolICMP, icmpErrors)
	g.place(v6)
	g.icmpTypes(protocolICMPv6, icmpv6Errors)
}

func (g *generator) icmpTypes(protocol uint32, types []uint32) {
	g.load(memProtocol)
	is := g.label()
	g.test(bpf.JumpEqual, protocol, is, g.reject)
	g.place(is)
	g.add(bpf.LoadScratch{Dst: bpf.RegX, N: memTransport}, bpf.LoadIndirect{Off: 0, Size: 1})
	g.oneOf(types, g.accept, g.reject)
}
