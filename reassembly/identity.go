package reassembly

// renewal is a SYN with another initial sequence number on a flow that is not
// over: a new connection if it is answered or repeated.
type renewal struct {
	side    Side
	network int32
	seg     segment // without its payload
	k       tuple   // side's endpoint first
}

// identity tells which flow a segment with SYN or RST, or any that follows an
// undecided SYN, belongs to: f itself, a new one in its place (with the side
// that sent the segment), or none at all (nil).
func (t *Table) identity(f *Flow, d Side, s *segment) (*Flow, Side) {
	if f.flags&flowRenewal != 0 {
		r := f.Rare.renewal
		answers := d != r.side && s.flags&(flagSYN|flagRST) != 0 && s.is(flagACK) && s.ack == r.seg.seq+1
		repeats := d == r.side && s.is(flagSYN) && s.seq == r.seg.seq
		switch {
		case answers || repeats:
			if repeats {
				return t.replace(f, s), 0
			}
			return t.replace(f, s), 1
		case d == r.side && s.n > 0:
			f.flags &^= flowRenewal // it goes on with the old connection
		}
	}
	switch s.flags & (flagSYN | flagACK | flagRST) {
	case flagSYN:
		return t.secondSYN(f, d, s)
	case flagSYN | flagACK:
		return t.secondSYNACK(f, d, s)
	}
	return f, d
}

func (t *Table) secondSYN(f *Flow, d Side, s *segment) (*Flow, Side) {
	h, o := &f.half[d], &f.half[d^1]
	switch {
	case h.is(halfSYN):
		if s.seq+1 == h.base() {
			return f, d // repeated
		}
		if o.packets == 0 && h.pos == 0 {
			return t.restart(f, d, s) // the other one was never answered
		}
	case h.packets == 0 && o.is(halfSYN):
		// The SYN-ACK was captured before the SYN, or both ends opened at once.
		if n := int32(o.acks - (s.seq + 1)); !f.synack.seen() || o.is(halfAcks) && n >= 0 && n < window {
			return f, d
		}
	case h.packets == 0 && o.packets == 0:
		return f, d // f is new
	case h.packets == 0 && f.refused(s):
		return f, d
	}
	if f.ended() {
		return t.restart(f, d, s)
	}
	r := &renewal{side: d, seg: *s, network: s.network}
	t.rare(f).renewal = r
	f.flags |= flowRenewal
	r.seg.data, r.seg.n = nil, 0
	r.k = f.tuple
	if d == 1 {
		r.k = f.tuple.reversed()
	}
	f.clock = s.clock
	return nil, d
}

// refused tells whether all there is of f is the RST that answers the SYN s: two
// queues of the capture may have put them in the wrong order.
func (f *Flow) refused(s *segment) bool {
	if f.flags&flowReset == 0 || f.half[0].packets+f.half[1].packets != 1 {
		return false
	}
	e := &f.Rare.Resets[0]
	if e.seq != 0 || !e.HasAck || e.ack != s.seq+1 {
		return false
	}
	// RFC 9293, 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
	e.AnswersSYN = true
	return true
}

func (t *Table) secondSYNACK(f *Flow, d Side, s *segment) (*Flow, Side) {
	h, o := &f.half[d], &f.half[d^1]
	fits := !o.is(halfSYN) || s.ack-o.base() <= uint32(max(o.pos, 0))
	switch {
	case h.is(halfSYN) && s.seq+1 == h.base():
		return f, d // repeated
	case !h.is(halfSYN) && fits && h.pos == 0:
		return f, d
	case f.ended():
		return t.restart(f, d, s)
	case h.is(halfSYN) && fits && h.pos == 0 && h.wait == nil && !f.established.seen():
		// Another server answered the repeated SYN, or the same one forgot.
		h.flags &^= halfSYN | halfStarted
		o.flags &^= halfAcks
		return f, d
	}
	t.rare(f).OutOfWindow++
	return nil, d
}

// restart closes f and begins another flow with s.
func (t *Table) restart(f *Flow, d Side, s *segment) (*Flow, Side) {
	k, vantage := f.tuple, f.Vantage
	if d == 1 {
		k = f.tuple.reversed()
	}
	f.flags &^= flowRenewal
	t.reused(f, s)
	return t.create(k.hash(vantage), &k, vantage, s), 0
}

// replace closes f for the sake of its undecided SYN. The new flow begins with
// that SYN.
func (t *Table) replace(f *Flow, s *segment) *Flow {
	r, vantage := *f.Rare.renewal, f.Vantage
	f.flags &^= flowRenewal
	t.reused(f, s)
	return t.renew(&r, vantage)
}

// renew begins a flow with an undecided SYN.
func (t *Table) renew(r *renewal, vantage int32) *Flow {
	f := t.create(r.k.hash(vantage), &r.k, vantage, &r.seg)
	t.segment(f, 0, &r.seg)
	return f
}

// reused ends a flow because another begins with the same addresses.
func (t *Table) reused(f *Flow, s *segment) {
	if !f.Ignore && !f.ended() && t.handler != nil {
		at := s.at
		for d := range f.half {
			if !f.half[d].is(halfEnded) && f.half[d].packets > 0 {
				t.handler.End(f, Side(d), at, EndReused)
			}
		}
	}
	t.finish(f, s.clock, false)
}
