package reassembly

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// Default limits. Times are in capture time.
const (
	// DefaultFlows bounds how many flows are open at once.
	DefaultFlows = 4 << 20
	// DefaultWaitingPerFlow and DefaultWaiting bound the memory of bytes that
	// wait for others before them, of one side of a flow and in all. Each
	// waiting segment costs at least a page of 2 KiB.
	DefaultWaitingPerFlow = 4 << 20
	DefaultWaiting        = 128 << 20
	// DefaultSYNTimeout ends a flow of SYNs without an answer. Linux repeats
	// them up to 64 s apart.
	DefaultSYNTimeout = 75 * time.Second
	// DefaultLinger is how long a flow stays after both FINs, or after a RST
	// in a flow that its handler ignores or that never came to be, for the
	// segments that still follow. What comes later is known by its tombstone.
	DefaultLinger = 4 * time.Second
	// DefaultLingerReset is the same after a RST while the connection was in
	// use: if it was forged, its alleged sender goes on.
	DefaultLingerReset = 10 * time.Second
	// DefaultIdle ends flows that no handler cares for.
	DefaultIdle = 15 * time.Minute
	// DefaultTombstone is how long segments of a connection that left the
	// table are recognised.
	DefaultTombstone = 2 * time.Minute
	// DefaultTombstones bounds how many are kept.
	DefaultTombstones = 1 << 16
)

// Limits bound what a table holds. Zero values stand for the defaults.
type Limits struct {
	Flows, Tombstones                                      int
	Waiting, WaitingPerFlow                                int64 // bytes
	SYNTimeout, Linger, LingerReset, Idle, TombstonePeriod time.Duration
}

// Share is the part of the limits that each of n tables has which together
// follow the connections of one run.
func (l Limits) Share(n int) Limits {
	l.defaults()
	l.Flows, l.Tombstones = max(l.Flows/n, 1), max(l.Tombstones/n, 1)
	l.Waiting = max(l.Waiting/int64(n), min(l.WaitingPerFlow, l.Waiting))
	return l
}

// Options of a table.
type Options struct {
	Handler Handler
	Limits  Limits
}

func (l *Limits) defaults() {
	set(&l.Flows, DefaultFlows)
	set(&l.Tombstones, DefaultTombstones)
	set(&l.Waiting, DefaultWaiting)
	set(&l.WaitingPerFlow, DefaultWaitingPerFlow)
	set(&l.SYNTimeout, DefaultSYNTimeout)
	set(&l.Linger, DefaultLinger)
	set(&l.LingerReset, DefaultLingerReset)
	set(&l.Idle, DefaultIdle)
	set(&l.TombstonePeriod, DefaultTombstone)
}

func set[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Counters are totals of a table.
type Counters struct {
	Connections int64 // TCP connections seen
	Peak        int   // most of them at once
	LetGo       int64 // flows that ended early because of Limits.Flows
	Late        int64 // segments of connections that had left the table
	Malformed   int64 // TCP packets whose header is cut or contradicts itself
}

// Table follows TCP connections. It is not safe for concurrent use.
type Table struct {
	Counters Counters

	handler     Handler
	toucher     Toucher // the handler, if it is one
	limits      Limits
	clock       int64
	wake        int64 // when Advance has something to do
	index       index
	slab        slab
	timers      timers
	tombs       tombs
	disorder    disorder
	freeOut     *outstanding
	freeClosing *closing
	freeRare    []*Rare
	holding     []*Flow // have segments that wait
	ending      Ending
	dues        []due
	soonest     int64  // no flow is over before it was silent for so long
	walked      uint32 // where Walk goes on
	touched     uint32 // keeps Touch from being optimised away
	apps        [TouchBatch]uint32
	seg         segment
	key         tuple
}

// New makes a table.
func New(o Options) *Table {
	o.Limits.defaults()
	t := &Table{handler: o.Handler, limits: o.Limits, clock: math.MinInt64, wake: math.MinInt64}
	t.toucher, _ = o.Handler.(Toucher)
	t.soonest = int64(min(o.Limits.Linger, o.Limits.LingerReset, o.Limits.SYNTimeout, o.Limits.Idle))
	t.timers.turnAt = math.MinInt64
	t.index.init()
	t.tombs.init(o.Limits.Tombstones)
	return t
}

// Len is how many flows the table holds now.
func (t *Table) Len() int { return t.slab.used }

// Packet takes the next packet of the capture: TCP segments and ICMP errors
// about them; others only move the clock. Nothing of p and ip is kept.
func (t *Table) Packet(p *capture.Packet, ip *link.IP) { t.PacketHashed(p, ip, 0) }

// PacketHashed is Packet for callers that know the packet's FlowHash.
func (t *Table) PacketHashed(p *capture.Packet, ip *link.IP, hash uint64) {
	t.Advance(p.Clock)
	switch ip.Protocol {
	case link.ProtocolTCP:
		t.tcp(p, ip, hash)
	case link.ProtocolICMP, link.ProtocolICMPv6:
		t.icmp(p, ip)
	}
}

func (t *Table) tcp(p *capture.Packet, ip *link.IP, h uint64) {
	s := &t.seg
	if !s.parse(ip) {
		t.Counters.Malformed++
		return
	}
	t.key.of(ip)
	if h == 0 {
		h = t.key.hash(p.Vantage)
	}
	s.at.Packet, s.at.Time, s.at.File, s.clock = p.Number, p.Time, p.File, p.Clock
	f, side := t.find(h, p.Vantage, s)
	if f == nil {
		if !s.is(flagSYN) && t.tombs.late(h, &t.key, s) {
			t.Counters.Late++
			return
		}
		f, side = t.create(h, &t.key, p.Vantage, s), 0
	}
	t.segment(f, side, s)
}

// find gives the flow of a segment and the side that sent it. The same
// connection inside and outside an encapsulation is one flow.
func (t *Table) find(h uint64, vantage int32, s *segment) (*Flow, Side) {
	mask := t.index.mask
	var other *Flow
	var otherSide Side
	for i := uint32(h) & mask; ; i = (i + 1) & mask {
		e := t.index.slots[i]
		if e.id == 0 {
			break
		}
		if e.hash != uint32(h) {
			continue
		}
		f := t.slab.at(e.id)
		side, ok := f.tuple.sideOf(&t.key)
		if !ok || f.Vantage != vantage {
			continue
		}
		if s.clock >= f.clock+t.soonest && s.clock >= t.deadline(f) {
			t.finish(f, t.deadline(f), false)
			return t.find(h, vantage, s) // the index has changed
		}
		if f.tuple.network == s.network {
			return f, side
		}
		if other == nil && f.fits(side, s) {
			other, otherSide = f, side
		}
	}
	return other, otherSide
}

// sideOf tells which side of t is k's first endpoint, if k's endpoints are
// those of t. Which side it is cannot be foreseen, so nothing branches on it.
func (t *tuple) sideOf(k *tuple) (Side, bool) {
	d := t.addr[0].Lo ^ k.addr[0].Lo | t.addr[0].Hi ^ k.addr[0].Hi | uint64(t.port[0]^k.port[0])
	side := (d | -d) >> 63
	a, b := &k.addr[side&1], &k.addr[side&1^1]
	same := t.addr[0].Lo ^ a.Lo | t.addr[0].Hi ^ a.Hi | uint64(t.port[0]^k.port[side&1]) |
		t.addr[1].Lo ^ b.Lo | t.addr[1].Hi ^ b.Hi | uint64(t.port[1]^k.port[side&1^1])
	return Side(side), same == 0
}

// fits tells whether a segment that came through another encapsulation belongs
// to f by its sequence numbers.
func (f *Flow) fits(d Side, s *segment) bool {
	h, o := f.sides(d)
	if f.printed(h, s) {
		return true
	}
	known := 0
	if h.is(halfStarted) {
		known++
		if s.is(flagSYN) {
			return s.seq+1 == h.base()
		}
		if n := int32(s.seq - h.next); n < -window || n > window {
			return false
		}
	}
	if o.is(halfStarted) && s.is(flagACK) {
		known++
		if n := int32(s.ack - o.next); n < -window || n > window {
			return false
		}
		if s.is(flagSYN) {
			return s.ack == o.base()
		}
	}
	return known == 2 || known == 1 && f.half[0].pos+f.half[1].pos == 0
}

// each calls fn for every flow with these addresses until it says false.
func (t *Table) each(h uint64, k *tuple, vantage int32, fn func(*Flow, Side) bool) {
	mask := t.index.mask
	for i := uint32(h) & mask; t.index.slots[i].id != 0; i = (i + 1) & mask {
		e := t.index.slots[i]
		if e.hash != uint32(h) {
			continue
		}
		f := t.slab.at(e.id)
		if side, ok := f.tuple.sideOf(k); ok && f.Vantage == vantage && !fn(f, side) {
			return
		}
	}
}

// create begins a flow with segment s, which k.addr[0] sent.
func (t *Table) create(h uint64, k *tuple, vantage int32, s *segment) *Flow {
	if t.slab.used >= t.limits.Flows {
		t.makeRoom()
	}
	f := t.slab.get()
	f.Vantage, f.Encapsulation = vantage, s.shown
	f.tuple = *k
	f.tuple.network = s.network
	if s.v6 {
		f.flags |= flowIs6
	}
	f.first, f.clock = s.at.mark(), s.clock
	f.half[0].last = f.first
	f.guessClient()
	t.index.insert(uint32(h), f.id)
	t.Counters.Connections++
	t.Counters.Peak = max(t.Counters.Peak, t.slab.used)
	t.schedule(f)
	return f
}

// guessClient: ephemeral ports are the higher ones.
func (f *Flow) guessClient() {
	f.Client, f.ClientBy = 0, ClientByPort
	if f.tuple.port[0] < f.tuple.port[1] {
		f.Client = 1
	}
}

// Close is the end of the capture: every flow is closed, ordered by its first packet.
func (t *Table) Close() {
	for again := int64(0); t.slab.used > 0; again++ {
		all := make([]*Flow, 0, t.slab.used)
		t.slab.all(func(f *Flow) { all = append(all, f) })
		slices.SortFunc(all, byFirst)
		for i, f := range all {
			if i%TouchBatch == 0 {
				t.touchLast(all[i:min(i+TouchBatch, len(all))])
			}
			t.ending = Ending{Looked: never, Deadline: again, First: f.First()}
			t.finish(f, max(t.clock, f.clock), true)
		}
	}
}

func byFirst(a, b *Flow) int {
	return cmp.Or(a.first.compare(b.first), cmp.Compare(a.tuple.network, b.tuple.network))
}

// finish ends a flow: what waits is handed on, the handler is told, and the
// flow leaves the table. A SYN that nobody decided upon begins another, which
// is the result.
func (t *Table) finish(f *Flow, order int64, last bool) (begun *Flow) {
	if f.flags&flowHolds != 0 {
		t.letGo(f)
	}
	t.flush(f)
	var next renewal
	again := f.flags&flowRenewal != 0
	if again {
		next = *f.Rare.renewal
	}
	t.unschedule(f)
	hash := f.tuple.hash(f.Vantage)
	t.index.remove(uint32(hash), f.id)
	if t.handler != nil {
		t.handler.Closed(f, order, last)
	}
	if !last {
		t.tombs.add(f, hash, t.clock, t.limits.TombstonePeriod)
	}
	t.releaseOut(&f.half[0])
	t.releaseOut(&f.half[1])
	t.releaseClosing(f)
	t.releaseRare(f)
	vantage := f.Vantage
	t.slab.put(f)
	if again { // a SYN that nobody answered began another connection
		return t.renew(&next, vantage)
	}
	return nil
}
