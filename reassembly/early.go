package reassembly

import (
	"slices"
	"time"
)

// Packets of both directions may reach a capture through different queues, so
// that an answer stands before what it answers. Its acknowledgement number
// tells: the bytes that it acknowledges were sent before. Such a segment waits
// a moment for them, and with it all that follows on its connection.

const (
	// HeldFor is how long a segment waits for bytes that it acknowledges.
	HeldFor = int64(time.Millisecond)
	// MaxHeld bounds the segments of a flow that wait, maxHolding the flows that have some.
	MaxHeld    = 8
	maxHolding = 256
	// maxInVain is how often the bytes may fail to come: then they were
	// lost, and those that follow are not waited for.
	maxInVain = 8
)

// held is a segment that waits; its data is a copy.
type held struct {
	segment
	side Side
}

// early tells whether s, which h sent, carries something and acknowledges what
// o did not send so far.
func (f *Flow) early(h, o *half, s *segment) bool {
	if s.n == 0 && !s.is(flagFIN|flagRST) || s.flags&(flagSYN|flagACK) != flagACK ||
		!o.is(halfStarted) || f.Ignore || f.flags&flowRenewal != 0 || f.Rare != nil && f.Rare.inVain >= maxInVain {
		return false
	}
	if h.is(halfStarted) && h.far(s) {
		return false
	}
	sent := o.end()
	if o.is(halfFIN) {
		sent++
	}
	n := int32(s.ack - sent)
	return n > 0 && n < window
}

// hold keeps s.
func (t *Table) hold(f *Flow, d Side, s *segment) {
	r := t.rare(f)
	if len(r.held) == 0 {
		if len(t.holding) >= maxHolding {
			t.letGo(t.holding[0])
		}
		f.flags |= flowHolds
		t.holding = append(t.holding, f)
		t.wake = min(t.wake, s.clock+HeldFor+1)
	}
	f.clock = s.clock
	r.held = append(r.held, held{*s, d})
	last := &r.held[len(r.held)-1]
	last.data = slices.Clone(s.data)
}

// meanwhile takes a segment of a flow that holds others.
func (t *Table) meanwhile(f *Flow, d Side, s *segment) {
	r := f.Rare
	first := &r.held[0]
	h, o := f.sides(first.side)
	switch {
	case s.is(flagSYN), len(r.held) >= MaxHeld:
		t.letGo(f)
		t.segment(f, d, s)
	case d != first.side && (s.n > 0 || s.is(flagFIN)) && !before(o.next, s.seq):
		at := s.at
		t.place(f, d, s)
		if !f.early(h, o, &first.segment) {
			t.answer(f, at)
		}
	default:
		t.hold(f, d, s)
	}
}

// answer lets go of what waited for the packet at.
func (t *Table) answer(f *Flow, at At) {
	for i := range f.Rare.held {
		if s := &f.Rare.held[i]; s.at.Time <= at.Time {
			s.at.Time = at.Time + 1 // nothing is answered before it was sent
		}
	}
	vain := f.Rare.inVain
	t.letGo(f)
	f.Rare.inVain = vain
}

// letGo places what was held.
func (t *Table) letGo(f *Flow) {
	r := f.Rare
	waited := r.held
	r.held = nil
	r.inVain++
	f.flags &^= flowHolds
	i := slices.Index(t.holding, f)
	t.holding = slices.Delete(t.holding, i, i+1)
	for i := range waited {
		t.place(f, waited[i].side, &waited[i].segment)
	}
}

// letGoOld does so where it lasted too long, each at its own time, whenever the
// table is told of that: what falls due before is closed before.
func (t *Table) letGoOld(clock int64) {
	for len(t.holding) > 0 {
		f := t.holding[0]
		first := &f.Rare.held[0]
		over := first.clock + HeldFor + 1
		switch {
		case over > clock:
			return
		case over >= t.timers.turnAt:
			t.turn(over >> tickBits)
		default:
			t.ending = Ending{Looked: over, Deadline: never - 1, First: first.at}
			t.letGo(f)
		}
	}
}
