package analyze

import (
	"encoding/binary"
	"net/netip"

	"github.com/wsleuth/wsleuth/capture/link"
)

// maxQUIC bounds the QUIC connections that are told apart, and so counted.
const maxQUIC = 1 << 12

// quic counts QUIC connections. HTTP/3 is not followed, so a WebSocket in one of
// them (RFC 9220) is not seen: where nothing else is there, that has to be said.
type quic struct {
	seen map[[2]netip.AddrPort]struct{} // the lesser address first
	more int64                          // packets that begin others
}

// packet looks whether a UDP datagram begins a QUIC connection.
func (q *quic) packet(ip *link.IP) {
	if ip.Protocol == link.ProtocolUDP && beginsQUIC(ip.Payload) {
		q.add(ip)
	}
}

func (q *quic) add(ip *link.IP) {
	b := ip.Payload
	ends := [2]netip.AddrPort{netip.AddrPortFrom(ip.Src().Unmap(), port(b, 0)), netip.AddrPortFrom(ip.Dst().Unmap(), port(b, 2))}
	if ends[1].Compare(ends[0]) < 0 {
		ends[0], ends[1] = ends[1], ends[0]
	}
	if q.seen == nil {
		q.seen = map[[2]netip.AddrPort]struct{}{}
	}
	if _, ok := q.seen[ends]; !ok && len(q.seen) == maxQUIC {
		q.more++
		return
	}
	q.seen[ends] = struct{}{}
}

// beginsQUIC: a datagram, with its UDP header, that holds an Initial packet.
//
// RFC 9000, section 14.1: "A client MUST expand the payload of all UDP datagrams
// carrying Initial packets to at least the smallest allowed maximum datagram
// size of 1200 bytes". The type stands in the first byte (section 17.2.2), and
// version 2 has another number for it (RFC 9369, section 3.2).
func beginsQUIC(datagram []byte) bool {
	const header, least = 8, 1200
	if len(datagram) < header+5 || int(port(datagram, 4)) < header+least {
		return false
	}
	b := datagram[header:]
	switch binary.BigEndian.Uint32(b[1:]) {
	case 1:
		return b[0]&0xf0 == 0xc0
	case 0x6b3343cf:
		return b[0]&0xf0 == 0xd0
	}
	return false
}
