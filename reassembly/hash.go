package reassembly

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/wsleuth/wsleuth/capture/link"
)

// seeds differ per process, so that nobody can choose addresses that collide.
var seeds = [4]uint64{rand.Uint64() | 1, rand.Uint64() | 1, rand.Uint64() | 1, rand.Uint64() | 1}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// endpoint tells endpoints apart, of IPv4 without a multiplication.
func endpoint(a link.Addr, port uint16) uint64 {
	if a.Mapped() {
		return a.Lo<<16 ^ uint64(port)
	}
	return mix(a.Hi^seeds[0], a.Lo^seeds[1]) ^ uint64(port)
}

// hash is the same in both directions, and never 0.
func (t *tuple) hash(vantage int32) uint64 {
	return hashOf(endpoint(t.addr[0], t.port[0]), endpoint(t.addr[1], t.port[1]), vantage)
}

func hashOf(a, b uint64, vantage int32) uint64 {
	return max(mix(min(a, b)^seeds[2]^uint64(uint32(vantage))<<32, max(a, b)^seeds[3]), 1)
}

// FlowHash is the same for all packets of one TCP connection that one vantage
// point saw: for both directions, for ICMP errors that quote a packet of it,
// and inside any encapsulation. All tables of a process agree on it. It is 0
// for packets that belong to no connection: any table may have them.
func FlowHash(ip *link.IP, vantage int32) uint64 {
	if b := ip.Payload; ip.Protocol == link.ProtocolTCP && len(b) >= 4 {
		return hashOf(endpoint(ip.From, binary.BigEndian.Uint16(b)), endpoint(ip.To, binary.BigEndian.Uint16(b[2:])), vantage)
	}
	flow, _ := Hashes(ip, vantage)
	return flow
}

// Hashes gives FlowHash and the same without the ports, which all connections
// between two hosts share.
func Hashes(ip *link.IP, vantage int32) (flow, hosts uint64) {
	if t, ok := tupleOf(ip); ok {
		flow = t.hash(vantage)
		t.port = [2]uint16{}
		hosts = t.hash(vantage)
	}
	return flow, hosts
}

// tupleOf is what a TCP segment, or an ICMP error about one, belongs to.
func tupleOf(ip *link.IP) (t tuple, ok bool) {
	switch ip.Protocol {
	case link.ProtocolTCP:
		ok = t.of(ip)
	case link.ProtocolICMP, link.ProtocolICMPv6:
		var e icmpError
		ok = e.parse(ip)
		t = e.tuple
	}
	return t, ok
}

// Shard says which of n tables has the connection with this hash.
func Shard(hash uint64, n int) int { return int((hash >> 32) * uint64(n) >> 32) }

// of takes addresses and ports from a TCP packet, or the beginning of one.
func (t *tuple) of(ip *link.IP) bool {
	if len(ip.Payload) < 4 {
		return false
	}
	t.addr = [2]link.Addr{ip.From, ip.To}
	t.port = [2]uint16{binary.BigEndian.Uint16(ip.Payload), binary.BigEndian.Uint16(ip.Payload[2:])}
	return true
}
