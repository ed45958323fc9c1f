package reassembly

import "time"

// copied records a copy of a packet that the capture holds already.
func (t *Table) copied(f *Flow, d Side, s *segment) {
	// Bare acknowledgements may be equal without being copies: several in a
	// row ask for the same missing segment. Only their identification tells.
	if s.bare() && s.id == 0 {
		return
	}
	t.duplicate(f, s.at, f.original(d, s))
}

// original finds the packet that s is a copy of among those that are kept.
func (f *Flow) original(d Side, s *segment) At {
	h := &f.half[d]
	for _, p := range h.prints {
		if p.of != s.print {
			continue
		}
		for _, m := range [...]mark{*f.last(), h.lastData, h.lastAck, f.first, f.synack, f.finAt(d).mark()} {
			if m.seen() && uint32(m.time>>10) == p.time {
				return m.at()
			}
		}
	}
	return At{}
}

func (t *Table) duplicate(f *Flow, at, original At) {
	r := t.rare(f)
	if r.Duplicates++; r.Duplicates == 1 {
		r.FirstDuplicate, r.FirstOriginal = at, original
	}
}

// cut records that the snapshot length cut a payload.
func (t *Table) cut(f *Flow, s *segment) {
	r := t.rare(f)
	if r.CutShort++; r.CutShort == 1 {
		r.FirstCut = s.at
	}
	r.CutBytes += int64(s.n) - int64(len(s.data))
}

// window records the beginning or end of a zero window that side d advertises.
func (t *Table) window(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	if s.window == 0 {
		if s.is(flagSYN) {
			return
		}
		h.flags |= halfZero
		r := t.rare(f)
		if len(r.Stalls) < MaxStalls {
			r.Stalls = append(r.Stalls, Stall{From: d, Begin: s.at})
		} else {
			r.Omitted++
		}
		return
	}
	h.flags &^= halfZero
	if st := f.stall(d); st != nil {
		st.End = s.at
	}
}

// stall is the open stall of receiver d.
func (f *Flow) stall(d Side) *Stall {
	for i := len(f.Rare.Stalls) - 1; i >= 0; i-- {
		if st := &f.Rare.Stalls[i]; st.From == d && !st.End.Seen() {
			return st
		}
	}
	return nil
}

// probed counts a zero window probe of sender d.
func (f *Flow) probed(d Side) {
	if st := f.stall(d.Other()); st != nil {
		st.Probes++
	}
}

// probe tells whether s, one below the next byte of sender d, is a keep-alive
// or a zero window probe. RFC 9293, 3.8.4: a keep-alive has SEG.SEQ =
// SND.NXT-1 and "may or may not contain one garbage octet of data".
func (f *Flow) probe(d Side, s *segment) bool {
	h, o := &f.half[d], &f.half[d^1]
	switch {
	case h.wait != nil:
		return false
	case o.is(halfZero):
		f.probed(d)
		return true
	case s.n == 0 || o.is(halfAcks) && !before(o.acks, h.next):
		if k := &f.keepAlives[d]; *k < 0xffff {
			*k++
		}
		return true
	}
	return false
}

// burst is how many packets may lie between one and its copy.
const burst = 512

// sentAfter tells whether h sent its last packet after s. Most systems count the
// identification up per connection.
func (h *half) sentAfter(s *segment) bool {
	n := int16(h.lastID - s.id)
	return n > 0 && n < burst && s.id != 0 && h.lastID != 0
}

// older tells whether s, all of whose bytes were seen before, at a time, is a
// copy that the capture made of a packet further back than the fingerprints
// reach: what was sent again has a higher identification than all before. Where
// packets have none, or any, that others were copied has to do.
func (f *Flow) older(d Side, s *segment, seen int64) bool {
	passed := s.at.Time - seen
	if n := int16(s.id - f.half[d].lastID); s.id != 0 && n > -burst && n < burst && n != 0 {
		return n < 0 && passed <= DuplicateWithin
	}
	return f.Rare != nil && f.Rare.Duplicates > 0 && passed <= DuplicateAtOnce
}

// lastSent is when the bytes at seq were seen; of those that were acknowledged since,
// it is only known that it was no later than this.
func (h *half) lastSent(seq uint32) int64 {
	if h.out != nil {
		if e := h.out.find(seq); e != nil {
			return e.at.time
		}
	}
	return h.lastData.time
}

func (t *Table) olderCopy(f *Flow, d Side, s *segment, original At) {
	h := &f.half[d]
	h.segments--
	if h.prints[0].of == s.print {
		h.prints[0] = h.prints[1]
	}
	t.duplicate(f, s.at, original)
}

// again records a data segment all of whose bytes were seen before.
func (t *Table) again(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	if h.next-s.seq > uint32(min(h.pos, plausible)) && !h.is(halfSYN) {
		return // from before the capture began
	}
	t.compare(f, d, s)
	if f.older(d, s, h.lastSent(s.seq)) {
		t.olderCopy(f, d, s, At{})
		return
	}
	f.retransmissions[d]++
	e := Retransmission{At: s.at, From: d}
	t.enqueue(h)
	if h.out != nil {
		if o := h.out.find(s.seq); o != nil {
			e.Original = o.at.at()
			o.count++
		}
	}
	if e.Original == (At{}) && s.seq == h.sampleStart && f.firstData[d].seen() {
		e.Original = h.lastData.at()
	}
	t.retransmitted(f, e)
}

func (t *Table) retransmitted(f *Flow, e Retransmission) {
	r := t.rare(f)
	r.resizing(e)
	if len(r.Retransmissions) < MaxRetransmission {
		r.Retransmissions = append(r.Retransmissions, e)
		return
	}
	r.Retransmissions[MaxRetransmission-1] = e // the last is worth more than the one before
}

// compare looks whether bytes that were sent again are still the same. Only a
// few bytes of few segments are kept to compare with, so that it may miss a
// conflict, but never cries wolf.
func (t *Table) compare(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	if len(s.data) < int(s.n) || f.firstData[d].where == 0 {
		return
	}
	a, n := h.sample, h.sampleLen
	if s.seq != h.sampleStart {
		if h.out == nil {
			return
		}
		e := h.out.find(s.seq)
		if e == nil || e.start != s.seq {
			return
		}
		a, n = e.sample, e.sampled
	}
	if !sameSample(a, n, sampleOf(s.data), saturated(uint32(len(s.data)))) {
		t.conflict(f, d, s.at)
	}
}

func (t *Table) conflict(f *Flow, d Side, at At) {
	r := t.rare(f)
	if r.Conflicts[d]++; !r.FirstConflict.Seen() {
		r.FirstConflict = at
	}
}

// outOfWindow sets a segment aside that lies nowhere near what its sender sent
// before. If the other side acknowledges bytes there, the capture lost more
// than can be told and the stream goes on from there.
func (t *Table) outOfWindow(f *Flow, d Side, s *segment) {
	h, o := &f.half[d], &f.half[d^1]
	t.rare(f).OutOfWindow++
	if s.n == 0 || h.is(halfEnded) {
		return
	}
	if n := int32(s.seq - o.acks); !o.is(halfAcks) || before(o.acks, h.next) || n < -window || n > window {
		return
	}
	t.flushHalf(f, d)
	if n := int32(s.seq - h.next); n > 0 {
		t.missing(f, d, s.at, int64(n), GapLost)
		t.inOrder(f, d, s, 0)
	}
}

// reset records a RST.
func (t *Table) reset(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	r := t.rare(f)
	if len(r.Resets) < MaxResets {
		r.Resets = append(r.Resets, f.resetOf(d, s))
	} else {
		r.Omitted++
	}
	first := !h.is(halfRST)
	h.flags |= halfRST
	f.flags |= flowReset | flowEnding
	if !f.answers(d, flowSentSYN|flowSentData) {
		f.flags &^= flowSentSYN | flowSentData
	}
	if first && !f.Ignore && t.handler != nil {
		t.handler.End(f, d, s.at, EndRST)
	}
	if f.waits > 0 {
		t.resolve(f, s)
	}
	t.settle(f, s)
}

func (f *Flow) resetOf(d Side, s *segment) Reset {
	h, o := &f.half[d], &f.half[d^1]
	e := Reset{
		seq: s.seq, ack: s.ack, At: s.at, From: d, TTL: s.ttl, ID: s.id, V6: s.v6, Window: s.window,
		HasAck: s.is(flagACK), Timestamps: s.hasTS, Payload: int(s.n),
		OtherTTL: h.ttl, MinTTL: h.minTTL, MaxTTL: h.maxTTL, OtherID: h.lastID,
		Others:     h.packets - 1 - f.resetsOf(d),
		AnswersSYN: f.answers(d, flowSentSYN) && !(h.is(halfSYN) && s.seq == h.next), AnswersData: f.answers(d, flowSentData),
		AfterOwnFIN: h.is(halfFIN), AfterOtherFIN: o.is(halfFIN),
		SeqIsAck: o.packets > 0 && s.seq == o.acks, // 0 while nothing was
	}
	if h.is(halfStarted) {
		next := h.end()
		if h.is(halfFIN) {
			next++
		}
		e.SeqAhead = int64(int32(s.seq - next))
	}
	return e
}

// resetsOf counts the RSTs of side d before this one.
func (f *Flow) resetsOf(d Side) (n uint32) {
	for i := range f.Rare.Resets {
		if f.Rare.Resets[i].From == d {
			n++
		}
	}
	return n
}

// Times after which a segment was not merely overtaken by a RST: one with new
// bytes beyond the RST's place in the stream, with a new acknowledgement, or
// with bytes from before the RST.
const (
	reordered      = int64(3 * time.Millisecond)
	reorderedAck   = int64(30 * time.Millisecond)
	reorderedBytes = int64(time.Second)
)

// wentOn counts a segment of a side that sent a RST before: data, or a new
// acknowledgement, as if it knew of none.
func (f *Flow) wentOn(d Side, s *segment) {
	h := &f.half[d]
	if s.is(flagSYN) {
		return // the same SYN once more
	}
	ack := s.is(flagACK) && h.is(halfAcks) && before(h.acks, s.ack)
	for i := range f.Rare.Resets {
		e := &f.Rare.Resets[i]
		if e.From != d {
			continue
		}
		passed := s.at.Time - e.At.Time
		switch {
		case s.n > 0 && passed > reorderedBytes:
		case s.n > 0 && passed > reordered && before(h.next, s.end()) && before(e.seq, s.end()):
		case ack && passed > reorderedAck:
		default:
			continue
		}
		if e.WentOn++; e.WentOn == 1 {
			e.WentOnFirst = s.at
		}
	}
}
