package reassembly

import "time"

const (
	// An acknowledged hole is given up when AckedSegments wait behind it, or
	// after AckedWait: until then its bytes may have been captured late.
	AckedSegments = 3
	AckedWait     = int64(50 * time.Millisecond)
	// AckedAtLeast is how long it is waited for in any case: packets of both
	// directions come to the capture through different queues.
	AckedAtLeast = int64(time.Millisecond)
	// In a capture of one direction nobody acknowledges. A hole is given up
	// when so much waits behind it, or after so long.
	OneWaySegments = 32
	OneWayBytes    = 64 << 10
	OneWayWait     = int64(time.Second)
)

// skip gives up the first hole.
func (t *Table) skip(f *Flow, d Side, why GapKind) {
	h := &f.half[d]
	e := h.wait
	if len(e.ranges) == 0 {
		t.missing(f, d, f.finAt(d), int64(e.fin-h.next), why)
		t.after(f, d)
		return
	}
	a := t.disorder.assembler
	limit := a.MaxBufferedPagesPerConnection
	a.MaxBufferedPagesPerConnection = 1
	e.why = why
	waited := len(e.ranges)
	t.disorder.assemble(e.key, h.next+1, nil, false, false)
	a.MaxBufferedPagesPerConnection = limit
	if len(e.ranges) == waited {
		e.abandon()
	}
	t.after(f, d)
}

// abandon lets go of what waits. The assembler always skips as it is told; if a
// later version of it does not, bytes are lost, and that is recorded.
func (e *episode) abandon() {
	w := e.ranges[len(e.ranges)-1]
	e.t.rare(e.f).Limit = true
	for i := range e.ranges {
		e.release(&e.ranges[i])
	}
	e.ranges = e.ranges[:0]
	e.t.missing(e.f, e.side, w.at, int64(w.end()-e.f.half[e.side].next), GapLimit)
}

// resolve gives up the holes that will not be filled.
func (t *Table) resolve(f *Flow, s *segment) {
	for d := range f.half {
		for f.half[d].wait != nil {
			why, give := t.giveUp(f, Side(d), s.clock)
			if !give {
				break
			}
			t.skip(f, Side(d), why)
		}
	}
}

// giveUp tells whether to wait no longer for the bytes of the first hole.
func (t *Table) giveUp(f *Flow, d Side, clock int64) (GapKind, bool) {
	h, o := &f.half[d], &f.half[d^1]
	e := h.wait
	next, since := e.fin, e.finClock
	if len(e.ranges) > 0 {
		next, since = e.ranges[0].start, e.ranges[0].clock
	}
	told := clock
	if o.lastAck.seen() { // no later than that the hole was acknowledged, if it was
		told = min(told, o.lastAck.time)
		since = min(since, told)
	}
	acked := e.acked(o, next)
	if acked && (!e.told || e.hole != next) {
		e.told, e.hole, e.ackedClock = true, next, told
	}
	switch {
	case acked && f.flags&flowReset != 0,
		acked && clock-e.ackedClock >= AckedAtLeast && (len(e.ranges) >= AckedSegments || clock-since >= AckedWait):
		return GapLost, true
	case o.packets == 0 && (len(e.ranges) >= OneWaySegments || e.waiting >= OneWayBytes || clock-since >= OneWayWait):
		return GapLimit, true
	case e.cost > t.limits.WaitingPerFlow || len(e.ranges) > 0 && t.disorder.cost > t.limits.Waiting:
		t.rare(f).Limit = true
		return GapLimit, true
	}
	return 0, false
}

// acked tells whether the receiver o acknowledged all before seq.
func (e *episode) acked(o *half, seq uint32) bool {
	return o.is(halfAcks) && !before(o.acks, seq)
}

// flush hands on what waits at the end of a flow.
func (t *Table) flush(f *Flow) {
	for d := range f.half {
		t.flushHalf(f, Side(d))
		h, o := &f.half[d], &f.half[d^1]
		// A single byte may be the number of a FIN that was not captured.
		if n := int32(o.acks - h.next); f.Awaited(Side(d)) && !f.Ignore {
			t.missing(f, Side(d), o.lastAck.at(), int64(n), GapLost)
		}
	}
}

func (t *Table) flushHalf(f *Flow, d Side) {
	h := &f.half[d]
	for h.wait != nil {
		why, next := GapUnfilled, h.wait.fin
		if len(h.wait.ranges) > 0 {
			next = h.wait.ranges[0].start
		}
		if h.wait.acked(&f.half[d^1], next) {
			why = GapLost
		}
		t.skip(f, d, why)
	}
}
