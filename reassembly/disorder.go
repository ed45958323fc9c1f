package reassembly

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/reassembly"
)

// Bytes that come ahead of others wait in gopacket/reassembly: an episode of
// disorder begins with a segment beyond a hole and ends when nothing waits.
// One assembler serves all episodes, each under a flow key of its own, started
// by a crafted SYN one below the next byte, and closed on both sides in the end.
//
// The assembler keeps the bytes only. It cannot be asked what it holds and
// never compares, so the episode keeps a list of the ranges that wait (each
// with the packet that carried it) and hands it no byte twice; what overlaps is
// compared by its hash when the bytes come out. To give a hole up, a zero-length
// segment is handed in while the page limit is 1: that makes the assembler skip
// the hole of this one flow (its Flush functions would visit all).

const (
	// pageCost is the memory of one page of the assembler; each segment
	// that waits takes one per 1900 bytes begun.
	pageCost  = 2048
	pageBytes = 1900

	// MaxChecks bounds the overlaps of one episode that are compared.
	MaxChecks = 64
)

// disorder is what all episodes of a table share.
type disorder struct {
	assembler *reassembly.Assembler
	context   noInfo
	tcp       layers.TCP
	keys      uint64
	cost      int64 // of all that waits
	pad       []byte
	pieces    []waiting
	free      *episode
	opening   *episode
	seed      maphash.Seed
}

// noInfo satisfies the assembler; the packets are in the episode's ranges.
type noInfo struct{}

func (noInfo) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo{} }

// New makes the episode that begins the stream for the assembler.
func (d *disorder) New(_, _ gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	return d.opening
}

// waiting is a range of bytes that waits.
type waiting struct {
	start, n, cut uint32
	at            At
	clock         int64
	id            uint16
}

func (w *waiting) end() uint32 { return w.start + w.n }

// check is an overlap to be compared.
type check struct {
	start, n uint32
	hash     uint64
	at       At
}

// episode is a disorder of one side of a flow.
type episode struct {
	t          *Table
	f          *Flow
	side       Side
	why        GapKind // of a hole that is given up now
	finAhead   bool
	fin        uint32 // sequence number of the FIN
	finClock   int64
	told       bool   // the hole before hole was acknowledged, at ackedClock
	hole       uint32 // the number of the first byte behind it
	ackedClock int64
	key        gopacket.Flow
	ranges     []waiting // in order, apart from each other
	checks     []check
	waiting    int64 // captured bytes in ranges
	cost       int64
	free       *episode
}

// Accept implements reassembly.Stream.
func (e *episode) Accept(*layers.TCP, gopacket.CaptureInfo, reassembly.TCPFlowDirection, reassembly.Sequence, *bool, reassembly.AssemblerContext) bool {
	return true
}

// ReassemblyComplete implements reassembly.Stream.
func (e *episode) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }

// ReassembledSG implements reassembly.Stream: bytes come out in order.
func (e *episode) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	total, _ := sg.Lengths()
	if total == 0 || len(e.ranges) == 0 {
		return
	}
	if _, _, _, skip := sg.Info(); skip > 0 {
		e.t.missing(e.f, e.side, e.ranges[0].at, int64(skip), e.why)
	}
	b := sg.Fetch(total)
	e.compare(b, e.f.half[e.side].next)
	n := 0
	for n < len(e.ranges) && len(b) >= int(e.ranges[n].n) {
		w := e.ranges[n]
		n++
		e.handOn(&w, b[:w.n-w.cut])
		b = b[w.n:]
	}
	e.ranges = e.ranges[:copy(e.ranges, e.ranges[n:])]
}

func (e *episode) handOn(w *waiting, b []byte) {
	h, o := e.f.sides(e.side)
	e.release(w)
	h.flags &^= halfGuess
	e.t.track(h, o, w.n, w.at.mark(), b)
	e.t.deliver(e.f, e.side, w.at, b, w.n)
}

func (e *episode) release(w *waiting) {
	c := costOf(w.n)
	e.waiting -= int64(w.n - w.cut)
	e.cost -= c
	e.t.disorder.cost -= c
}

func costOf(n uint32) int64 { return int64((n + pageBytes - 1) / pageBytes * pageCost) }

// compare checks overlaps that lie within bytes b, which begin at start.
func (e *episode) compare(b []byte, start uint32) {
	kept := e.checks[:0]
	for _, c := range e.checks {
		from := int64(int32(c.start - start))
		switch {
		case from >= int64(len(b)):
			kept = append(kept, c)
		case from >= 0 && from+int64(c.n) <= int64(len(b)):
			if maphash.Bytes(e.t.disorder.seed, b[from:from+int64(c.n)]) != c.hash {
				e.t.conflict(e.f, e.side, c.at)
			}
		}
	}
	e.checks = kept
}

// disordered takes a segment ahead of a hole, or any while something waits.
func (t *Table) disordered(f *Flow, d Side, s *segment) {
	h := &f.half[d]
	if s.n == 0 && !s.is(flagFIN) || h.is(halfEnded) {
		return
	}
	if h.wait == nil {
		t.begin(f, d)
	}
	e := h.wait
	if s.is(flagFIN) && !e.finAhead && !before(s.end(), h.end()) {
		e.finAhead, e.fin, e.finClock = true, s.end(), s.clock
		t.closes(f, d, s.at)
	}
	switch {
	case s.n == 0:
	case e.finAhead && before(e.fin, s.end()):
		t.rare(f).OutOfWindow++
	case !before(h.next, s.end()):
		t.again(f, d, s)
	default:
		e.add(s)
	}
	t.after(f, d)
}

// add lets the bytes of s that are new wait, or come out.
func (e *episode) add(s *segment) {
	t, h := e.t, &e.f.half[e.side]
	pieces := t.disorder.pieces[:0]
	start, end := s.seq, s.end()
	if before(start, h.next) {
		e.t.compare(e.f, e.side, s)
		start = h.next
	}
	var behind, over *waiting // the first range after a new byte, and any that overlaps
	for i := range e.ranges {
		w := &e.ranges[i]
		if !before(start, end) || !before(w.start, end) {
			if behind == nil && len(pieces) > 0 || behind == nil && before(start, end) {
				behind = w
			}
			break
		}
		if !before(start, w.end()) {
			continue
		}
		if before(start, w.start) {
			pieces = append(pieces, e.piece(s, start, w.start))
			behind = w
		}
		over = w
		e.overlap(s, w, max32(start, w.start), min32(end, w.end()))
		start = w.end()
	}
	if before(start, end) {
		pieces = append(pieces, e.piece(s, start, end))
	}
	t.disorder.pieces = pieces
	e.judge(s, len(pieces) > 0, behind, over)
	for i := range pieces {
		e.feed(s, &pieces[i])
	}
}

func max32(a, b uint32) uint32 {
	if before(a, b) {
		return b
	}
	return a
}

func min32(a, b uint32) uint32 {
	if before(a, b) {
		return a
	}
	return b
}

func (e *episode) piece(s *segment, start, end uint32) waiting {
	w := waiting{start: start, n: end - start, at: s.at, clock: s.clock, id: s.id}
	if have := s.seq + uint32(len(s.data)); before(have, end) {
		w.cut = min(end-have, w.n)
	}
	return w
}

// overlap plans the comparison of bytes that wait already.
func (e *episode) overlap(s *segment, w *waiting, from, to uint32) {
	if w.cut > 0 || len(s.data) < int(s.n) || len(e.checks) >= MaxChecks {
		return
	}
	b := s.data[from-s.seq : to-s.seq]
	e.checks = append(e.checks, check{from, to - from, maphash.Bytes(e.t.disorder.seed, b), s.at})
}

// feed gives a piece of s to the assembler.
func (e *episode) feed(s *segment, w *waiting) {
	dz := &e.t.disorder
	i := len(e.ranges)
	for i > 0 && before(w.start, e.ranges[i-1].start) {
		i--
	}
	e.ranges = append(e.ranges, waiting{})
	copy(e.ranges[i+1:], e.ranges[i:])
	e.ranges[i] = *w
	c := costOf(w.n)
	e.waiting += int64(w.n - w.cut)
	e.cost += c
	dz.cost += c
	off := w.start - s.seq
	var b []byte
	if w.cut == 0 {
		b = s.data[off : off+w.n]
	} else {
		b = dz.padded(s.data[min(off, uint32(len(s.data))):], w)
	}
	e.why = GapLimit
	dz.assemble(e.key, w.start, b, false, false)
}

// padded is the captured part of a piece with zeros for the rest.
func (d *disorder) padded(b []byte, w *waiting) []byte {
	d.pad = append(d.pad[:0], b[:w.n-w.cut]...)
	for len(d.pad) < int(w.n) {
		d.pad = append(d.pad, 0)
	}
	return d.pad
}

// assemble hands a crafted segment to the assembler.
func (d *disorder) assemble(key gopacket.Flow, seq uint32, b []byte, syn, fin bool) {
	d.tcp.Seq, d.tcp.SYN, d.tcp.FIN, d.tcp.Payload = seq, syn, fin, b
	d.assembler.AssembleWithContext(key, &d.tcp, d.context)
	d.tcp.Payload = nil
}

// begin starts an episode at the next byte of side d.
func (t *Table) begin(f *Flow, d Side) {
	dz := &t.disorder
	if dz.assembler == nil {
		dz.assembler = reassembly.NewAssembler(reassembly.NewStreamPool(dz))
		// These bounds are never met: the table keeps its own before.
		dz.assembler.MaxBufferedPagesPerConnection = int(t.limits.WaitingPerFlow/pageCost) + 64
		dz.assembler.MaxBufferedPagesTotal = int(t.limits.Waiting/pageCost) + 64
		dz.seed = maphash.MakeSeed()
	}
	e := dz.free
	if e == nil {
		e = new(episode)
	} else {
		dz.free = e.free
	}
	*e = episode{t: t, f: f, side: d, ranges: e.ranges[:0], checks: e.checks[:0]}
	dz.keys++
	var src, dst [9]byte
	binary.BigEndian.PutUint64(src[:], dz.keys)
	dst, dst[8] = src, 1
	e.key = gopacket.NewFlow(layers.EndpointIPv6, src[:], dst[:])
	h := &f.half[d]
	t.enqueue(h)
	h.wait = e
	f.waits++
	h.flags &^= halfSoft
	dz.opening = e
	dz.assemble(e.key, h.next-1, nil, true, false)
}

// after ends the episode when nothing waits.
func (t *Table) after(f *Flow, d Side) {
	h := &f.half[d]
	e := h.wait
	if e == nil || len(e.ranges) > 0 || e.finAhead && before(h.next, e.fin) {
		return
	}
	fin := e.finAhead && h.next == e.fin
	dz := &t.disorder
	dz.assemble(e.key, h.next, nil, false, true)
	dz.assemble(e.key.Reverse(), 0, nil, true, true)
	h.wait = nil
	f.waits--
	e.f, e.t = nil, nil
	e.free, dz.free = dz.free, e
	if fin && !h.is(halfEnded) {
		t.end(f, d, f.finAt(d))
	}
}
