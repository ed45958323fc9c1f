package reassembly

import (
	"net/netip"
)

// Limits on the lists of Rare; what is left out is counted in Rare.Omitted.
const (
	MaxResets         = 8
	MaxICMP           = 8
	MaxGaps           = 64
	MaxStalls         = 16
	MaxRetransmission = 8
)

// At is where something was seen: a packet and its time.
type At struct {
	Packet int64 // frame.number in its file; 0: never
	Time   int64 // ns since 1970-01-01 UTC
	File   int32 // place of the file in the source
}

// Seen tells whether there was such a packet at all.
func (a At) Seen() bool { return a.Packet != 0 }

// Side is one end of a flow: 0 sent the first packet that was captured, 1 the other.
// Which of them is the client is said by Flow.Client.
type Side uint8

// Other is the opposite side.
func (s Side) Other() Side { return s ^ 1 }

// ClientBy says how it is known which side is the client.
type ClientBy uint8

const (
	ClientByPort  ClientBy = iota // a guess: the higher port
	ClientBySYN                   // sent the SYN (or received the SYN-ACK)
	ClientByBytes                 // the handler said so: it sent an HTTP request, a ClientHello, masked frames
)

// Flow is one TCP connection as one vantage point saw it. The table owns it;
// it is valid for a handler until Closed returns. Everything but App, Client,
// ClientBy and Ignore is for reading. Facts are kept packed: First, Last, SYN,
// ... and Half unpack them.
type Flow struct {
	// App is the handler's own handle, 0 at first.
	App      uint32
	Vantage  int32
	Client   Side
	ClientBy ClientBy
	// Ignore is set by a handler that needs no more bytes: the flow is only
	// counted from then on. If App is 0, too, facts of the segments that follow
	// are left out: all but First, Last, the packets and bytes of each Half, and
	// those of a flow that has begun to end.
	Ignore bool

	waits uint8 // how many halves have bytes that wait
	flags uint16
	slot  uint16 // of the timer; noSlot: none
	flow

	Encapsulation int32
	SYNs, SYNACKs uint16 // how often each was sent (copies made by the capture not counted)

	// Rare holds what few connections have; nil when there is none of it.
	Rare *Rare
}

// Addr is the address and port of one side.
func (f *Flow) Addr(s Side) netip.AddrPort {
	return netip.AddrPortFrom(f.tuple.addr[s].Netip(f.flags&flowIs6 != 0), f.tuple.port[s])
}

// First is the first packet of any kind.
func (f *Flow) First() At { return f.first.at() }

// Last is the last packet of any kind.
func (f *Flow) Last() At { return f.last().at() }

// SYN is the first SYN.
func (f *Flow) SYN() At {
	switch {
	case f.flags&flowSYNFirst != 0:
		return f.first.at()
	case f.Rare != nil:
		return f.Rare.syn
	}
	return At{}
}

// LastSYN is the last repetition of the SYN.
func (f *Flow) LastSYN() At {
	if f.Rare == nil {
		return At{}
	}
	return f.Rare.lastSYN
}

// SYNACK is the first SYN-ACK.
func (f *Flow) SYNACK() At { return f.synack.at() }

// Awaited tells that the other side acknowledged bytes of s that have not come
// so far: the capture has them further back, or not at all.
func (f *Flow) Awaited(s Side) bool {
	h, o := &f.half[s], &f.half[s^1]
	n := int32(o.acks - h.next)
	return o.is(halfAcks) && h.is(halfStarted) && !h.is(halfEnded) && n > 1 && n < plausible
}

// Established is the ACK that completed the handshake.
func (f *Flow) Established() At { return f.established.at() }

// Half is what one side sent. Counters are of what was captured; bytes are TCP payload.
type Half struct {
	Packets             uint32
	Bytes               int64  // payload bytes, each position of the stream once
	DataSegments        uint32 // segments with payload, copies made by the capture not counted, retransmissions counted
	Retransmissions     uint32 // data segments whose bytes (all of them) were sent before, or that fill a gap late (sent again because lost before the capture point); not reordering, not capture copies, not keep-alives, not zero window probes
	FirstData, LastData At     // first and last segment with new payload bytes (keep-alives and retransmissions are none)
	FIN                 At
	TTL                 uint8  // of its last segment that was no RST
	MSS                 uint16 // of its SYN; 0 unknown
	ISN                 uint32 // initial sequence number, if HasISN
	HasISN              bool   // its SYN or SYN-ACK was seen
	Timestamps          bool   // it sends TCP timestamps
	KeepAlives          uint32
	// Unacked is the payload at the end of the stream that the other side never acknowledged, in bytes, though captured packets of the other side
	// (or its silence) could have; UnackedFirst is the first segment of it, UnackedSent how often that segment was sent.
	Unacked                   int64
	UnackedFirst, UnackedLast At
	UnackedSent               uint16
	UnackedAgain              uint32 // how often segments of it were sent again, all together
	MaxSegment, MaxAcked      uint32 // largest payload sent in one segment; largest payload of a segment that was acknowledged (at most 65535)
	LastAck                   At     // last segment of this side whose acknowledgement number was new
}

// Rare is what few connections have: allocated at first need, lists bounded by named limits with counts of what was left out.
type Rare struct {
	Resets                        []Reset
	ICMP                          []ICMP
	Gaps                          []Gap
	Stalls                        []Stall
	Resized                       [2]uint32        // retransmissions by each side because a router found the segments too big
	Retransmissions               []Retransmission // the first few
	Conflicts                     [2]uint32        // per sender: overlapping bytes that differed; FirstConflict names the packet of the second version
	FirstConflict                 At
	Duplicates                    uint32 // packets that the capture holds twice (mirror port, -i any, bridge)
	FirstDuplicate, FirstOriginal At
	CutShort                      uint32 // packets whose payload the snapshot length cut, by both sides
	FirstCut                      At
	CutBytes                      int64
	Reordered                     uint32
	Limit                         bool   // a named limit of the table was reached for this flow
	LetGo                         bool   // of them Limits.Flows: it left the table early
	OutOfWindow                   uint32 // segments far from everything that the connection sent: left out of the streams
	Omitted                       uint32 // entries that the lists above had no room for

	syn, lastSYN At
	missing      [2]int64 // bytes of gaps, per sender
	renewal      *renewal // see flowRenewal
	held         []held
	inVain       uint8 // how often bytes that were waited for did not come
}

// Retransmission is a data segment that was sent again.
type Retransmission struct {
	At, Original At // Original: where the bytes were first seen; not Seen when it is unknown
	From         Side
}

// GapKind says why bytes are missing.
type GapKind uint8

const (
	GapLost     GapKind = iota // acknowledged by the receiver, not in the capture
	GapSnapLen                 // cut off by the snapshot length
	GapLimit                   // given up because a limit on what may wait was reached
	GapUnfilled                // neither seen nor acknowledged when the flow ended: lost on the way
)

// Gap is a stretch of a stream that is not in the capture.
type Gap struct {
	At             At // the packet that proves it
	From           Side
	Offset, Length int64 // stream position
	Kind           GapKind
}

// Stall is a time in which a receiver kept its window at zero.
type Stall struct {
	From       Side // who advertised the zero window
	Begin, End At   // End not Seen: it lasted until the flow's end
	Probes     uint32
}

// ICMP is an ICMP error that quotes a packet of the flow.
type ICMP struct {
	At           At
	V6           bool
	Type, Code   uint8
	From         netip.Addr // who sent the error
	About        Side       // whose packet it quotes
	MTU          uint32     // of "fragmentation needed" and "packet too big"
	SmallerAfter bool       // the sender sent the quoted bytes again in smaller segments

	seq    uint32 // of the quoted segment
	length int    // its TCP payload, 0 unknown
	id     uint16 // of the packet that carried the error
}

// Reset is a RST, with what tells a genuine one from a forged one.
type Reset struct {
	At                 At
	From               Side
	TTL                uint8
	ID                 uint16
	V6                 bool
	Window             uint16
	HasAck, Timestamps bool
	Payload            int
	// The sender's other segments: the last before the RST (its TTL and IP ID),
	// and the range of TTLs that it ever used apart from RSTs.
	OtherTTL, MinTTL, MaxTTL uint8
	OtherID                  uint16
	Others                   uint32 // how many segments of the sender there are to compare with
	// SeqAhead is the RST's sequence number less the next one expected of the
	// sender (0: fits exactly, or nothing of the sender is known).
	SeqAhead int64
	// SeqIsAck: its sequence number equals the acknowledgement number of the segment it answers (how a closed socket answers).
	SeqIsAck                   bool
	AnswersSYN, AnswersData    bool // the other side's segment just before it was a SYN; carried payload
	AfterOwnFIN, AfterOtherFIN bool
	// WentOn counts the sender's segments after the RST that are no RST (data or new acknowledgements, as if it knew of none); WentOnFirst is the first of them.
	WentOn      uint32
	WentOnFirst At

	seq, ack uint32
}

// EndKind says how a side's stream, or the flow, ended.
type EndKind uint8

const (
	EndNone EndKind = iota // the capture ended, or the flow fell silent
	EndFIN
	EndRST
	EndReused // a new connection with the same addresses began
)

// Toucher is a Handler that brings what it knows of flows into the cache, too.
type Toucher interface {
	Handler
	// Touch gets the App of flows whose packets follow.
	Touch(apps []uint32)
}

// Handler gets the streams of flows. Calls come in capture order; b belongs to
// the table and is valid during the call.
type Handler interface {
	// Data hands on the next bytes of one side's stream, in order. at is the packet
	// that carried them.
	Data(f *Flow, from Side, at At, b []byte)
	// Missing says that the next n bytes of the stream will not come.
	Missing(f *Flow, from Side, at At, n int64, why GapKind)
	// End says that a side's stream has ended in order (FIN), or that a RST ended the flow (called for its sender's side once;
	// data may still come when the RST was forged).
	End(f *Flow, from Side, at At, how EndKind)
	// Closed is the last call for a flow: it left the table, its facts are complete. order is the time at which it became final (ns), the key
	// by which connections are sorted; last is true when that was the end of the capture.
	Closed(f *Flow, order int64, last bool)
}
