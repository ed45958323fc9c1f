package reassembly

import (
	"cmp"

	"github.com/wsleuth/wsleuth/capture/link"
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

// tuple is the addresses of a flow: [0] sent its first captured packet.
type tuple struct {
	addr    [2]link.Addr
	port    [2]uint16
	network int32 // link.IP.Network of the first packet: not compared with the rest
}

func (t *tuple) reversed() tuple {
	return tuple{[2]link.Addr{t.addr[1], t.addr[0]}, [2]uint16{t.port[1], t.port[0]}, t.network}
}

// flags of a flow
const (
	flowIs6      uint16 = 1 << iota
	flowSYNFirst        // the SYN was the first packet: Flow.first is its mark
	flowReset           // a RST was seen
	flowEnding          // a FIN or RST was seen
	flowIgnored         // Ignore, as the timers know it
	flowOpening         // the SYN-ACK was seen, the ACK that completes the handshake was not
	flowRenewal         // Rare.renewal is active
	flowICMP            // Rare.ICMP is not empty
	flowLast1           // side 1 sent the last packet
	flowFrom1           // side 1 sent the last segment that was no RST:
	flowSentSYN         // … a SYN
	flowSentData        // … payload
	flowData0           // firstData[0] is known
	flowData1
	flowHolds // Rare.held is not empty
)

// flow is the part of a Flow that its users do not see. A look-up and a
// segment in order touch few cache lines of it: with thousands of connections
// at once, most of a packet's cost is to wait for them.
type flow struct {
	// With what stands before them in Flow, these fill one cache line.
	tuple tuple
	clock int64 // capture clock of the last packet

	half [2]half // two lines each

	first, synack, established mark
	firstData                  [2]mark
	closing                    *closing
	retransmissions            [2]uint32
	keepAlives                 [2]uint16 // they stay at their greatest value
	prev, next                 uint32    // neighbours in the timer's list
	id                         uint32    // place in the slab
}

// sides are the half of side d and the other.
func (f *Flow) sides(d Side) (h, o *half) { return &f.half[d&1], &f.half[d&1^1] }

// last is the last packet of any kind.
func (f *Flow) last() *mark {
	if f.flags&flowLast1 != 0 {
		return &f.half[1].last
	}
	return &f.half[0].last
}

// answers tells whether the last segment of the side opposite to d had a flag
// (flowSentSYN, flowSentData), and nothing of side d followed.
func (f *Flow) answers(d Side, flag uint16) bool {
	return f.flags&flag != 0 && (f.flags&flowFrom1 != 0) == (d == 0)
}

// flags of a half
const (
	halfStarted uint16 = 1 << iota // next is known
	halfSoft                       // next comes from a segment without payload: nothing was delivered yet
	halfSYN                        // the SYN or SYN-ACK was seen
	halfAcks                       // acks is known
	halfFIN                        // a FIN was seen (perhaps ahead of a hole)
	halfEnded                      // the FIN was delivered
	halfRST                        // it sent a RST
	halfZero                       // it advertises a zero window
	halfTS                         // it sends timestamps
	halfAlone                      // the last new data segment waits for its acknowledgement, and no other
	halfGuess                      // next is the other side's acknowledgement: bytes from there may lie before the capture
)

// half is what the table keeps of one side's stream. What the side says of the
// other's stream is kept here, too, so that a segment touches its sender's half.
type half struct {
	// What every segment touches: one cache line.
	last                mark
	pos                 int64  // stream offset of next
	next                uint32 // sequence number of the next byte in order
	acks                uint32 // highest acknowledgement number sent
	packets, segments   uint32
	prints              [2]print // of the last segments
	flags               uint16
	lastID              uint16
	ttl, minTTL, maxTTL uint8
	dupAcks             uint8 // how often acks was repeated

	// What payload and its acknowledgement touch: another.
	lastData, lastAck mark
	out               *outstanding // segments that wait for their acknowledgement
	wait              *episode     // bytes that wait for others before them
	sample            uint32       // of the bytes of the last new data segment
	sampleStart       uint32
	sampleLen         uint16 // these stay at their greatest value
	maxSegment        uint16
	maxAcked          uint16
	mss               uint16
}

// print knows a packet again.
type print struct {
	of   uint32 // segment.print
	time uint32 // in units of 2^10 ns
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
		f.flags |= flowEnding
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

// Half is what side s sent, as far as is known now.
func (f *Flow) Half(s Side) Half {
	h, o := &f.half[s], &f.half[s^1]
	v := Half{
		Packets: h.packets, Bytes: h.pos, DataSegments: h.segments, Retransmissions: f.retransmissions[s],
		FirstData: f.firstData[s].at(), LastData: h.lastData.at(), FIN: f.finAt(s), LastAck: h.lastAck.at(),
		TTL: h.ttl, MSS: h.mss, Timestamps: h.is(halfTS), KeepAlives: uint32(f.keepAlives[s]),
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
	h.unacked(o, &v)
	return v
}

// unacked fills in what the other side did not acknowledge.
func (h *half) unacked(o *half, v *Half) {
	acked := h.base()
	if o.is(halfAcks) && before(acked, o.acks) {
		acked = o.acks
	}
	if n := int32(h.end() - acked); n > 0 {
		v.Unacked = int64(n)
	}
	if v.Unacked > 0 && h.is(halfAlone) {
		v.UnackedFirst, v.UnackedLast, v.UnackedSent = h.lastData.at(), h.lastData.at(), 1
	}
	if v.Unacked == 0 || h.out == nil {
		return
	}
	if l := h.out.list(); len(l) > 0 {
		v.UnackedFirst, v.UnackedSent = l[0].at.at(), l[0].count
		v.UnackedLast = l[len(l)-1].at.at()
		for i := range l {
			v.UnackedAgain += uint32(l[i].count - 1)
		}
	}
}
