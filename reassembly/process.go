package reassembly

import "time"

const (
	// plausible is how far a segment may lie from what the flow sent before
	// to belong to it: more than the largest windows in use.
	plausible = 1 << 26
	// window is how far segments of one connection that came through
	// different encapsulations may lie apart.
	window = 1 << 20

	// DuplicateWithin is the time in which the capture's copies of a packet
	// follow each other if their IPv4 identification says that they are
	// copies; DuplicateAtOnce if nothing but their equality does. A genuine
	// retransmission has another identification, and comes later.
	DuplicateWithin = int64(50 * time.Millisecond)
	DuplicateAtOnce = int64(3 * time.Millisecond)
)

// segment records a segment of side d of flow f and hands on its bytes.
func (t *Table) segment(f *Flow, d Side, s *segment) {
	h, o := f.sides(d)
	switch {
	case f.flags&flowHolds != 0:
		t.meanwhile(f, d, s)
	case before(o.next, s.ack) && f.early(h, o, s):
		t.hold(f, d, s)
	default:
		t.place(f, d, s)
	}
}

// place records a segment whose turn it is.
func (t *Table) place(f *Flow, d Side, s *segment) {
	h, o := f.sides(d)
	switch {
	case f.printed(h, s):
		t.copied(f, d, s)
	case f.carriesOn(h, s):
		t.carryOn(f, d, h, o, s)
	case f.passes(h, s):
		f.pass(d, h, s)
	default:
		t.examine(f, d, s)
	}
}

// examine records a segment of which anything may be true.
func (t *Table) examine(f *Flow, d Side, s *segment) {
	h, o := f.sides(d)
	h.printNew(s)
	if s.is(flagSYN|flagRST) || !s.is(flagACK) || f.flags&flowRenewal != 0 {
		// Another flow may have the place in memory of the one before.
		if f, d = t.identity(f, d, s); f == nil {
			return
		}
		if h, o = f.sides(d); h.prints[0].of != s.print {
			h.print(s)
		}
	} else if s.n > 0 && h.is(halfStarted) && h.far(s) && f.ended() {
		f, d = t.restart(f, d, s)
		h, o = f.sides(d)
		h.print(s)
	}
	h.last, f.clock = s.at.mark(), s.clock
	f.flags = f.flags&^flowLast1 | uint16(d)*flowLast1
	if h.packets++; s.hasTS {
		h.flags |= halfTS
	}
	if s.is(flagRST) {
		t.reset(f, d, s)
		return
	}
	h.seen(s)
	if h.is(halfRST) {
		f.wentOn(d, s)
	}
	if (s.window == 0) != h.is(halfZero) {
		t.window(f, d, s)
	}
	if s.is(flagSYN) {
		t.syn(f, d, s)
		s.seq++
	} else if !h.is(halfStarted) {
		h.start(o, s)
	}
	if s.is(flagACK) {
		t.ack(f, h, o, s)
	}
	if s.n > 0 || s.seq != h.next || s.is(flagFIN) {
		t.payload(f, d, s)
	}
	if f.waits > 0 {
		t.resolve(f, s)
	}
	f.remember(d, h, s)
	t.settle(f, s)
}

// settle lets the timers know of a deadline that may have come nearer.
func (t *Table) settle(f *Flow, s *segment) {
	if f.Ignore && f.flags&flowIgnored == 0 {
		f.flags |= flowIgnored
		t.flushHalf(f, 0)
		t.flushHalf(f, 1)
		t.releaseOut(&f.half[0])
		t.releaseOut(&f.half[1])
	} else if !s.is(flagSYN | flagFIN | flagRST) {
		return
	}
	t.schedule(f)
}

// printed tells whether s, which h sent, is a copy of a packet seen just before.
func (f *Flow) printed(h *half, s *segment) bool {
	return (h.prints[0].of == s.print || h.prints[1].of == s.print) && f.copies(h, s)
}

// copies looks closer at a segment whose fingerprint was seen before.
func (f *Flow) copies(h *half, s *segment) bool {
	for _, p := range h.prints {
		if p.of != s.print {
			continue
		}
		if s.id == 0 && s.is(flagSYN|flagRST) && uint32(f.last().time>>10) != p.time {
			return false // hosts send the same RST, or SYN-ACK, for each packet that asks for it
		}
		passed := int64(uint32(s.at.Time>>10)-p.time) << 10
		if passed <= DuplicateAtOnce || s.id != 0 && passed <= DuplicateWithin {
			return true
		}
	}
	return false
}

// print remembers the fingerprint of s.
func (h *half) print(s *segment) {
	h.prints[1] = h.prints[0]
	h.prints[0] = print{s.print, uint32(s.at.Time >> 10)}
}

// printNew does so unless s stands a moment behind what h sent later: it, too,
// may be a copy then.
func (h *half) printNew(s *segment) {
	if !h.sentAfter(s) || s.at.Time-h.last.time > DuplicateWithin {
		h.print(s)
	}
}

// seen takes what every segment but a RST tells.
func (h *half) seen(s *segment) {
	if s.ttl == h.ttl {
		return
	}
	if h.maxTTL == 0 {
		h.minTTL = s.ttl
	}
	h.ttl, h.minTTL, h.maxTTL = s.ttl, min(h.minTTL, s.ttl), max(h.maxTTL, s.ttl)
}

// remember what the next segment of the other side may answer.
func (f *Flow) remember(d Side, h *half, s *segment) {
	if s.id != 0 && !h.sentAfter(s) { // hosts leave it out where they hold no connection
		h.lastID = s.id
	}
	f.flags = f.flags&^(flowFrom1|flowSentSYN|flowSentData) | uint16(d)*flowFrom1
	if s.n > 0 && s.flags&flagSYN == 0 {
		f.flags |= flowSentData
	} else if s.flags&(flagSYN|flagACK) == flagSYN {
		f.flags |= flowSentSYN
	}
}

// far tells whether s lies nowhere near what h sent.
func (h *half) far(s *segment) bool {
	d := int32(s.seq - h.next)
	return d > window || d < -window
}

// start takes the position of a stream whose SYN is not in the capture.
func (h *half) start(o *half, s *segment) {
	h.next = s.seq
	h.flags |= halfStarted | halfSoft
	// What the other side acknowledged before cannot be new: a keep-alive
	// lies one below, a retransmission of what came before the capture more.
	// But the acknowledgement may have reached the capture before its segment.
	if !o.is(halfAcks) {
		return
	}
	overtaken := s.n > 1 && s.at.Time-o.lastAck.time < HeldFor
	if d := int32(o.acks - s.end()); d > 0 && d < plausible || d == 0 && !overtaken {
		h.next = o.acks
	}
	// What lies between the acknowledged and the first data was sent before
	// the capture began, or will be captured late.
	if d := int32(s.seq - o.acks); s.n > 0 && d > 0 && d < window {
		h.next = o.acks
		h.flags |= halfGuess
		h.flags &^= halfSoft
	}
}

// syn records a SYN or SYN-ACK that belongs to the flow.
func (t *Table) syn(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	if s.is(flagACK) {
		if f.SYNACKs++; !f.synack.seen() {
			f.synack = s.at.mark()
			switch n := int32(f.half[d^1].acks - (s.seq + 1)); {
			case f.established.seen():
			case f.half[d^1].is(halfAcks) && n >= 0 && n < window: // the ACK was captured before it
				f.established = f.half[d^1].lastAck
			default:
				f.flags |= flowOpening
			}
		}
		if f.ClientBy == ClientByPort {
			f.Client, f.ClientBy = d.Other(), ClientBySYN
		}
	} else if f.ClientBy != ClientBySYN || f.Client == d { // else both opened at once
		f.SYNs++
		switch {
		case f.first == s.at.mark():
			f.flags |= flowSYNFirst
		case !f.SYN().Seen():
			t.rare(f).syn = s.at
		default:
			t.rare(f).lastSYN = s.at
		}
		if f.ClientBy == ClientByPort {
			f.Client, f.ClientBy = d, ClientBySYN
		}
	}
	if !h.is(halfSYN) {
		h.flags |= halfSYN | halfStarted
		h.flags &^= halfSoft
		h.mss = s.mss
		if h.pos == 0 && h.wait == nil {
			h.next = s.seq + 1
		}
	}
}

// ack takes the acknowledgement that h sends.
func (t *Table) ack(f *Flow, h, o *half, s *segment) {
	switch n := int32(s.ack - h.acks); {
	case !h.is(halfAcks):
		h.flags |= halfAcks
	case n > 0 && n < plausible:
		h.dupAcks = 0
	case n == 0:
		if s.bare() && h.dupAcks < 255 && !h.is(halfZero) {
			h.dupAcks++
		}
		return
	default:
		return
	}
	h.acks, h.lastAck = s.ack, s.at.mark()
	if f.flags&flowOpening != 0 && o.is(halfSYN) && !s.is(flagSYN) {
		f.established = s.at.mark()
		f.flags &^= flowOpening
	}
	t.acknowledge(o, s.ack)
}
