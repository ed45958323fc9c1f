package reassembly

// Most packets of most captures belong to flows that nobody reads. Of those
// only what tells connections apart is kept up to date: a look at two lines of
// memory.

// passes tells whether nothing but its place is of interest in s: nobody cares
// for f, which neither opens nor ends.
func (f *Flow) passes(h *half, s *segment) bool {
	const sides = halfStarted | halfAcks | halfSoft
	return f.Ignore && f.App == 0 && f.flags&(flowIgnored|flowEnding|flowRenewal|flowOpening) == flowIgnored &&
		s.flags&(flagSYN|flagFIN|flagRST|flagACK) == flagACK && h.flags&sides == halfStarted|halfAcks
}

// pass counts s.
func (f *Flow) pass(d Side, h *half, s *segment) {
	h.print(s)
	h.last, f.clock = s.at.mark(), s.clock
	f.flags = f.flags&^flowLast1 | uint16(d)*flowLast1
	h.packets++
	if n := int32(s.ack - h.acks); n > 0 && n < plausible {
		h.acks = s.ack
	}
	if off := int32(s.seq - h.next); off < plausible {
		if n := off + int32(s.n); n > 0 {
			h.next += uint32(n)
			h.pos += int64(n)
		}
	}
}
