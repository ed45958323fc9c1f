package reassembly

import "time"

// tomb remembers a connection that left the table, so that its late segments
// are not taken for a new one.
type tomb struct {
	until int64
	first uint64    // hash of side 0's endpoint
	next  [2]uint32 // the next sequence numbers
	known [2]bool
}

// tombs are kept in the order of their making; the oldest go first.
type tombs struct {
	m     map[uint64]tomb
	order []uint64 // ring
	head  int
	limit int
}

func (t *tombs) init(limit int) {
	t.m, t.limit = map[uint64]tomb{}, limit
}

func (t *tombs) add(f *Flow, hash uint64, period time.Duration) {
	e := tomb{until: f.clock + int64(period), first: hashEndpoint(f.tuple.addr[0], f.tuple.port[0])}
	for i := range f.half {
		e.next[i], e.known[i] = f.half[i].end(), f.half[i].is(halfStarted)
	}
	if _, ok := t.m[hash]; !ok {
		if len(t.order) < t.limit {
			t.order = append(t.order, hash)
		} else {
			delete(t.m, t.order[t.head])
			t.order[t.head] = hash
			t.head = (t.head + 1) % t.limit
		}
	}
	t.m[hash] = e
}

// late tells whether a segment without a flow is a late one of a connection
// that is over: nothing in it is new. A RST without one never begins a flow.
func (t *tombs) late(hash uint64, k *tuple, s *segment) bool {
	e, ok := t.m[hash]
	if !ok || s.clock >= e.until {
		return false
	}
	if s.is(flagRST) {
		return true
	}
	side := 0
	if hashEndpoint(k.addr[0], k.port[0]) != e.first {
		side = 1
	}
	if !e.known[side] {
		return s.n == 0
	}
	// One above next is the FIN's own number.
	d := int32(s.end() - e.next[side])
	return d <= 1 && d > -plausible
}
