package reassembly

// Nearly all segments of a connection carry on where their sender stopped: with
// one test for that, they are spared the many tests for what seldom happens.

// carriesOn tells whether s begins where h, its sender, stopped, and neither
// opens, ends nor lacks anything; nothing of the flow waits or is in doubt.
func (f *Flow) carriesOn(h *half, s *segment) bool {
	const sender = halfStarted | halfEnded | halfRST | halfZero
	return s.seq == h.next && s.flags&(flagSYN|flagFIN|flagRST|flagACK) == flagACK && h.flags&sender == halfStarted &&
		f.flags&(flowRenewal|flowICMP) == 0 && f.waits == 0 && !f.Ignore && s.window > 0 && len(s.data) == int(s.n)
}

// carryOn is examine for such segments.
func (t *Table) carryOn(f *Flow, d Side, h, o *half, s *segment) {
	at := s.at.mark()
	// printNew and remember in one.
	if !h.sentAfter(s) {
		h.print(s)
		if s.id != 0 {
			h.lastID = s.id
		}
	} else if at.time-h.last.time > DuplicateWithin {
		h.print(s)
	}
	h.last, f.clock = at, s.clock
	f.flags = f.flags&^(flowLast1|flowFrom1|flowSentSYN|flowSentData) | uint16(d)*(flowLast1|flowFrom1)
	if h.packets++; s.hasTS {
		h.flags |= halfTS
	}
	h.seen(s)
	t.ack(f, h, o, s)
	if s.n > 0 {
		f.flags |= flowSentData
		if s.n == 1 && o.is(halfZero) {
			f.probed(d)
		}
		h.flags &^= halfSoft | halfGuess
		h.segments++
		h.maxSegment = max(h.maxSegment, saturated(s.n))
		t.track(h, o, s.n, at, s.data)
		f.data(d, at)
		h.next += s.n
		h.pos += int64(s.n)
		if t.handler != nil {
			t.handler.Data(f, d, s.at, s.data)
		}
	}
	if f.Ignore {
		t.settle(f, s)
	}
}
