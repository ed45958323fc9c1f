package main

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Directions of a packet within a flow.
const (
	toServer = 0
	toClient = 1
)

// app is the application side of a flow. step queues the next exchange with
// the flow's methods; false means the flow has ended.
type app interface {
	step(g *generator, f *flow) bool
}

// action is one packet a flow is about to send.
type action struct {
	gap            int64 // nanoseconds after the flow's previous packet
	payload        []byte
	dir            uint8
	flags          uint8
	again          bool  // a retransmitted SYN: the sequence number of the one before
	markLo, markHi int32 // flow.marks completed by this packet
}

// mark says that a WebSocket frame, or one part of the handshake, ends at a
// byte of the payload being sent. It is counted once that byte has been sent.
type mark struct {
	end    int
	opcode uint8
	fin    bool
	size   int
}

// hole is a segment lost on the way to the capture point and not yet resent.
type hole struct {
	open  bool
	seq   uint32
	until int64
}

// flow is one TCP connection or UDP exchange.
type flow struct {
	id             uint64
	slot           *slot
	app            app
	client, server endpoint
	udp            bool
	hdr            [2]headerTemplate
	seq            [2]uint32
	hole           [2]hole
	tsoff          [2]uint32
	rtt            int64
	mss            int // as the SYN announces it
	segment        int // largest payload: the MSS less the TCP options

	q       []action // packets of the current step
	qi      int
	buf     []byte // payload the application builds; lives until the next step
	marks   []mark
	unacked [2]int // segments sent since the other side last acknowledged

	started int64
	bytes   int64
	gap     bool // the capture missed a segment of it
	ws      *wsRecord
}

// open queues the three-way handshake.
func (f *flow) open() {
	f.push(toServer, flagSYN, nil, 0)
	f.push(toClient, flagSYN|flagACK, nil, f.rtt*3/4)
	f.push(toServer, flagACK, nil, f.rtt/4)
}

// close queues an orderly teardown begun by dir.
func (f *flow) close(dir uint8, gap int64) {
	f.push(dir, flagFIN|flagACK, nil, gap)
	f.push(1-dir, flagFIN|flagACK, nil, f.rtt/2)
	f.push(dir, flagACK, nil, f.rtt/2)
}

// reset queues a reset from dir.
func (f *flow) reset(dir uint8, gap int64) {
	f.push(dir, flagRST|flagACK, nil, gap)
}

func (f *flow) push(dir, flags uint8, payload []byte, gap int64) {
	f.q = append(f.q, action{gap: gap, payload: payload, dir: dir, flags: flags})
}

// send queues data in one direction as segments no longer than the MSS, with
// the receiver's acknowledgements. marks, with ends relative to data, are the
// WebSocket frames in it.
func (f *flow) send(g *generator, dir uint8, data []byte, gap int64, marks ...mark) {
	if f.udp {
		f.push(dir, 0, data, gap)
		return
	}
	base := int32(len(f.marks))
	f.marks = append(f.marks, marks...)
	done := base
	f.unacked[1-dir] = 0 // this data acknowledges what the other side sent
	for off := 0; off < len(data); {
		n := f.segment
		if g.opt.gro > 1 {
			n *= 1 + g.rng.IntN(g.opt.gro)
		}
		if g.opt.smallSegs > 0 && g.rng.Float64() < g.opt.smallSegs {
			n = 1 + g.rng.IntN(f.segment)
		}
		n = min(n, len(data)-off)
		flags := uint8(flagACK)
		if off+n == len(data) {
			flags |= flagPSH
		}
		a := action{gap: gap, payload: data[off : off+n], dir: dir, flags: flags, markLo: done}
		for int(done) < len(f.marks) && f.marks[done].end <= off+n {
			done++
		}
		a.markHi = done
		f.q = append(f.q, a)
		off += n
		gap = int64(n+80) * 8 * (500 + g.rng.Int64N(1000)) / 1000 // about 1 Gbit/s
		if f.unacked[dir]++; f.unacked[dir] >= 2 {
			f.push(1-dir, flagACK, nil, 20e3)
			f.unacked[dir] = 0
		}
	}
}

// settle queues the delayed acknowledgement of the last data sent by dir.
func (f *flow) settle(dir uint8) {
	if f.unacked[dir] > 0 && !f.udp {
		f.push(1-dir, flagACK, nil, min(f.rtt, 40e6))
		f.unacked[dir] = 0
	}
}

// event is a due packet: the next action of a flow, or a delayed segment.
type event struct {
	at    int64
	order uint64 // breaks ties, so that the output is deterministic
	f     *flow
	late  *lateSegment
	slot  *slot // a flow to be started
}

// lateSegment is a copy of a segment that shows up after its turn.
type lateSegment struct {
	dir     uint8
	flags   uint8
	seq     uint32
	payload []byte
	fills   bool
}

// eventQueue is a binary heap of events, the earliest first.
type eventQueue []event

func (q eventQueue) before(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}

func (q *eventQueue) push(e event) {
	*q = append(*q, e)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.before(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *eventQueue) pop() {
	h := *q
	n := len(h) - 1
	h[0] = h[n]
	h[n] = event{}
	*q = h[:n]
	q.fix()
}

// fix restores the order after the first event has changed.
func (q eventQueue) fix() {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(q) {
			return
		}
		if c+1 < len(q) && q.before(c+1, c) {
			c++
		}
		if !q.before(c, i) {
			return
		}
		q[i], q[c] = q[c], q[i]
		i = c
	}
}

// kind is a class of traffic with its share of the bytes.
type kind struct {
	name  string
	share float64
	rate  float64 // bytes per nanosecond of one flow
	bytes int64
	udp   bool
	start func(g *generator, f *flow) app
}

// slot is a place for one flow at a time; flows follow one another in it.
type slot struct {
	kind           *kind
	client, server int
}

// generator produces the capture.
type generator struct {
	opt    options
	rng    *rand.Rand
	w      *captureWriter
	kinds  []*kind
	events eventQueue
	order  uint64
	flows  uint64
	active map[*flow]struct{}
	pool   pools
	ports  []uint16
	truth  truth
	frame  []byte
	now    int64
}

func (g *generator) schedule(e event) {
	g.order++
	e.order = g.order
	g.events.push(e)
}

// run emits packets in time order until the capture has its size.
func (g *generator) run() error {
	for g.w.size() < g.opt.size && g.w.err == nil {
		e := g.events[0]
		g.now = e.at
		switch {
		case e.slot != nil:
			g.events.pop()
			g.startFlow(e.slot, e.at)
		case e.late != nil:
			g.events.pop()
			g.writeLate(e.f, e.late)
		default:
			// The flow's event is still the first: all others are due later.
			next, more := g.advance(e.f)
			if !more {
				g.events.pop()
				g.finish(e.f)
				continue
			}
			g.order++
			g.events[0].at, g.events[0].order = next, g.order
			g.events.fix()
		}
	}
	for _, f := range slices.SortedFunc(maps.Keys(g.active), func(a, b *flow) int { return cmp.Compare(a.id, b.id) }) {
		g.truth.cutOff(f)
	}
	return g.w.flush()
}

// advance sends the flow's next packet and returns when the one after is due.
func (g *generator) advance(f *flow) (next int64, more bool) {
	a := &f.q[f.qi]
	if h := &f.hole[1-a.dir]; h.open && (len(a.payload) > 0 || a.flags != flagACK) {
		return h.until + f.rtt/4, true // the peer has not got the data it answers
	}
	g.send(f, a)
	f.qi++
	if f.qi == len(f.q) {
		f.q, f.qi, f.buf, f.marks = f.q[:0], 0, f.buf[:0], f.marks[:0]
		if !f.app.step(g, f) || len(f.q) == 0 {
			return 0, false
		}
	}
	return g.now + f.q[f.qi].gap, true
}

// send puts the packet into the capture, or delays, repeats or drops it as
// the impairment rates have it.
func (g *generator) send(f *flow, a *action) {
	if a.again {
		f.seq[a.dir]--
	}
	seq := f.seq[a.dir]
	f.seq[a.dir] += uint32(len(a.payload))
	if a.flags&(flagSYN|flagFIN) != 0 {
		f.seq[a.dir]++
	}
	for _, m := range f.marks[a.markLo:a.markHi] {
		g.truth.mark(f, a.dir, m)
	}
	if len(a.payload) > 0 {
		if r := g.rng.Float64(); r < g.opt.drop {
			g.truth.Dropped++
			f.gap = true
			return
		} else if r -= g.opt.drop; !f.udp && r < g.opt.loss+g.opt.reorder+g.opt.retrans {
			late := &lateSegment{a.dir, a.flags, seq, append([]byte(nil), a.payload...), true}
			switch h := &f.hole[a.dir]; {
			case r < g.opt.loss && !h.open:
				g.truth.Lost++
				until := g.now + f.rtt + 200e6
				if f.qi+4 < len(f.q) {
					until = g.now + f.rtt + f.rtt/4 // fast retransmit
				}
				*h = hole{true, seq, until}
				g.schedule(event{at: until, f: f, late: late})
				return
			case r < g.opt.loss+g.opt.reorder && !h.open && f.qi+1 < len(f.q) &&
				f.q[f.qi+1].dir == a.dir && len(f.q[f.qi+1].payload) > 0:
				g.truth.Reordered++
				until := g.now + f.q[f.qi+1].gap + 1000
				*h = hole{true, seq, until}
				g.schedule(event{at: until, f: f, late: late})
				return
			case r >= g.opt.loss+g.opt.reorder:
				g.truth.Retransmitted++
				late.fills = false
				g.schedule(event{at: g.now + f.rtt + g.rng.Int64N(200e6), f: f, late: late})
			}
		}
	}
	g.write(f, a.dir, a.flags, seq, a.payload)
}

func (g *generator) writeLate(f *flow, l *lateSegment) {
	if l.fills {
		f.hole[l.dir].open = false
	}
	g.write(f, l.dir, l.flags, l.seq, l.payload)
}

func (g *generator) write(f *flow, dir, flags uint8, seq uint32, payload []byte) {
	t := &f.hdr[dir]
	if f.udp {
		g.frame = t.udp(g.frame[:0], payload)
	} else {
		var ack, tsval, tsecr uint32
		if flags&flagACK != 0 {
			ack = f.seq[1-dir]
			if f.hole[1-dir].open {
				ack = f.hole[1-dir].seq
			}
		}
		if g.opt.tcpTimestamps {
			ms := uint32(g.now / 1e6)
			tsval = max(f.tsoff[dir]+ms, 1)
			if flags&flagACK != 0 {
				tsecr = f.tsoff[1-dir] + ms - uint32(f.rtt/2e6)
			}
		}
		g.frame = t.tcp(g.frame[:0], seq, ack, flags, tsval, tsecr, uint16(f.mss), payload)
	}
	before := g.w.size()
	g.w.packet(g.now, g.frame)
	n := g.w.size() - before
	f.bytes += n
	f.slot.kind.bytes += n
	g.truth.packet(f, g.now)
}

// startFlow opens the next flow of a slot.
func (g *generator) startFlow(s *slot, at int64) {
	if g.rng.Float64() > g.opt.sticky {
		s.client, s.server = g.rng.IntN(g.opt.clients), g.rng.IntN(g.opt.servers)
	}
	f := &flow{slot: s, udp: s.kind.udp, started: at}
	f.rtt = int64(g.logNormal(15e6, 0.8, 0.3e6, 300e6))
	c, v := uint32(s.client), uint32(s.server)
	f.client.mac = [6]byte{2, 0, 0, byte(c >> 16), byte(c >> 8), byte(c)}
	f.server.mac = [6]byte{2, 1, 0, 0, 0, 1}
	f.client.ip4 = [4]byte{10, byte(20 + c>>16), byte(c >> 8), byte(c)}
	f.server.ip4 = [4]byte{198, byte(18 + v>>16), byte(v >> 8), byte(v)}
	f.client.ip6 = [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 13: byte(c >> 16), 14: byte(c >> 8), 15: byte(c)}
	f.server.ip6 = [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 2, 13: byte(v >> 16), 14: byte(v >> 8), 15: byte(v)}
	g.ports[s.client]++
	if p := &g.ports[s.client]; *p < 32768 {
		*p = 32768
	}
	f.client.port = g.ports[s.client]
	f.seq = [2]uint32{g.rng.Uint32(), g.rng.Uint32()}
	f.tsoff = [2]uint32{g.rng.Uint32(), g.rng.Uint32()}
	f.app = s.kind.start(g, f)
	v6 := g.rng.Float64() < g.opt.ipv6
	f.mss = g.opt.mss
	if v6 {
		f.mss -= 20 // the longer IP header
	}
	f.segment = f.mss
	if g.opt.tcpTimestamps {
		f.segment -= 12
	}
	proto := uint8(protoTCP)
	if f.udp {
		proto = protoUDP
	}
	lo := linkOptions{sll2: g.opt.linktype == linkSLL2, vlan: g.opt.vlan}
	f.hdr[toServer] = newTemplate(lo, v6, proto, &f.client, &f.server, true)
	f.hdr[toClient] = newTemplate(lo, v6, proto, &f.server, &f.client, false)
	for d := range f.hdr {
		f.hdr[d].ipid = uint16(g.rng.Uint32())
	}
	g.flows++
	f.id = g.flows
	g.truth.begin(f, v6)
	g.active[f] = struct{}{}
	if f.app.step(g, f) && len(f.q) > 0 {
		g.schedule(event{at: at + f.q[0].gap, f: f})
	} else {
		g.finish(f)
	}
}

// finish ends a flow and books the next one of its slot.
func (g *generator) finish(f *flow) {
	delete(g.active, f)
	g.truth.end(f)
	k := f.slot.kind
	next := f.started + int64(float64(f.bytes)/k.rate*g.pressure(k)*(0.5+g.rng.Float64()))
	next = max(next, g.now+1e6)
	if p := int64(g.opt.storm); p > 0 && k.name == "ws" {
		// Reconnects come in waves, each within a tenth of the period.
		next = (next/p+1)*p + g.rng.Int64N(p/10+1)
	}
	g.schedule(event{at: next, slot: f.slot})
}

// think is the pause a flow makes after n bytes to keep its kind's rate.
func (g *generator) think(f *flow, n int) int64 {
	k := f.slot.kind
	return int64(float64(n) / k.rate * g.pressure(k) * (0.5 + g.rng.Float64()))
}

// pressure is above 1 when the kind is ahead of its share of the bytes.
func (g *generator) pressure(k *kind) float64 {
	want := k.share * float64(g.w.size())
	if want < 1e6 {
		return 1
	}
	r := float64(k.bytes) / want
	return min(max(r*r, 0.1), 10)
}

func (g *generator) logNormal(median, sigma, lo, hi float64) float64 {
	return min(max(median*math.Exp(sigma*g.rng.NormFloat64()), lo), hi)
}
