package reassembly

import (
	"cmp"
	"math"
	"slices"
)

const (
	tickBits = 28 // a tick is 2^28 ns, about a quarter of a second
	wheel    = 1024
	noSlot   = 0xffff
	never    = math.MaxInt64
)

// timers is a wheel of flow lists. An entry says when to look at a flow, no
// later than its deadline; the deadline itself is computed from the flow, so
// that the result never depends on when the wheel turned.
type timers struct {
	heads  [wheel + 1]uint32 // the last: what is being looked at
	tick   int64             // the next one to be looked at
	turnAt int64             // when it is over; before the first packet: any time
}

// deadline is the capture time at which the flow is over; a packet that comes
// later belongs to another.
func (t *Table) deadline(f *Flow) int64 {
	l := &t.limits
	cares := f.App != 0 && !f.Ignore
	switch {
	case f.half[0].is(halfFIN) && f.half[1].is(halfFIN):
		return f.clock + int64(l.Linger)
	case f.flags&flowReset != 0:
		if cares {
			return f.clock + int64(l.LingerReset)
		}
		return f.clock + int64(l.Linger)
	case f.SYNs > 0 && f.half[1].packets == 0 && f.half[0].pos == 0 && f.half[0].packets == uint32(f.SYNs):
		return f.clock + int64(l.SYNTimeout)
	case cares:
		return never
	}
	return f.clock + int64(l.Idle)
}

// schedule enters the flow into the wheel, unless its entry there is due no
// later than its deadline: then it is entered again when that is looked at.
func (t *Table) schedule(f *Flow) {
	w := &t.timers
	// A deadline falls due when its tick is over.
	tick := w.tick + wheel - 1
	if d := t.deadline(f); d>>tickBits < tick {
		tick = max(d>>tickBits, w.tick)
	}
	if f.slot < wheel && (int64(f.slot)-w.tick)&(wheel-1) <= tick-w.tick {
		return
	}
	t.unschedule(f)
	f.slot = uint16(tick & (wheel - 1))
	f.next = w.heads[f.slot]
	if f.next != 0 {
		t.slab.at(f.next).prev = f.id
	}
	w.heads[f.slot] = f.id
}

func (t *Table) unschedule(f *Flow) {
	if f.slot == noSlot {
		return
	}
	if f.prev != 0 {
		t.slab.at(f.prev).next = f.next
	} else {
		t.timers.heads[f.slot] = f.next
	}
	if f.next != 0 {
		t.slab.at(f.next).prev = f.prev
	}
	f.prev, f.next, f.slot = 0, 0, noSlot
}

// Advance lets the timers run up to a capture time (ns). Packet does so by itself.
func (t *Table) Advance(clock int64) {
	if clock > t.clock {
		t.clock = clock
		if clock >= t.wake {
			t.awake(clock)
		}
	}
}

// awake lets go of what was held long enough, and closes what is due.
func (t *Table) awake(clock int64) {
	t.letGoOld(clock)
	if clock >= t.timers.turnAt {
		t.turn(clock >> tickBits)
	}
	if t.wake = t.timers.turnAt; len(t.holding) > 0 {
		t.wake = min(t.wake, t.holding[0].Rare.held[0].clock+HeldFor+1)
	}
}

// Ending is when the flow that is being closed by the timers became final: the
// capture time at which the timers look for it, which is a whole tick, and its
// deadline; or when a segment had waited for long enough. It does not depend on which packets the table saw, so parts of a
// capture can be followed by a table each and their results put in order.
type Ending struct {
	Looked, Deadline int64
	First            At // the flow's first packet, by which flows of one deadline are closed, or the segment's
}

// Ending tells what Advance, Packet's timers or Close are closing. It has a
// meaning during the handler's calls that they cause.
func (t *Table) Ending() Ending { return t.ending }

// due is a flow whose time is over.
type due struct {
	looked, deadline int64
	first            uint64 // mark.where
	flow             *Flow
}

func (t *Table) due(f *Flow) due {
	d := t.deadline(f)
	return due{(d>>tickBits + 1) << tickBits, d, f.first.where, f}
}

func (a due) compare(b due) int {
	if a.looked == b.looked && a.deadline == b.deadline {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.flow.tuple.network, b.flow.tuple.network))
	}
	if a.looked < b.looked || a.looked == b.looked && a.deadline < b.deadline {
		return -1
	}
	return 1
}

// turn closes the flows of all ticks before tick, in the order of their deadlines.
func (t *Table) turn(tick int64) {
	w := &t.timers
	from := w.tick
	if w.turnAt == math.MinInt64 {
		from = tick
	}
	w.tick, w.turnAt = tick, (tick+1)<<tickBits
	all := t.dues[:0]
	for i := max(from, tick-wheel); i < tick; i++ {
		w.fire(&t.slab, uint16(i&(wheel-1)))
		for w.heads[wheel] != 0 {
			f := t.slab.at(w.heads[wheel])
			if d := t.due(f); d.deadline>>tickBits < tick {
				t.unschedule(f)
				all = append(all, d)
			} else {
				t.schedule(f)
			}
		}
	}
	slices.SortFunc(all, due.compare)
	for i := 0; i < len(all); i++ {
		if i%TouchBatch == 0 && len(all) > TouchBatch {
			t.touchDue(all[i:])
		}
		d := all[i]
		if d.flow.first.where != d.first {
			continue // it had to make room meanwhile
		}
		t.ending = Ending{Looked: d.looked, Deadline: d.deadline, First: d.flow.First()}
		begun := t.finish(d.flow, d.deadline, false)
		if begun == nil {
			continue
		}
		// Its SYN may be long ago, too.
		if next := t.due(begun); next.deadline>>tickBits < tick {
			t.unschedule(begun)
			next.looked = max(next.looked, d.looked+1<<tickBits)
			at, _ := slices.BinarySearchFunc(all[i+1:], next, due.compare)
			all = slices.Insert(all, i+1+at, next)
		}
	}
	clear(all)
	t.dues = all[:0]
}

// fire moves a list to where turn takes flows from: they may be scheduled into
// the same slot again, and others may leave the table meanwhile.
func (w *timers) fire(s *slab, slot uint16) {
	w.heads[wheel], w.heads[slot] = w.heads[slot], 0
	for id := w.heads[wheel]; id != 0; {
		f := s.at(id)
		f.slot = wheel
		id = f.next
	}
}
