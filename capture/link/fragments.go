package link

import (
	"bytes"
	"container/list"
	"slices"
	"sort"
	"time"

	"github.com/wsleuth/wsleuth/capture"
)

// Limits on fragments that wait for the rest of their datagram. When one is
// reached, the oldest datagrams go first; Dropped counts them.
const (
	// MaxFragmentBytes bounds the payload bytes that are held.
	MaxFragmentBytes = 8 << 20
	// MaxDatagrams bounds the datagrams that are held, finished ones included.
	MaxDatagrams = 4096
	// MaxFragments bounds the fragments of one datagram.
	MaxFragments = 2048
	// FragmentTimeout is how long the first fragment is held, in time of the
	// capture. RFC 8200, section 4.5: "within 60 seconds of the reception of
	// the first-arriving fragment"; Linux waits half of that for both versions.
	FragmentTimeout = 30 * time.Second
	// fragmentOverhead stands for the bookkeeping of one fragment.
	fragmentOverhead = 64
	maxDatagram      = 65535
)

// Dropped counts what limits and contradictions made the Decoder leave out.
type Dropped struct {
	// Expired datagrams were not whole after FragmentTimeout, Evicted ones
	// made room for others, Contradicted ones had fragments that overlap with
	// different bytes, disagree about the length or are more than MaxFragments.
	Expired, Evicted, Contradicted int64
	// Encapsulations counts packets whose chain came after MaxEncapsulations.
	Encapsulations int64
}

// Dropped returns the counts so far. Datagrams that still wait are not in it.
func (d *Decoder) Dropped() Dropped {
	r := d.fragments.dropped
	r.Encapsulations = d.names.lumped
	return r
}

// fragmentKey tells which fragments belong together. RFC 791, section 3.2:
// source, destination, protocol and identification; RFC 8200, section 4.5: all
// but the protocol. Copies of a packet that were captured at several places
// are kept apart, or the second copy would be taken for the next datagram.
type fragmentKey struct {
	from, to Addr
	v6       bool
	id       uint32
	protocol uint8
	outgoing bool
	network  int32
	iface    int32
	vantage  int32
}

// fragment is a part of a datagram: wire bytes [start, start+data.wire()).
type fragment struct {
	key   fragmentKey
	start int
	more  bool
	next  uint8 // IPv6: the protocol that the fragment header announces
	data  view
}

// piece is a fragment that is held; data may be shorter than end-start if
// the capture cut it.
type piece struct {
	start, end int
	data       []byte
}

// datagram is what is held of one. Pieces are in order and do not overlap.
type datagram struct {
	key    fragmentKey
	since  int64 // Clock of the first fragment
	pieces []piece
	size   int // end of the last fragment, -1 before it came
	held   int // wire bytes in pieces
	next   uint8
	done   bool // was whole; kept to recognise repeated fragments
	place  *list.Element
}

// fragments holds datagrams until they are whole. gopacket's ip4defrag and
// ip6defrag do the same, but keep a reference to each packet's bytes, have no
// bound on the datagrams that wait, lose fragments that the capture cut, and
// ip6defrag times by the wall clock.
type fragments struct {
	waiting map[fragmentKey]*datagram
	age     *list.List // of *datagram, oldest first
	bytes   int
	dropped Dropped
}

func (f *fragments) init() {
	f.waiting = make(map[fragmentKey]*datagram)
	f.age = list.New()
}

// reassemble takes a fragment with the addresses in ip and answers with the
// whole datagram once it has all, and the protocol that its first fragment
// announces (IPv6).
func (d *Decoder) reassemble(ip *IP, f fragment) (view, uint8, Status) {
	f.key.from, f.key.to, f.key.v6 = ip.From, ip.To, ip.V6
	f.key.outgoing, f.key.iface, f.key.vantage = ip.Outgoing, ip.Interface, d.packet.Vantage
	_, f.key.network = d.names.intern(d.chain[:d.hops])
	whole, next, status := d.fragments.add(d.packet, f)
	ip.Fragment = ip.Fragment || status == Decoded
	return whole, next, status
}

func (fs *fragments) add(p *capture.Packet, f fragment) (view, uint8, Status) {
	fs.expire(p.Clock)
	end := f.start + f.data.wire()
	// RFC 8200, section 4.5: a fragment's length that "is not a multiple of 8
	// octets and the M flag is 1", or that makes the packet "exceed 65,535
	// octets", must be discarded.
	if end > maxDatagram || end == f.start || (f.more && (end-f.start)%8 != 0) {
		return view{}, 0, Malformed
	}
	g := fs.waiting[f.key]
	if g != nil && g.done {
		if g.repeats(f.start, end, f.data.b) {
			return view{}, 0, Incomplete
		}
		fs.remove(g) // the identification is used again
		g = nil
	}
	if g == nil {
		g = &datagram{key: f.key, since: p.Clock, size: -1}
		fs.waiting[f.key] = g
		g.place = fs.age.PushBack(g)
	}
	if len(g.pieces) > 0 && g.repeats(f.start, end, f.data.b) && (f.more || end == g.size) {
		return view{}, 0, Incomplete
	}
	if !g.insert(f, end) {
		fs.dropped.Contradicted++
		fs.remove(g)
		return view{}, 0, Malformed
	}
	fs.bytes += len(f.data.b) + fragmentOverhead
	if g.held != g.size {
		fs.shrink()
		return view{}, 0, Incomplete
	}
	whole := g.join()
	g.done = true
	fs.shrink()
	return whole, g.next, Decoded
}

// expire forgets what is older than FragmentTimeout.
func (fs *fragments) expire(clock int64) {
	for e := fs.age.Front(); e != nil; e = fs.age.Front() {
		g := e.Value.(*datagram)
		if clock-g.since <= int64(FragmentTimeout) {
			return
		}
		if !g.done {
			fs.dropped.Expired++
		}
		fs.remove(g)
	}
}

// shrink forgets the oldest until the limits hold.
func (fs *fragments) shrink() {
	for fs.bytes > MaxFragmentBytes || fs.age.Len() > MaxDatagrams {
		g := fs.age.Front().Value.(*datagram)
		if !g.done {
			fs.dropped.Evicted++
		}
		fs.remove(g)
	}
}

func (fs *fragments) remove(g *datagram) {
	for _, p := range g.pieces {
		fs.bytes -= len(p.data) + fragmentOverhead
	}
	fs.age.Remove(g.place)
	delete(fs.waiting, g.key)
}

// insert files a fragment that ends at end. It answers false if it
// contradicts what is there. RFC 8200, section 4.5: "if any of the fragments
// being reassembled overlap with any other fragments being reassembled for
// the same packet, reassembly of that packet must be abandoned", exact
// duplicates excepted; receivers of IPv4 have come to do the same.
func (g *datagram) insert(f fragment, end int) bool {
	highest := 0
	if n := len(g.pieces); n > 0 {
		highest = g.pieces[n-1].end
	}
	switch {
	case len(g.pieces) >= MaxFragments:
		return false
	case !f.more && (end < highest || (g.size >= 0 && g.size != end)):
		return false
	case f.more && g.size >= 0 && end > g.size:
		return false
	}
	at := sort.Search(len(g.pieces), func(i int) bool { return g.pieces[i].end > f.start })
	if at < len(g.pieces) && g.pieces[at].start < end {
		return false
	}
	if !f.more {
		g.size = end
	}
	if f.start == 0 {
		g.next = f.next
	}
	g.pieces = slices.Insert(g.pieces, at, piece{f.start, end, bytes.Clone(f.data.b)})
	g.held += end - f.start
	return true
}

// repeats tells whether all of a fragment came before, in the same bytes: a
// duplicate, or a part of a larger one that was captured ahead of the router
// that cut it.
func (g *datagram) repeats(start, end int, data []byte) bool {
	at := sort.Search(len(g.pieces), func(i int) bool { return g.pieces[i].end > start })
	for from := start; from < end; at++ {
		if at == len(g.pieces) || g.pieces[at].start > from {
			return false
		}
		p := g.pieces[at]
		to := min(end, p.end)
		if !sameBytes(data, start, p.data, p.start, from, to) {
			return false
		}
		from = to
	}
	return true
}

// sameBytes compares the bytes [from, to) of a datagram in two slices that
// begin at offsets of their own, as far as both have them.
func sameBytes(a []byte, startA int, b []byte, startB int, from, to int) bool {
	to = min(to, startA+len(a), startB+len(b))
	return from >= to || bytes.Equal(a[from-startA:to-startA], b[from-startB:to-startB])
}

// join puts the pieces together, as far as they were captured without a gap.
func (g *datagram) join() view {
	captured := 0
	for _, p := range g.pieces {
		captured += len(p.data)
	}
	whole := view{b: make([]byte, 0, captured)}
	for _, p := range g.pieces {
		whole.b = append(whole.b, p.data...)
		if len(p.data) < p.end-p.start {
			break
		}
	}
	whole.absent = g.size - len(whole.b)
	return whole
}
