package reassembly

import "time"

// judge tells retransmissions from reordering.
func (e *episode) judge(s *segment, fresh bool, behind, over *waiting) {
	if fresh {
		e.f.data(e.side, s.at.mark())
	}
	switch {
	case !fresh && over != nil && e.f.older(e.side, s, over.at.Time):
		e.t.olderCopy(e.f, e.side, s, over.at)
	case !fresh && over != nil:
		e.f.retransmissions[e.side]++
		e.t.retransmitted(e.f, Retransmission{At: s.at, Original: over.at, From: e.side})
	case behind == nil:
	case e.f.late(e.side, s, behind):
		e.f.retransmissions[e.side]++
		e.t.retransmitted(e.f, Retransmission{At: s.at, From: e.side})
	default:
		e.t.rare(e.f).Reordered++
	}
}

// lateAfter is the time after which a segment that fills a gap was surely sent
// again: the least timeout in use (Linux).
const lateAfter = int64(200 * time.Millisecond)

// late tells whether s, which fills the hole before w, was sent after it: then
// the first copy was lost before it came to the capture.
func (f *Flow) late(d Side, s *segment, w *waiting) bool {
	passed, rtt := s.at.Time-w.at.Time, f.roundTrip()
	if s.id != 0 && w.id != 0 {
		// Most systems count the identification up per connection; some
		// devices on the way number packets as they pass.
		least := reordered
		if rtt > 0 {
			least = min(rtt, reordered)
		}
		switch n := int16(s.id - w.id); {
		case n > 0 && n < 64 && passed >= least:
			return true
		case n < 0 && n > -64:
			return false
		}
	}
	switch {
	case passed >= lateAfter:
		return true
	case rtt == 0:
		return f.half[d^1].dupAcks >= 3 && passed > reordered
	}
	return passed >= max(rtt, reordered)
}

// roundTrip is the handshake's whole round trip, 0 if it is not in the capture.
func (f *Flow) roundTrip() int64 {
	if !f.established.seen() || !f.synack.seen() || f.SYNs != 1 || f.SYNACKs != 1 {
		return 0
	}
	return f.established.time - f.SYN().Time
}
