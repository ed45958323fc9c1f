// Package filter compiles the part of the pcap filter language that is useful
// for TCP connections to classic BPF programs, for the kernel, and applies the
// same filter to packets in user space.
//
// Most callers need only [Parse] and, for each link type, [Expr.Filter]; or
// [Compile], which does both. On Linux [Expr.Linux] gives one program for
// interfaces of several link types.
//
// The language: host, net (with a mask), port and portrange, each after src,
// dst, "src or dst" or "src and dst"; ip, ip6, tcp, udp, icmp and icmp6, alone
// or in front of those; and, or, not, their signs && || !, and parentheses. As
// in pcap, "and" and "or" bind equally and from the left, and a value alone
// repeats the qualifiers of the value before it: "tcp port 80 or 443". Whatever
// else there is in pcap's language is an *[Error] that points at the word.
//
// What differs from pcap, unless [Options.Exact] is set: later fragments pass
// wherever their missing ports could match, the ports behind an IPv6 fragment
// header are read, and ICMP errors that quote a matching packet pass, if the
// expression does not itself speak of icmp or icmp6. The program in the kernel
// lets every ICMP error pass; [Filter.Match] looks at what it quotes. And
// always: up to two VLAN tags are looked through, and a packet that is cut
// within its IP header is no IP packet, while pcap rejects the packet whatever
// the expression is.
package filter

import (
	"context"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/wsleuth/wsleuth/capture"
)

// Resolver looks up the names in an expression; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupPort(ctx context.Context, network, service string) (int, error)
}

// Options for Parse and Compile.
type Options struct {
	// Resolver is asked for names of hosts and ports; net.DefaultResolver if
	// it is nil.
	Resolver Resolver
	// Exact gives what pcap gives: neither ICMP errors nor later fragments
	// beside what the expression says.
	Exact bool
}

// Expr is a parsed expression, its names resolved. It does not change and may
// be used by several goroutines.
type Expr struct {
	root *node // in negation normal form; nil matches everything
	// later: later fragments pass where their ports could match, and ports
	// behind a fragment header are read.
	later bool
	// quotes: ICMP errors pass by the packet they quote.
	quotes bool
}

// Parse reads an expression and resolves its names. An empty one matches every
// packet. The error is an *Error, or that of ctx.
func Parse(ctx context.Context, expr string, o Options) (*Expr, error) {
	p, err := newParser(ctx, expr, o)
	if err != nil {
		return nil, err
	}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	e := &Expr{later: !o.Exact}
	if root != nil {
		e.root = root.normal(false)
		e.quotes = !o.Exact && !p.namesICMP
	}
	return e, nil
}

// Filter is an expression for packets of one link type.
type Filter struct {
	expr *Expr
	link capture.LinkType
	raw  []bpf.RawInstruction
}

// Compile parses an expression for one link type: Ethernet, raw IP, null or
// loop. The error is an *Error, or that of ctx.
func Compile(ctx context.Context, expr string, link capture.LinkType, o Options) (*Filter, error) {
	e, err := Parse(ctx, expr, o)
	if err != nil {
		return nil, err
	}
	return e.Filter(link)
}

// Filter compiles the expression for a link type. The error says that the link
// type is not supported, or that the program is longer than kernels take.
func (e *Expr) Filter(link capture.LinkType) (*Filter, error) {
	raw, err := e.compile(link)
	if err != nil {
		return nil, err
	}
	return &Filter{expr: e, link: link, raw: raw}, nil
}

// Raw is the program to attach. It belongs to the filter.
func (f *Filter) Raw() []bpf.RawInstruction { return f.raw }

// Match tells whether a packet, as captured, passes. It allocates nothing.
// What the program of Raw rejects does not match.
func (f *Filter) Match(data []byte) bool { return f.expr.Match(f.link, data) }

// Match is Filter.Match for a packet of any link type that Filter takes; it
// is true for packets of others.
func (e *Expr) Match(link capture.LinkType, data []byte) bool {
	if e.root == nil || !Supports(link) {
		return true
	}
	h := readLink(link, data, e.later)
	if e.root.matches(&h) {
		return true
	}
	if !e.quotes || !h.icmpError() {
		return false
	}
	quoted := readIP(h.transport[min(8, len(h.transport)):], true)
	return quoted.kind != kindOther && e.root.matches(&quoted)
}

// Supports tells whether packets of a link type can be filtered.
func Supports(link capture.LinkType) bool {
	switch link {
	case capture.LinkEthernet, capture.LinkNull, capture.LinkLoop:
		return true
	}
	return isRaw(link)
}

func isRaw(link capture.LinkType) bool {
	switch link {
	case capture.LinkRaw, capture.LinkRawBSD, capture.LinkRawOpenBSD, capture.LinkIPv4, capture.LinkIPv6:
		return true
	}
	return false
}
