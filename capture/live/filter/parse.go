package filter

import (
	"context"
	"net"
	"strings"
)

// maxDepth bounds parentheses within parentheses.
const maxDepth = 100

// direction says which end of a packet a value is compared with.
type direction int

const (
	either direction = iota
	source
	destination
	both
)

// qualifiers stand in front of a value.
type qualifiers struct {
	proto string // "" or a key of protocols
	dir   direction
	kind  string // host, net, port, portrange; "" is host; see valid
	// valid: there were some, so a value alone may repeat them.
	valid bool
}

// protocol is what a protocol's name says of the IP header.
type protocol struct {
	family uint8 // kindIPv4, kindIPv6 or 0 for both
	number uint8 // 0 for any
}

var protocols = map[string]protocol{
	"ip":    {family: kindIPv4},
	"ip6":   {family: kindIPv6},
	"tcp":   {number: protocolTCP},
	"udp":   {number: protocolUDP},
	"icmp":  {family: kindIPv4, number: protocolICMP},
	"icmp6": {family: kindIPv6, number: protocolICMPv6},
}

var kinds = map[string]bool{"host": true, "net": true, "port": true, "portrange": true}

const supported = "host, net, port, portrange, src, dst, ip, ip6, tcp, udp, icmp, icmp6, and, or, not"

// unsupported are the other words that pcap knows.
var unsupported = words(`ether fddi tr wlan link ppp slip arp rarp decnet lat sca moprc mopdl iso esis isis clnp stp ipx
	netbeui aarp atalk sctp igmp igrp pim vrrp carp ah esp radio proto protochain gateway broadcast multicast less
	greater byte len inbound outbound vlan mpls pppoed pppoes geneve vxlan lane ifname on rnr rulenum reason rset
	ruleset srnr subrulenum action type subtype dir direction addr1 addr2 addr3 addr4 ra ta netmask mask llc
	icmptype tcpflags`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

type parser struct {
	ctx      context.Context
	expr     string
	tokens   []token
	at       int
	depth    int
	resolver Resolver
	// namesICMP: the expression speaks of icmp or icmp6.
	namesICMP bool
}

func newParser(ctx context.Context, expr string, o Options) (*parser, error) {
	tokens, err := lex(expr)
	if err != nil {
		return nil, err
	}
	p := &parser{ctx: ctx, expr: expr, tokens: tokens, resolver: o.Resolver}
	if p.resolver == nil {
		p.resolver = net.DefaultResolver
	}
	return p, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// peekAt looks further ahead.
func (p *parser) peekAt(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// word takes the next token if it is one of the words.
func (p *parser) word(list ...string) (string, bool) {
	t := p.peek()
	if t.kind != tokenWord {
		return "", false
	}
	for _, w := range list {
		if t.text == w {
			p.at++
			return w, true
		}
	}
	return "", false
}

func (p *parser) fail(t token, text string) error {
	return &Error{Expr: p.expr, Offset: t.offset, Length: t.length, Text: text}
}

// parse reads the whole expression; nil if it is empty.
func (p *parser) parse() (*node, error) {
	if p.peek().kind == tokenEnd {
		return nil, nil
	}
	n, _, err := p.expression(qualifiers{})
	if err != nil {
		return nil, err
	}
	switch t := p.peek(); t.kind {
	case tokenEnd:
		return n, nil
	case tokenClose:
		return nil, p.fail(t, "no parenthesis is open here")
	default:
		return nil, p.fail(t, "expected and, or, or the end")
	}
}

// expression reads terms; "alternation and concatenation have equal precedence
// and associate left to right" (pcap-filter(7)). It gives the qualifiers of
// the last term, for a value alone behind it.
func (p *parser) expression(q qualifiers) (*node, qualifiers, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, q, p.fail(p.peek(), "too many parentheses within each other")
	}
	defer func() { p.depth-- }()
	left, q, err := p.term(q)
	for err == nil {
		op := opAnd
		switch p.peek().kind {
		case tokenAnd:
		case tokenOr:
			op = opOr
		default:
			return left, q, nil
		}
		p.take()
		var right *node
		right, q, err = p.term(q)
		left = &node{op: op, kids: []*node{left, right}}
	}
	return nil, q, err
}

func (p *parser) term(q qualifiers) (*node, qualifiers, error) {
	negations := 0
	for p.peek().kind == tokenNot {
		p.take()
		negations++
	}
	n, q, err := p.positive(q)
	if err == nil && negations%2 == 1 {
		n = &node{op: opNot, kids: []*node{n}}
	}
	return n, q, err
}

func (p *parser) positive(q qualifiers) (*node, qualifiers, error) {
	t := p.peek()
	switch {
	case t.kind == tokenOpen:
		p.take()
		n, _, err := p.expression(q)
		if err == nil && p.take().kind != tokenClose {
			err = p.fail(t, "this parenthesis is not closed")
		}
		return n, q, err
	case t.kind == tokenEnd:
		return nil, q, p.fail(t, "expected more: "+supported)
	case t.kind == tokenWord && isKeyword(t.text):
		return p.qualified()
	case t.kind == tokenWord && unsupported[t.text]:
		return nil, q, p.fail(t, "pcap knows this word, but it is not supported here; supported are "+supported)
	case t.kind != tokenWord && t.kind != tokenQuoted:
		return nil, q, p.fail(t, "expected one of "+supported)
	case !q.valid:
		return nil, q, p.fail(p.take(), stray(t))
	}
	n, err := p.value(q)
	return n, q, err
}

func isKeyword(w string) bool {
	_, proto := protocols[w]
	return proto || kinds[w] || w == "src" || w == "dst"
}

// isSign tells words with a meaning from values.
func isSign(w string) bool {
	_, sign := wordSigns[w]
	return sign || isKeyword(w)
}

// stray says what to do about a value without qualifiers.
func stray(t token) string {
	lower := strings.ToLower(t.text)
	switch {
	case lower != t.text && isSign(lower):
		return "words are in lower case: " + lower
	case isNumber(t.text):
		return "what is it? Write port " + t.text
	case strings.Contains(t.text, "/"):
		return "what is it? Write net " + t.text
	case strings.ContainsAny(t.text, ".:"):
		return "what is it? Write host " + t.text
	}
	return "not known; expected one of " + supported
}

// qualified reads qualifiers and the value behind them, or a protocol alone.
func (p *parser) qualified() (*node, qualifiers, error) {
	first := p.peek()
	q := qualifiers{valid: true}
	if _, ok := protocols[first.text]; ok {
		q.proto = p.take().text
		p.namesICMP = p.namesICMP || protocols[q.proto].number == protocolICMP || protocols[q.proto].number == protocolICMPv6
	}
	_, directed := p.direction(&q)
	if kind, ok := p.word("host", "net", "port", "portrange"); ok {
		q.kind = kind
	} else if q.proto != "" && !directed {
		return p.alone(q)
	}
	if err := q.check(p, first); err != nil {
		return nil, q, err
	}
	n, err := p.values(q)
	return n, q, err
}

// alone is a protocol that qualifies nothing.
func (p *parser) alone(q qualifiers) (*node, qualifiers, error) {
	t := p.peek()
	if t.kind == tokenWord || t.kind == tokenQuoted {
		text := "expected and, or, src, dst, host, net, port or portrange"
		if isNumber(t.text) {
			text = "what is it? Write " + q.proto + " port " + t.text
		}
		return nil, q, p.fail(t, text)
	}
	proto := protocols[q.proto]
	return &node{op: opLeaf, leaf: leaf{kind: leafProtocol, family: proto.family, number: proto.number}}, qualifiers{}, nil
}

// direction reads src, dst, "src or dst", "src and dst" and the like.
func (p *parser) direction(q *qualifiers) (token, bool) {
	t := p.peek()
	first, ok := p.word("src", "dst")
	if !ok {
		return t, false
	}
	q.dir = source
	other := "dst"
	if first == "dst" {
		q.dir, other = destination, "src"
	}
	sign, then := p.peek().kind, p.peekAt(1)
	if then.kind == tokenWord && then.text == other && (sign == tokenOr || sign == tokenAnd) {
		p.at += 2
		if q.dir = both; sign == tokenOr {
			q.dir = either
		}
	}
	return t, true
}

// check tells whether the protocol may qualify the kind of value.
func (q qualifiers) check(p *parser, at token) error {
	isIP := q.proto == "ip" || q.proto == "ip6"
	switch q.kind {
	case "port", "portrange":
		switch {
		case isIP:
			return p.fail(at, "does not qualify a port; write "+q.proto+" and "+q.kind+" …")
		case q.proto != "" && q.proto != "tcp" && q.proto != "udp":
			return p.fail(at, q.proto+" has no ports")
		}
	default:
		if q.proto != "" && !isIP {
			return p.fail(at, "does not qualify an address; write "+q.proto+" and host … (or net, or port)")
		}
	}
	return nil
}

// values reads what stands behind qualifiers: a value, its negation, or
// several in parentheses.
func (p *parser) values(q qualifiers) (*node, error) {
	switch t := p.peek(); t.kind {
	case tokenWord, tokenQuoted:
		return p.value(q)
	case tokenNot, tokenOpen:
		n, _, err := p.term(q)
		return n, err
	default:
		return nil, p.fail(t, "expected "+q.wants())
	}
}

// wants names what kind of value comes next.
func (q qualifiers) wants() string {
	switch q.kind {
	case "port":
		return "a port: 8080 or the name of a service"
	case "portrange":
		return "two ports: 8000-8999"
	case "net":
		return "a network: 10.0.0.0/8 or 2001:db8::/32"
	}
	return "an address or the name of a host"
}
