package analyze

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
	"github.com/wsleuth/wsleuth/reassembly"
)

// moment is where in the course of a capture something happened: at a packet,
// or when the timers looked at a connection whose deadline was over. It is the
// same whichever goroutine sees it.
type moment struct {
	clock, deadline int64 // deadline: of timers; atPacket at a packet
	file            int32
	packet          int64
}

// atPacket comes behind all deadlines: timers run before the packet that moved
// the clock is looked at.
const atPacket = math.MaxInt64

func (a *moment) compare(b *moment) int {
	return cmp.Or(cmp.Compare(a.clock, b.clock), cmp.Compare(a.deadline, b.deadline), cmp.Compare(a.file, b.file), cmp.Compare(a.packet, b.packet))
}

func momentOf(p *capture.Packet) moment {
	return moment{clock: p.Clock, deadline: atPacket, file: p.File, packet: p.Number}
}

// event is what the collector has to know: a finished connection, polling, a
// DNS message, a refused connection, or else a request.
type event struct {
	at    moment
	conn  *record.Connection
	poll  *track.Poll
	named *track.Named
	// refused is a RST that answers a SYN.
	refused record.Ref
	ask     correlate.Handshake
}

// chunk is some events of a round, in order; last: there are no more.
type chunk struct {
	events []event
	last   bool
}

// shard follows the connections that fall to it.
type shard struct {
	number  int32
	table   *reassembly.Table
	tracker *track.Tracker
	in      chan *hand
	out     chan chunk
	spare   chan []event

	packet packet // at hand
	timers bool   // the timers run
	events []event

	mu       sync.Mutex
	returned []*record.Facts // by the collector
	recycled []*record.Facts
}

// newShard makes one of several shards; limits are its part of theirs.
func newShard(number int32, o track.Options, limits reassembly.Limits) *shard {
	s := &shard{number: number, in: make(chan *hand, roundsAhead), out: make(chan chunk, chunksAhead), spare: make(chan []event, chunksAhead+2)}
	o.Emit = func(c *record.Connection, _ int64) {
		c.Facts.Shard = number
		s.add(event{conn: c})
	}
	o.Asked = func(a *track.Ask) { s.add(event{ask: handshakeAsked(a)}) }
	o.Polled = func(p track.Poll) { s.add(event{poll: &p}) }
	o.Named = func(n *track.Named) {
		own := *n
		own.Message = slices.Clone(n.Message)
		s.add(event{named: &own})
	}
	o.Refused = func(at record.Ref) { s.add(event{refused: at}) }
	s.tracker = track.New(o)
	s.table = reassembly.New(reassembly.Options{Handler: s.tracker, Limits: limits})
	return s
}

// run follows the packets of each round, and closes what is left in the end.
func (s *shard) run() {
	for h := range s.in {
		for i := range h.packets {
			if i%reassembly.TouchBatch == 0 && s.table.Len() > manyFlows {
				s.touch(h.packets[i:])
			}
			s.follow(h, &h.packets[i])
		}
		s.advance(h.clock)
		s.send(true)
	}
	s.timers = true
	s.table.Close()
	s.send(true)
}

func (s *shard) follow(h *hand, d *dealt) {
	s.advance(d.clock)
	p, ip := &s.packet.p, &s.packet.ip
	o := &h.origins[d.origin]
	p.Number, p.Time, p.Clock, p.File, p.Vantage = d.number, d.time, d.clock, o.file, o.vantage
	if d.data != nil {
		ip.DecodePlain(d.data, d.extra)
	} else {
		ip = &h.others[d.extra]
	}
	s.table.PacketHashed(p, ip, d.hash)
}

// manyFlows is the number of flows, of some 2 KiB each, that a core's own caches
// do not hold beside the packets.
const manyFlows = 1 << 12

// touch brings what the next packets need into the cache.
func (s *shard) touch(packets []dealt) {
	var hashes [reassembly.TouchBatch]uint64
	packets = packets[:min(len(packets), len(hashes))]
	for i := range packets {
		hashes[i] = packets[i].hash
	}
	s.table.Touch(hashes[:len(packets)])
}

func (s *shard) advance(clock int64) {
	s.timers = true
	s.table.Advance(clock)
	s.timers = false
}

func (s *shard) add(e event) {
	if !s.timers {
		e.at = momentOf(&s.packet.p)
	} else {
		x := s.table.Ending()
		e.at = moment{clock: x.Looked, deadline: x.Deadline, file: x.First.File, packet: x.First.Packet}
	}
	if s.events = append(s.events, e); len(s.events) >= chunkEvents {
		s.send(false)
	}
}

func (s *shard) send(last bool) {
	for i := range s.events {
		if c := s.events[i].conn; c != nil {
			s.tracker.Fill(c)
		}
	}
	s.out <- chunk{s.events, last}
	s.recycle()
	s.recycle()
	select {
	case s.events = <-s.spare:
	default:
		s.events = make([]event, 0, chunkEvents)
	}
}

// giveBack takes the facts of a connection that the collector is done with.
func (s *shard) giveBack(f *record.Facts) {
	s.mu.Lock()
	s.returned = append(s.returned, f)
	s.mu.Unlock()
}

func (s *shard) recycle() {
	s.mu.Lock()
	s.returned, s.recycled = s.recycled[:0], s.returned
	s.mu.Unlock()
	for i, f := range s.recycled {
		s.tracker.Recycle(f)
		s.recycled[i] = nil
	}
}

// stream is what one shard tells of a round.
type stream struct {
	from *shard
	chunk
	next int
}

// head is the next event of the round; nil behind the last.
func (t *stream) head() *event {
	for t.next >= len(t.events) {
		if t.last {
			return nil
		}
		t.turn()
	}
	return &t.events[t.next]
}

// turn takes the next chunk.
func (t *stream) turn() {
	if t.events != nil {
		clear(t.events)
		select {
		case t.from.spare <- t.events[:0]:
		default:
		}
	}
	t.chunk, t.next = <-t.from.out, 0
}

// gather gives the collector what the shards find, in the order of the capture.
func (s *shards) gather() {
	streams := make([]stream, len(s.all))
	for i := range streams {
		streams[i].from = s.all[i]
	}
	for r := range s.rounds {
		s.merge(streams, r.names)
		if s.collect.err != nil {
			s.failed.Store(true)
		}
		// The shards have told their last of the round: nobody reads it any more.
		caught := r.caught
		if r.clear(); caught != nil {
			close(caught)
		} else {
			s.free <- r
		}
	}
	s.merge(streams, nil) // what ends with the capture
}

// merge takes one round's events.
func (s *shards) merge(streams []stream, names []packet) {
	for i := range streams {
		streams[i].turn()
	}
	for {
		var best *stream
		var first *event
		for i := range streams {
			if e := streams[i].head(); e != nil && (first == nil || e.at.compare(&first.at) < 0) {
				best, first = &streams[i], e
			}
		}
		for len(names) > 0 {
			at := momentOf(&names[0].p)
			if first != nil && first.at.compare(&at) < 0 {
				break
			}
			s.collect.names.packet(&names[0].p, &names[0].ip)
			names = names[1:]
		}
		if first == nil {
			s.collect.flush()
			return
		}
		s.collect.take(first)
		best.next++
	}
}

// take takes what a shard found.
func (k *collector) take(e *event) {
	switch {
	case e.conn != nil:
		k.add(e.conn, 0)
	case e.poll != nil:
		k.polled(*e.poll)
	case e.named != nil:
		k.named(e.named)
	case e.refused.Seen():
		k.refused(e.refused)
	default:
		k.asked(&e.ask)
	}
}

// looksUp: the packet may be of a look-up of a name.
func looksUp(ip *link.IP) bool {
	b := ip.Payload
	return len(b) >= 4 && (ip.Protocol == link.ProtocolUDP || ip.Protocol == link.ProtocolTCP) && (port(b, 0) == dnsPort || port(b, 2) == dnsPort)
}

// follows: the packet may be what follows a look-up: a connection's first, or
// the news that the server of names cannot be reached.
func follows(ip *link.IP) bool {
	b := ip.Payload
	switch ip.Protocol {
	case link.ProtocolTCP:
		return len(b) >= 20 && b[13]&0x12 == 0x02 // SYN without ACK
	case link.ProtocolICMP, link.ProtocolICMPv6:
		return true
	}
	return false
}
