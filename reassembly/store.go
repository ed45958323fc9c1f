package reassembly

// slot is an entry of the index; id 0 is empty.
type slot struct{ hash, id uint32 }

const firstSlots = 1 << 10

// index is an open-addressed table from hashes to places in the slab. Several
// flows may have the same hash.
type index struct {
	slots []slot
	mask  uint32
	used  int
}

func (x *index) init() {
	x.slots, x.mask = make([]slot, firstSlots), firstSlots-1
}

func (x *index) insert(hash, id uint32) {
	if 4*(x.used+1) > 3*len(x.slots) {
		x.grow()
	}
	x.used++
	x.place(slot{hash, id})
}

func (x *index) place(s slot) {
	i := s.hash & x.mask
	for x.slots[i].id != 0 {
		i = (i + 1) & x.mask
	}
	x.slots[i] = s
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, 2*len(old))
	x.mask = uint32(len(x.slots) - 1)
	for _, s := range old {
		if s.id != 0 {
			x.place(s)
		}
	}
}

// remove takes an entry out and closes the hole behind it.
func (x *index) remove(hash, id uint32) {
	i := hash & x.mask
	for x.slots[i].id != id {
		i = (i + 1) & x.mask
	}
	x.used--
	for j := i; ; {
		j = (j + 1) & x.mask
		s := x.slots[j]
		if s.id == 0 {
			break
		}
		// s may move to i unless its own place lies between i and j.
		if (j-s.hash)&x.mask >= (j-i)&x.mask {
			x.slots[i] = s
			i = j
		}
	}
	x.slots[i] = slot{}
}

const (
	chunkBits = 9
	chunkSize = 1 << chunkBits
)

// slab holds the flows in chunks, so that pointers to them stay valid. Ids
// begin at 1.
type slab struct {
	chunks []*[chunkSize]Flow
	free   []uint32
	high   uint32 // ids up to it were handed out
	used   int
	hand   uint32 // where makeRoom goes on
}

func (s *slab) at(id uint32) *Flow { return &s.chunks[id>>chunkBits][id&(chunkSize-1)] }

func (s *slab) get() *Flow {
	s.used++
	if n := len(s.free); n > 0 {
		id := s.free[n-1]
		s.free = s.free[:n-1]
		f := s.at(id)
		f.id, f.slot = id, noSlot
		return f
	}
	s.high++
	if int(s.high>>chunkBits) >= len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkSize]Flow))
	}
	f := s.at(s.high)
	f.id, f.slot = s.high, noSlot
	return f
}

func (s *slab) put(f *Flow) {
	s.used--
	s.free = append(s.free, f.id)
	*f = Flow{}
}

func (s *slab) all(fn func(*Flow)) {
	for id := uint32(1); id <= s.high; id++ {
		if f := s.at(id); f.id != 0 {
			fn(f)
		}
	}
}

// roomSteps bounds how many flows makeRoom looks at.
const roomSteps = 128

// makeRoom drops the longest silent of some flows that no handler cares for or
// that have ended, else of any.
func (t *Table) makeRoom() {
	var idle, any *Flow
	s := &t.slab
	for range roomSteps {
		s.hand = s.hand%s.high + 1
		f := s.at(s.hand)
		if f.id == 0 {
			continue
		}
		if any == nil || f.clock < any.clock {
			any = f
		}
		if (f.Ignore || f.App == 0 || f.flags&flowEnding != 0) && (idle == nil || f.clock < idle.clock) {
			idle = f
		}
	}
	if idle == nil {
		idle = any
	}
	if idle == nil {
		return
	}
	if idle.flags&flowEnding == 0 {
		t.Counters.LetGo++
		r := t.rare(idle)
		r.Limit, r.LetGo = true, true
	}
	idle.flags &^= flowRenewal
	t.finish(idle, t.clock, false)
}

// maxFreeRare bounds the places for uncommon facts that are kept for other flows.
const maxFreeRare = 1 << 12

// rare gives the place for uncommon facts.
func (t *Table) rare(f *Flow) *Rare {
	if f.Rare == nil {
		if n := len(t.freeRare); n > 0 {
			f.Rare, t.freeRare = t.freeRare[n-1], t.freeRare[:n-1]
		} else {
			f.Rare = new(Rare)
		}
	}
	return f.Rare
}

// releaseRare keeps the place and its lists for another flow.
func (t *Table) releaseRare(f *Flow) {
	r := f.Rare
	if r == nil {
		return
	}
	f.Rare = nil
	if len(t.freeRare) == maxFreeRare {
		return
	}
	*r = Rare{Resets: r.Resets[:0], ICMP: r.ICMP[:0], Gaps: r.Gaps[:0], Stalls: r.Stalls[:0], Retransmissions: r.Retransmissions[:0]}
	t.freeRare = append(t.freeRare, r)
}
