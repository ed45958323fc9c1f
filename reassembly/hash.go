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

func hashEndpoint(a address, port uint16) uint64 {
	return mix(mix(a.hi^seeds[0], a.lo^seeds[1])^uint64(port), seeds[2])
}

// sum hashes both endpoints: the same in both directions.
func (t *tuple) sum() uint64 {
	return mix(hashEndpoint(t.addr[0], t.port[0])+hashEndpoint(t.addr[1], t.port[1]), seeds[3])
}

// Hash is the same for all packets of one TCP connection: for both directions,
// for ICMP errors that quote a packet of it, and inside any encapsulation. It is
// not ok for packets that a Table has no use for. It differs between processes.
func Hash(ip *link.IP) (h uint64, ok bool) {
	var t tuple
	switch ip.Protocol {
	case link.ProtocolTCP:
		ok = t.of(ip)
	case link.ProtocolICMP, link.ProtocolICMPv6:
		var e icmpError
		if ok = e.parse(ip); ok {
			t = e.tuple
		}
	}
	if !ok {
		return 0, false
	}
	return t.sum(), true
}

// of takes addresses and ports from a TCP packet, or the beginning of one.
func (t *tuple) of(ip *link.IP) bool {
	if len(ip.Payload) < 4 || !ip.Src.IsValid() || !ip.Dst.IsValid() {
		return false
	}
	t.addr = [2]address{packAddress(ip.Src), packAddress(ip.Dst)}
	t.port = [2]uint16{binary.BigEndian.Uint16(ip.Payload), binary.BigEndian.Uint16(ip.Payload[2:])}
	return true
}
