package reassembly

// payload places what a segment carries in its side's stream.
func (t *Table) payload(f *Flow, d Side, s *segment) {
	h, o := f.sides(d)
	off := int32(s.seq - h.next)
	if h.is(halfEnded) && off+int32(s.n) > 0 {
		// RFC 9293, 3.5: a side that sent a FIN sends no more data; off is 1
		// in all its later acknowledgements.
		if s.n > 0 && !f.Ignore {
			t.rare(f).OutOfWindow++
		}
		return
	}
	if off == -1 && s.n <= 1 && !s.is(flagFIN|flagSYN) && f.probe(d, s) {
		return
	}
	if s.n > 0 {
		h.segments++
		h.maxSegment = max(h.maxSegment, saturated(s.n))
		if len(s.data) < int(s.n) {
			t.cut(f, s)
		}
		if f.flags&flowICMP != 0 {
			f.smaller(d, s)
		}
		if s.n == 1 && off == 0 && o.is(halfZero) {
			f.probed(d)
		}
	}
	if off == 1 && h.is(halfSoft) && h.wait == nil {
		h.next++ // its position came from a keep-alive
		off = 0
	}
	switch {
	case f.Ignore:
		t.flushHalf(f, d)
		t.count(f, d, s, int32(s.seq-h.next))
	case off > plausible || off < -plausible:
		t.outOfWindow(f, d, s)
		return
	case h.wait != nil || off > 0:
		t.disordered(f, d, s)
		return
	case s.n > 0 && off+int32(s.n) <= 0:
		t.again(f, d, s)
	case s.n > 0:
		t.inOrder(f, d, s, uint32(-off))
	}
	if s.is(flagFIN) {
		t.fin(f, d, s)
	}
}

// inOrder hands on the bytes of s, the first skip of which were seen before.
func (t *Table) inOrder(f *Flow, d Side, s *segment, skip uint32) {
	h := &f.half[d]
	h.flags &^= halfSoft | halfGuess
	at := s.at.mark()
	if skip > 0 {
		t.compare(f, d, s)
	}
	n := s.n - skip
	data := s.data[min(int(skip), len(s.data)):]
	t.track(h, &f.half[d^1], n, at, data)
	f.data(d, at)
	t.deliver(f, d, s.at, data, n)
}

// data notes a segment with new bytes.
func (f *Flow) data(d Side, at mark) {
	if f.half[d&1].lastData = at; f.flags&(flowData0<<(d&1)) == 0 {
		f.flags |= flowData0 << (d & 1)
		f.firstData[d&1] = at
	}
}

// deliver hands on n bytes, of which data was captured.
func (t *Table) deliver(f *Flow, d Side, at At, data []byte, n uint32) {
	h := &f.half[d]
	h.next += uint32(len(data))
	h.pos += int64(len(data))
	if len(data) > 0 && !f.Ignore && t.handler != nil {
		t.handler.Data(f, d, at, data)
	}
	if cut := n - uint32(len(data)); cut > 0 {
		t.missing(f, d, at, int64(cut), GapSnapLen)
	}
}

// missing passes over n bytes of a stream.
func (t *Table) missing(f *Flow, d Side, at At, n int64, why GapKind) {
	h := &f.half[d]
	if h.is(halfGuess) {
		// They came before the capture: the stream begins behind them.
		h.flags &^= halfGuess
		h.next += uint32(n)
		return
	}
	r := t.rare(f)
	if len(r.Gaps) < MaxGaps {
		r.Gaps = append(r.Gaps, Gap{At: at, From: d, Offset: h.pos, Length: n, Kind: why})
	} else {
		r.Omitted++
	}
	r.missing[d] += n
	h.next += uint32(n)
	h.pos += n
	if !f.Ignore && t.handler != nil {
		t.handler.Missing(f, d, at, n, why)
	}
}

// fin ends a side's stream; the FIN is in order.
func (t *Table) fin(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	t.closes(f, d, s.at)
	if s.end() != h.next || h.is(halfEnded) {
		return
	}
	t.end(f, d, f.finAt(d))
}

func (t *Table) end(f *Flow, d Side, at At) {
	f.half[d].flags |= halfEnded
	if !f.Ignore && t.handler != nil {
		t.handler.End(f, d, at, EndFIN)
	}
}

// count keeps the position of a stream that nobody reads.
func (t *Table) count(f *Flow, d Side, s *segment, off int32) {
	h := &f.half[d]
	if n := off + int32(s.n); n > 0 && off < plausible {
		h.next += uint32(n)
		h.pos += int64(n)
		f.data(d, s.at.mark())
	} else if s.n > 0 && off > -plausible {
		if f.older(d, s, h.lastData.time) {
			t.olderCopy(f, d, s, At{})
		} else {
			f.retransmissions[d]++
		}
	}
	t.releaseOut(h)
}
