package reassembly

import "time"

// tomb remembers a connection that left the table, so that its late segments
// are not taken for a new one.
type tomb struct {
	hash  uint64
	until int64
	next  [2]uint32 // the next sequence numbers
	first uint32    // of the hash of side 0's endpoint
	known [2]bool
}

// tombs are a ring in the order of their making: the oldest go first, and when
// their time is over. places is open-addressed: a hash leads to a place in the
// ring, counted from 1.
type tombs struct {
	ring   []tomb
	places []slot // twice as many as ring has; a power of two
	head   int    // the oldest
	used   int
	limit  int
}

const firstTombs = 1 << 8

func (t *tombs) init(limit int) { t.limit = limit }

// find gives the index in places where hash is, or would be.
func (t *tombs) find(hash uint64) (i uint32, found *tomb) {
	mask := uint32(len(t.places) - 1)
	for i = uint32(hash) & mask; ; i = (i + 1) & mask {
		p := t.places[i]
		if p.id == 0 {
			return i, nil
		}
		if p.hash != uint32(hash) {
			continue
		}
		if e := &t.ring[p.id-1]; e.hash == hash {
			return i, e
		}
	}
}

func (t *tombs) add(f *Flow, hash uint64, now int64, period time.Duration) {
	e := tomb{hash: hash, until: f.clock + int64(period), first: f.tuple.first()}
	for i := range f.half {
		e.next[i], e.known[i] = f.half[i].end(), f.half[i].is(halfStarted)
	}
	if t.used > 0 {
		if _, old := t.find(hash); old != nil {
			*old = e
			return
		}
	}
	for t.used > 0 && (t.used == t.limit || t.ring[t.head].until <= now) {
		t.removeOldest()
	}
	if t.used == len(t.ring) {
		t.grow()
	}
	place := (t.head + t.used) & (len(t.ring) - 1)
	t.ring[place] = e
	t.used++
	i, _ := t.find(hash)
	t.places[i] = slot{uint32(hash), uint32(place + 1)}
}

// grow doubles the ring.
func (t *tombs) grow() {
	old, head := t.ring, t.head
	t.ring = make([]tomb, max(2*len(old), firstTombs))
	t.places = make([]slot, 2*len(t.ring))
	t.head = 0
	for i := range old {
		t.ring[i] = old[(head+i)&(len(old)-1)]
		p, _ := t.find(t.ring[i].hash)
		t.places[p] = slot{uint32(t.ring[i].hash), uint32(i + 1)}
	}
}

// removeOldest takes the oldest out and closes the hole that it leaves in places.
func (t *tombs) removeOldest() {
	i, _ := t.find(t.ring[t.head].hash)
	t.head = (t.head + 1) & (len(t.ring) - 1)
	t.used--
	mask := uint32(len(t.places) - 1)
	for j := i; ; {
		j = (j + 1) & mask
		p := t.places[j]
		if p.id == 0 {
			break
		}
		// p may move to i unless its own place lies between i and j.
		if (j-p.hash)&mask >= (j-i)&mask {
			t.places[i] = p
			i = j
		}
	}
	t.places[i] = slot{}
}

// first is a hash of side 0's endpoint.
func (t *tuple) first() uint32 { return uint32(mix(endpoint(t.addr[0], t.port[0])^seeds[0], seeds[2])) }

// late tells whether a segment without a flow is a late one of a connection
// that is over: nothing in it is new. A RST without one never begins a flow.
func (t *tombs) late(hash uint64, k *tuple, s *segment) bool {
	if t.used == 0 {
		return false
	}
	_, e := t.find(hash)
	if e == nil || s.clock >= e.until {
		return false
	}
	if s.is(flagRST) {
		return true
	}
	side := 0
	if k.first() != e.first {
		side = 1
	}
	if !e.known[side] {
		return s.n == 0
	}
	// One above next is the FIN's own number.
	d := int32(s.end() - e.next[side])
	return d <= 1 && d > -plausible
}
