package reassembly

import (
	"encoding/binary"
	"time"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

const icmpHeader = 8

// icmpError is an ICMP error that quotes a TCP segment.
type icmpError struct {
	v6         bool
	kind, code uint8
	mtu        uint32
	tuple      tuple // of the quoted segment
	seq        uint32
	hasSeq     bool
	length     int // TCP payload of the quoted segment, which is seldom quoted in full
	quoted     link.IP
}

// parse decodes ip; false: it is no error, or quotes no TCP segment.
func (e *icmpError) parse(ip *link.IP) bool {
	b := ip.Payload
	if len(b) < icmpHeader {
		return false
	}
	e.v6, e.kind, e.code = ip.Protocol == link.ProtocolICMPv6, b[0], b[1]
	switch {
	case e.v6 && e.kind >= 1 && e.kind <= 4: // RFC 4443, 2.1: the error messages
		if e.kind == 2 { // packet too big
			e.mtu = binary.BigEndian.Uint32(b[4:])
		}
	case !e.v6 && (e.kind == 3 || e.kind == 11 || e.kind == 12): // RFC 792
		if e.kind == 3 && e.code == 4 { // RFC 1191, 4: next-hop MTU
			e.mtu = uint32(binary.BigEndian.Uint16(b[6:]))
		}
	default:
		return false
	}
	if !link.PeekQuoted(b[icmpHeader:], &e.quoted) || e.quoted.Protocol != link.ProtocolTCP {
		return false
	}
	q := e.quoted.Payload
	if len(q) >= 8 {
		e.seq, e.hasSeq = binary.BigEndian.Uint32(q[4:]), true
	}
	if len(q) >= minHeader {
		e.length = max(len(q)+e.quoted.Missing-int(q[12]>>4)*4, 0)
	}
	return e.tuple.of(&e.quoted)
}

// icmp attaches an ICMP error to the flow whose packet it quotes.
func (t *Table) icmp(p *capture.Packet, ip *link.IP) {
	var e icmpError
	if !e.parse(ip) {
		return
	}
	f, side := t.quoted(p, ip, &e)
	if f == nil {
		return
	}
	at := At{Packet: p.Number, Time: p.Time, File: p.File}
	r := t.rare(f)
	for i := range r.ICMP {
		o := &r.ICMP[i]
		if o.Type == e.kind && o.Code == e.code && o.About == side && o.seq == e.seq &&
			o.From == ip.Src() && o.id == ip.ID && at.Time-o.At.Time <= DuplicateWithin {
			t.duplicate(f, at, o.At)
			return
		}
	}
	*f.last(), f.clock = at.mark(), p.Clock
	if len(r.ICMP) >= MaxICMP {
		r.Omitted++
		return
	}
	length, longest := e.length, int(f.half[side].maxSegment)
	if length == 0 || longest > 0 && length > longest {
		length = longest // what is quoted of a length is not always right
	}
	f.flags |= flowICMP
	r.ICMP = append(r.ICMP, ICMP{At: at, V6: e.v6, Type: e.kind, Code: e.code, From: ip.Src(),
		About: side, MTU: e.mtu, seq: e.seq, length: length, id: ip.ID})
}

// quoted finds the flow that the quoted segment belongs to.
func (t *Table) quoted(p *capture.Packet, ip *link.IP, e *icmpError) (*Flow, Side) {
	var found *Flow
	var side Side
	h := e.tuple.hash(p.Vantage)
	t.each(h, &e.tuple, p.Vantage, func(f *Flow, s Side) bool {
		if p.Clock >= t.deadline(f) || !f.sentAbout(s, e) {
			return true
		}
		if found == nil || f.tuple.network == ip.Network {
			found, side = f, s
		}
		return true
	})
	return found, side
}

// sentAbout: RFC 5927, 4.1: the quoted sequence number must lie in the range
// of data that was sent; here with room for what the capture lacks.
func (f *Flow) sentAbout(s Side, e *icmpError) bool {
	h := &f.half[s]
	if !e.hasSeq || !h.is(halfStarted) {
		return true
	}
	d := int32(e.seq - h.next)
	return d > -plausible && d < plausible
}

// smaller notes that the sender took a "too big" to heart: it sends the quoted
// bytes again in smaller segments.
func (f *Flow) smaller(d Side, s *segment) {
	for i := range f.Rare.ICMP {
		e := &f.Rare.ICMP[i]
		if e.About == d && !e.SmallerAfter && s.seq-e.seq < uint32(e.length) && int(s.n) < e.length {
			e.SmallerAfter = true
		}
	}
}

// resizeWithin is how soon after a "too big" that it heeds a sender sends
// again what was under way.
const resizeWithin = int64(time.Second)

// resizing counts what is sent again because a router found it too big, and
// was not lost.
func (r *Rare) resizing(e Retransmission) {
	for i := range r.ICMP {
		x := &r.ICMP[i]
		if passed := e.At.Time - x.At.Time; x.About == e.From && x.SmallerAfter && passed >= 0 && passed < resizeWithin {
			r.Resized[e.From]++
			return
		}
	}
}
