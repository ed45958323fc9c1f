package reassembly

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// mark is a packed At: packet numbers up to 2^40, files up to 2^24.
type mark struct {
	time  int64
	where uint64
}

func (a At) mark() mark {
	return mark{a.Time, uint64(uint32(a.File))<<40 | uint64(a.Packet)&(1<<40-1)}
}

func (m mark) at() At {
	return At{Packet: int64(m.where & (1<<40 - 1)), Time: m.time, File: int32(m.where >> 40)}
}

// compare orders by file and packet.
func (m mark) compare(o mark) int { return cmp.Compare(m.where, o.where) }

func (m mark) seen() bool { return m.where&(1<<40-1) != 0 }

// address is a netip.Addr without its pointer; IPv4 is kept as IPv4-mapped.
type address struct{ hi, lo uint64 }

// mapped is what stands before an IPv4 address in IPv6's form of it.
const mapped = 0xffff << 32

func packAddress(a netip.Addr) address {
	if a.Is4() {
		b := a.As4()
		return address{0, mapped | uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a address) netip(is4 bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	if is4 {
		return netip.AddrFrom16(b).Unmap()
	}
	return netip.AddrFrom16(b)
}

// tuple is the addresses of a flow: [0] sent its first captured packet.
type tuple struct {
	addr [2]address
	port [2]uint16
}

func (t *tuple) reversed() tuple {
	return tuple{[2]address{t.addr[1], t.addr[0]}, [2]uint16{t.port[1], t.port[0]}}
}

// flags of a flow
const (
	flowIs4      uint8 = 1 << iota
	flowSYNFirst       // the SYN was the first packet: Flow.first is its mark
	flowReset          // a RST was seen
	flowIgnored        // Ignore, as the timers know it
)

// flow is the part of a Flow that its users do not see.
type flow struct {
	first, last         mark
	synack, established mark
	clock               int64 // capture clock of the last packet
	tuple               tuple
	network             int32  // link.IP.Network
	id                  uint32 // place in the slab
	hash                uint32
	prev, next          uint32 // neighbours in the timer's list
	slot                uint16 // of the timer; noSlot: none
	flags               uint8
	closing             *closing
	half                [2]half
}

// flags of a half
const (
	halfStarted  uint16 = 1 << iota // next is known
	halfSoft                        // next comes from a segment without payload: nothing was delivered yet
	halfSYN                         // the SYN or SYN-ACK was seen
	halfAcked                       // acked is known
	halfFIN                         // a FIN was seen (perhaps ahead of a hole)
	halfEnded                       // the FIN was delivered
	halfRST                         // it sent a RST
	halfZero                        // it advertises a zero window
	halfTS                          // it sends timestamps
	halfGuess                       // next is the other side's acknowledgement: bytes from there may lie before the capture
	halfLastSYN                     // its last segment was a SYN, and nothing of the other side followed
	halfLastData                    // the same of payload
)

// half is what the table keeps of one side's stream.
type half struct {
	firstData, lastData mark
	lastAck             mark
	pos                 int64  // stream offset of next
	next                uint32 // sequence number of the next byte in order
	acked               uint32 // highest acknowledgement of the other side
	packets             uint32
	segments            uint32
	retransmissions     uint32
	prints              [2]uint32 // fingerprints of the last segments
	printTimes          [2]uint32 // their times in units of 2^10 ns
	sample              uint32    // of the bytes of the last new data segment
	sampleStart         uint32
	sampleLen           uint16 // these four stay at their greatest value
	keepAlives          uint16
	maxSegment          uint16
	maxAcked            uint16
	flags               uint16
	mss                 uint16
	lastID              uint16
	ttl, minTTL, maxTTL uint8
	dupAcks             uint8
	out                 *outstanding // segments that wait for their acknowledgement
	wait                *episode     // bytes that wait for others before them
}

func (h *half) is(f uint16) bool { return h.flags&f != 0 }

// base is the sequence number of stream offset 0.
func (h *half) base() uint32 { return h.next - uint32(h.pos) }

// end is the sequence number after the highest payload seen.
func (h *half) end() uint32 {
	if h.wait != nil {
		if n := len(h.wait.ranges); n > 0 {
			return h.wait.ranges[n-1].end()
		}
		if h.wait.finAhead {
			return h.wait.fin
		}
	}
	return h.next
}

// before compares sequence numbers (RFC 9293, 3.4: modulo 2^32).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// ended tells whether the connection is over, so that a SYN begins another.
func (f *Flow) ended() bool {
	if f.half[0].is(halfFIN) && f.half[1].is(halfFIN) {
		return true
	}
	if f.flags&flowReset == 0 {
		return false
	}
	for i := range f.Rare.Resets {
		if f.Rare.Resets[i].WentOn == 0 {
			return true
		}
	}
	return false
}

// closing holds the FINs of both sides. Most of a flow's life there are none.
type closing struct {
	fin  [2]mark
	free *closing
}

// finAt is where the FIN of a side was first seen.
func (f *Flow) finAt(s Side) At {
	if f.closing == nil {
		return At{}
	}
	return f.closing.fin[s].at()
}

// closes records the first FIN of a side.
func (t *Table) closes(f *Flow, d Side, at At) {
	if h := &f.half[d]; !h.is(halfFIN) {
		h.flags |= halfFIN
		if f.closing == nil {
			if f.closing = t.freeClosing; f.closing == nil {
				f.closing = new(closing)
			} else {
				t.freeClosing = f.closing.free
				*f.closing = closing{}
			}
		}
		f.closing.fin[d] = at.mark()
	}
}

func (t *Table) releaseClosing(f *Flow) {
	if c := f.closing; c != nil {
		f.closing = nil
		c.free, t.freeClosing = t.freeClosing, c
	}
}

// saturated is n, or the greatest value of 16 bits.
func saturated(n uint32) uint16 { return uint16(min(n, 0xffff)) }

// rare gives the place for uncommon facts.
func (f *Flow) rare() *Rare {
	if f.Rare == nil {
		f.Rare = new(Rare)
	}
	return f.Rare
}

// Half is what side s sent, as far as is known now.
func (f *Flow) Half(s Side) Half {
	h, o := &f.half[s], &f.half[s^1]
	v := Half{
		Packets: h.packets, Bytes: h.pos, DataSegments: h.segments, Retransmissions: h.retransmissions,
		FirstData: h.firstData.at(), LastData: h.lastData.at(), FIN: f.finAt(s), LastAck: h.lastAck.at(),
		TTL: h.ttl, MSS: h.mss, Timestamps: h.is(halfTS), KeepAlives: uint32(h.keepAlives),
		MaxSegment: uint32(h.maxSegment), MaxAcked: uint32(h.maxAcked),
	}
	if v.HasISN = h.is(halfSYN); v.HasISN {
		v.ISN = h.base() - 1
	}
	if f.Rare != nil {
		v.Bytes -= f.Rare.missing[s]
	}
	if h.wait != nil {
		v.Bytes += h.wait.waiting
	}
	if o.packets == 0 || !h.is(halfStarted) {
		return v // the other side is not in the capture: nothing can be said
	}
	h.unacked(&v)
	return v
}

// unacked fills in what the other side did not acknowledge.
func (h *half) unacked(v *Half) {
	acked := h.base()
	if h.is(halfAcked) && before(acked, h.acked) {
		acked = h.acked
	}
	if n := int32(h.end() - acked); n > 0 {
		v.Unacked = int64(n)
	}
	if v.Unacked == 0 || h.out == nil {
		return
	}
	if l := h.out.list(); len(l) > 0 {
		v.UnackedFirst, v.UnackedSent = l[0].at.at(), l[0].count
		v.UnackedLast = l[len(l)-1].at.at()
	}
}
